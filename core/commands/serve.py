"""``okno run``, ``okno web``, ``okno worker``. The process that runs the others imports no application, and stays small."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from core.commands.terminal import House, explain, fail, language, pass_house


@click.command()
@click.option("--demo", is_flag=True, help="Load the demo centre into an empty house, and show its accounts.")
@click.option("--host", help="Address to listen on; web.host of okno.toml without it.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; web.port without it, or a free one when that is taken.")
@pass_house
@click.pass_context
def run(ctx: click.Context, house: House, demo: bool, host: str | None, port: int | None) -> None:
    """Start everything: web, worker and the plugins' listeners. Makes the centre first when there is none.

    Ctrl-C stops all of it.
    """
    from core.processes import child_command, run_all

    arguments = ["prepare", *(["--demo"] if demo else []), *(["--host", host] if host else [])]
    arguments += ["--port", str(port)] if port is not None else []
    done = subprocess.run(child_command(house.home, *arguments), stdout=subprocess.PIPE, text=True, encoding="utf-8", check=False)
    if done.returncode:
        ctx.exit(done.returncode)
    ready = json.loads(done.stdout.splitlines()[-1])
    overrides = {"core.demo": "true"} if ready["demo"] else {}
    ctx.exit(run_all(house.home, overrides, ready["host"], ready["port"], lambda url: click.echo(welcome(url, ready))))


def welcome(url: str, ready: dict[str, Any]) -> str:
    """What a newcomer reads first."""
    russian = language() == "ru"
    lines = ["", f"  {'Okno работает' if russian else 'Okno is running'}:  {url}", ""]
    if ready["accounts"]:
        lines.append("  Демо-учётные записи:" if russian else "  Demo accounts:")
        width = max(len(account["login"]) for account in ready["accounts"])
        lines += [f"    {a['login']:<{width}}  {a['password']}   {a['about']}" for a in ready["accounts"]]
        lines.append("")
    if ready["hints"]:
        lines += [f"  {line}" for hint in ready["hints"] for line in hint.splitlines()]
        lines.append("")
    lines.append("  Ctrl-C — остановить" if russian else "  Ctrl-C stops everything")
    return "\n".join([*lines, ""])


@click.command(hidden=True)
@click.option("--demo", is_flag=True)
@click.option("--host")
@click.option("--port", type=int)
@pass_house
def prepare(house: House, demo: bool, host: str | None, port: int | None) -> None:
    """What `okno run` does first, in a process of its own: home, migrations, demo; prints what it found as JSON."""
    from core import audit, directory, migrate
    from core.app import create_app, okno
    from core.commands.house import make_home
    from core.config import load_core
    from core.demo import load as demo_centre

    make_home(house)
    settings = load_core(house.home)
    host = host or str(settings.get("web.host"))
    port = choose_port(host, port, int(settings.get("web.port")))
    overrides: dict[str, Any] = {"web.host": host, "web.port": port, **({"core.demo": True} if demo else {})}
    app = create_app(house.home, overrides, check_schema=False)
    with app.app_context():
        audit.set_actor("okno run")
        migrate.upgrade(app)
        directory.ensure_roles()
        if demo and demo_centre.is_empty():
            click.echo("Загружаю демо-центр…" if language() == "ru" else "Loading the demo centre…", err=True)
            demo_centre.load_demo()
        accounts = demo_centre.demo_accounts(language()) if okno().config.get("core.demo") else []
        hints = [text.to(language()) for text in okno().hooks.hints(language())]
    told = {"host": host, "port": port, "demo": demo, "accounts": accounts, "hints": hints}
    click.echo(json.dumps(told, ensure_ascii=False))


def choose_port(host: str, asked: int | None, configured: int) -> int:
    """The port asked for, whatever happens; else the configured one, or a free one when that is taken or 0."""
    if asked:
        return asked
    for port in (configured if asked is None else 0, 0):
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
                probe.listen(1)
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise click.ClickException(f"'{host}' is not an address of this machine")


@click.command()
@click.option("--host", help="Address to listen on; web.host without it.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port; web.port without it.")
@click.option("--fd", type=int, hidden=True)
@pass_house
def web(house: House, host: str | None, port: int | None, fd: int | None) -> None:
    """Serve the desk alone; start more of them behind a proxy to grow."""
    from core.processes import serve_web

    with final_for_wrong_settings():
        house.must_exist()
        if fd is None and (host is None or port is None):
            from core.config import load_core

            settings = load_core(house.home)
            host, port = host or settings.get("web.host"), settings.get("web.port") if port is None else port
        serve_web(house.home, None, host or "127.0.0.1", port or 0, fd)


@click.command()
@pass_house
def worker(house: House) -> None:
    """Run the background work alone: taking in, sending, routing, due work, the plugins' listeners."""
    with final_for_wrong_settings():
        house.must_exist()
        from core.app import create_app
        from core.schedule import Worker

        Worker(create_app(house.home)).run()


@contextmanager
def final_for_wrong_settings() -> Iterator[None]:
    """Settings that are wrong end the process with 78, which tells the supervisor not to try again."""
    from core.processes import EXIT_CONFIG

    try:
        yield
    except Exception as error:
        problem = explain(error)
        if problem is None or problem.code not in ("config", "schema", "plugin"):
            raise
        fail(problem, as_json=False)
        sys.exit(EXIT_CONFIG)
