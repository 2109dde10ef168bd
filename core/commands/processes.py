"""``okno run``, ``web``, ``worker``: start what serves."""

from __future__ import annotations

import multiprocessing
import socket
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core import config as configuration
from core.commands.house import make_home
from core.commands.terminal import House, language
from core.config import ConfigError

if TYPE_CHECKING:
    from flask import Flask

    from core.contracts import Process

WRONG_SETTINGS = 78  # EX_CONFIG of sysexits.h: the supervisor does not start such a child again


class WrongSettings(click.ClickException):
    """The centre cannot start as it is set up."""

    exit_code = WRONG_SETTINGS


def _refuse(error: Exception) -> click.ClickException:
    return WrongSettings(str(error))


def _application(home: Path, overrides: Mapping[str, Any] | None = None, *, check_schema: bool = True) -> Flask:
    from core.app import SchemaPending, create_app

    try:
        return create_app(home, overrides, check_schema=check_schema)
    except (ConfigError, SchemaPending) as error:
        raise _refuse(error) from error


@click.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=int, help="Port to listen on; 0 takes any free one.")
@click.option("--fd", type=int, hidden=True)
@click.pass_obj
def web(home: Path, host: str | None, port: int | None, fd: int | None) -> None:
    """Serve the desk (one web process)."""
    from core.app import SchemaPending
    from core.processes import serve_web

    host, port = _place(home, host, port)
    try:
        serve_web(home, None, host, port, fd)
    except (ConfigError, SchemaPending) as error:
        raise _refuse(error) from error


@click.command()
@click.pass_obj
def worker(home: Path) -> None:
    """Do what happens without a request: mail, routing, workflows, jobs (one worker process)."""
    from core.schedule import Worker

    Worker(_application(home)).run()


@click.command()
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=int, help="Port to listen on; 0 takes any free one.")
@click.option("--demo", is_flag=True, help="Load the demo centre when there is no data yet, and show what to try.")
@click.pass_obj
def run(home: Path, host: str | None, port: int | None, demo: bool) -> None:
    """Serve everything: migrate, then web and worker in one process group until Ctrl-C."""
    from core.processes import run_all

    host, port = _place(home, host, port)
    if port == 0 or (demo and not _free(host, port)):
        port = _free_port(host)
    make_home(House(home))
    overrides: dict[str, Any] = {"web.host": host, "web.port": port}
    if demo:
        overrides |= {"core.demo": True, **_free_listeners(home)}
    _import_servers()
    app = _application(home, overrides, check_schema=False)
    hints = _in_child(_prepare, app, demo)
    work = {"web": partial(_web, app), "worker": partial(_worker, app)}
    for name, process in app.extensions["okno"].hooks.processes().items():
        work[name] = partial(_process, app, process)
    try:
        code = run_all(home, work, overrides, host, port, on_ready=lambda url: _welcome(url, demo, hints))
    except OSError as error:
        raise click.ClickException(f"cannot listen on {host}:{port}: {error.strerror}") from error
    raise SystemExit(code)


def _import_servers() -> None:
    """What web and worker need beside the application: imported before they are forked, it is in memory once."""

    import core.asgi
    import core.schedule
    import core.web.server  # noqa: F401


def _web(app: Flask, sock: socket.socket) -> None:
    from core.asgi import make_edge
    from core.processes import run_edge

    run_edge(make_edge(app), sock)


def _worker(app: Flask, sock: socket.socket) -> None:
    from core.schedule import Worker

    sock.close()
    Worker(app).run()


def _process(app: Flask, process: Process, sock: socket.socket) -> None:
    sock.close()
    process.run(app)


def _in_child(work: Callable[..., Any], *arguments: Any) -> Any:
    """The result of ``work`` done in a process of its own: its connections and threads do not stay in the supervisor."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)

    def answer() -> None:
        try:
            theirs.send((work(*arguments), None))
        except Exception as error:  # noqa: BLE001 -- whatever it is, the supervisor says it in one sentence
            theirs.send((None, f"{error}" or type(error).__name__))

    child = context.Process(target=answer)
    child.start()
    theirs.close()
    try:
        result, problem = ours.recv()
    except EOFError:
        result, problem = None, "the preparation was killed"
    child.join()
    if problem is not None:
        raise _refuse(RuntimeError(problem))
    return result


def _place(home: Path, host: str | None, port: int | None) -> tuple[str, int]:
    """Where to listen: the options, else the core's settings."""
    try:
        config = configuration.load_core(home)
    except ConfigError as error:
        raise _refuse(error) from error
    return host or config.get("web.host"), config.get("web.port") if port is None else port


def _prepare(app: Flask, demo: bool) -> list[str]:
    """Migrate and, for the demo, load the centre; gives the plugins' lines to try."""
    from core import directory, migrate, reasons
    from core.house import okno

    migrate.upgrade(app)
    with app.app_context():
        directory.ensure_roles()
        reasons.ensure_reasons()
        if demo:
            from core.demo.load import load_when_empty

            load_when_empty(click.echo)
        return [hint.to(language()) for hint in okno().hooks.hints(language())]


def _free_listeners(home: Path) -> dict[str, int]:
    """Free ports for the plugins' listeners whose own is in use."""
    from core.app import load_plugins

    try:
        config = load_plugins(home, None).config
    except ConfigError as error:
        raise _refuse(error) from error
    ports = {key: config.get(key) for key, setting in config.declared.items() if setting.listens}
    return {key: _free_port("127.0.0.1") for key, port in ports.items() if not _free("127.0.0.1", port)}


def _free_port(host: str) -> int:
    with socket.create_server((host, 0)) as probe:
        return int(probe.getsockname()[1])


def _free(host: str, port: int) -> bool:
    try:
        with socket.create_server((host, port)):
            return True
    except OSError:
        return False


def _welcome(url: str, demo: bool, hints: list[str]) -> None:
    russian = language() == "ru"
    lines = ["", f"  {'Okno работает' if russian else 'Okno is running'}:  {url}", ""]
    if demo:
        from core.demo.accounts import PASSWORD, demo_accounts

        lines.append(f"  {'Демо-учётные записи, пароль' if russian else 'Demo accounts, password'} {PASSWORD}:")
        lines += [f"    {login:<14}{about}" for login, about in demo_accounts(language())]
        lines.append("")
    lines += [f"  {hint}" for hint in hints]
    lines += ["", f"  {'Ctrl-C — остановить всё' if russian else 'Ctrl-C stops everything'}", ""]
    click.echo("\n".join(lines))
