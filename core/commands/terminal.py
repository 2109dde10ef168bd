"""What every command shares: the house it works in, answers for people or programs, errors as one sentence."""

from __future__ import annotations

import getpass
import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from flask import Flask

    from core.contracts import Text

EXIT_FAILURE, EXIT_USAGE = 1, 2
JSON_MARK = "okno.json"


def language() -> str:
    """The terminal's language, "ru" or "en", from the locale variables."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        if value := os.environ.get(name):
            return "ru" if value.lower().startswith("ru") else "en"
    return "en"


@dataclass(frozen=True, slots=True)
class House:
    """The home folder that ``--home`` named, and the application kept there."""

    home: Path

    @contextmanager
    def open(self, *, check_schema: bool = True) -> Iterator[Flask]:
        """The application in a context; changes made in it are audited as ``cli:<system user>``."""
        from core import audit
        from core.app import create_app

        self.must_exist()
        log_to_stderr()
        app = create_app(self.home, check_schema=check_schema)
        with app.app_context():
            audit.set_actor(f"cli:{_system_user()}")
            yield app

    def must_exist(self) -> None:
        """Refuse a home folder that nobody made, so that a mistyped path makes no second centre."""
        if not self.home.is_dir():
            raise click.ClickException(
                f"there is no centre in '{self.home}': make one with  okno --home {self.home} init"
            )


def pass_house(command: Any) -> Any:
    """Give a command its :class:`House` as the first argument."""

    @wraps(command)
    def called(*arguments: Any, **values: Any) -> Any:
        house = House(click.get_current_context().find_root().params["home"])
        return command(house, *arguments, **values)

    return called


def plugin_commands(home: Path) -> dict[str, click.Command]:
    """The commands of enabled plugins by name; with a note on standard error when the house cannot open."""
    if not home.is_dir():
        return {}
    try:
        return _commands_of(home)
    except Exception as error:  # noqa: BLE001 -- help must work in any broken house
        problem = explain(error)
        text = problem.text if problem else f"{type(error).__name__}: {error}"
        click.echo(f"Note: commands of plugins are not available: {text}", err=True)
        return {}


def log_to_stderr() -> None:
    """Keep standard output for the answer; the application sets the rest of its log up later."""
    import structlog

    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr), cache_logger_on_first_use=False)


def _commands_of(home: Path) -> dict[str, click.Command]:
    from core.app import load_plugins

    log_to_stderr()
    # The commands alone: which of them is called, and whether it needs an application, shows only afterwards.
    mounts = load_plugins(home.resolve(), None).hooks.commands()
    return {mount.command.name: mount.command for mount in mounts if mount.command.name}


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


# --- answers -----------------------------------------------------------------------------------------


def _mark_json(ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        ctx.find_root().meta[JSON_MARK] = True


json_option = click.option(
    "--json",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_mark_json,
    help="Print one JSON object for programs.",
)


def json_wanted(words: Sequence[str] = ()) -> bool:
    """Whether the caller is a program."""
    ctx = click.get_current_context(silent=True)
    return "--json" in words or bool(ctx and ctx.find_root().meta.get(JSON_MARK))


def answer(data: Any, text: str = "") -> None:
    """``{"ok": true, "data": …}`` for a program, ``text`` for a person."""
    if json_wanted():
        click.echo(json.dumps({"ok": True, "data": data}, ensure_ascii=False, default=_json_value))
    elif text:
        click.echo(text)


def answer_rows(rows: Sequence[dict[str, Any]], columns: Sequence[str], nothing: str) -> None:
    """A list: all of each row for a program, a table of ``columns`` for a person, ``nothing`` when it is empty."""
    if json_wanted() or not rows:
        answer(rows, nothing)
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text as Cell

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.replace("_", " "), overflow="fold")
    for row in rows:
        table.add_row(*(Cell(_shown(row[column])) for column in columns))
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M")
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else str(value)


def _json_value(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    raise TypeError(f"{value!r} has no JSON form")


# --- errors ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a command failed: a stable word, a sentence, the exit code."""

    code: str
    text: str
    exit_code: int = EXIT_FAILURE
    hint: str = ""


def fail(problem: Problem, as_json: bool) -> None:
    """``{"ok": false, "error": …}`` on standard output for a program, a sentence on standard error for a person."""
    if as_json:
        click.echo(json.dumps({"ok": False, "error": {"code": problem.code, "text": problem.text}}, ensure_ascii=False))
        return
    click.echo(f"{'Ошибка' if language() == 'ru' else 'Error'}: {problem.text}", err=True)
    if problem.hint:
        click.echo(problem.hint, err=True)


def explain(error: BaseException) -> Problem | None:
    """What happened, in a sentence; None for an error that is a bug and should show its traceback."""
    if isinstance(error, click.UsageError):
        hint = f"Try:  {error.ctx.command_path} --help" if error.ctx else ""
        return Problem("usage", error.format_message(), EXIT_USAGE, hint)
    if isinstance(error, click.Abort):
        return Problem("aborted", "стоп" if language() == "ru" else "aborted")
    if isinstance(error, click.ClickException):
        return Problem(getattr(error, "code", "failed"), error.format_message(), error.exit_code)
    return _explain_ours(error)


def _explain_ours(error: BaseException) -> Problem | None:
    from sqlalchemy.exc import DatabaseError, OperationalError

    from core.app import SchemaPending
    from core.config import ConfigError
    from core.contracts import Rejected
    from core.pluginmanager import PluginProblem

    if isinstance(error, Rejected):
        return Problem(error.code, in_terminal(error.text))
    for kind, code in (
        (ConfigError, "config"),
        (SchemaPending, "schema"),
        (PluginProblem, "plugin"),
        (LookupError, "not-found"),
    ):
        if isinstance(error, kind) and not isinstance(error, KeyError | IndexError):
            return Problem(code, str(error))
    if isinstance(error, OperationalError | DatabaseError):
        return Problem("database", f"the data base does not answer: {str(error.orig).strip().splitlines()[0]}")
    if isinstance(error, OSError):
        return Problem("io", f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}")
    return None


def in_terminal(text: Text) -> str:
    """A text in the terminal's language; programs get English."""
    return text.en if json_wanted(sys.argv) else text.to(language())


# --- input -------------------------------------------------------------------------------------------


def read_password(from_stdin: bool) -> str:
    """A password, typed twice without echo or, with ``from_stdin``, the first line of standard input."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    if not sys.stdin.isatty():
        raise click.UsageError("there is no terminal to ask for the password: use --password-stdin")
    typed: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return typed


def given(**values: Any) -> dict[str, Any]:
    """The options that were really given."""
    return {name: value for name, value in values.items() if value is not None}


def yaml_mapping(file: Path) -> dict[str, Any]:
    """A YAML file ("-": standard input) that holds a mapping; anything else is a usage error that names it."""
    import yaml

    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
        found = yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise click.ClickException(f"{file}: not valid YAML: {error}") from error
    if not isinstance(found, dict):
        raise click.ClickException(f"{file}: must be a mapping of names and values")
    return found


def titles(title: str | None, title_ru: str | None, fallback: str) -> tuple[str, str]:
    """English and Russian titles; one stands in for the other, the key for both."""
    return title or title_ru or fallback, title_ru or title or fallback


def joined(words: Iterable[str]) -> str:
    """A list for people."""
    return ", ".join(words) or "–"
