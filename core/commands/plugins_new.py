"""``okno plugins new``: write a plugin that works, with tests that pass, to begin from."""

from __future__ import annotations

import io
import keyword
import re
import sys
from pathlib import Path

import click

from core.commands.terminal import answer, json_option

SKELETON = Path(__file__).resolve().parent.parent / "skeleton"
NAME = re.compile(r"[a-z](?:_?[a-z0-9]){1,29}")
RESERVED = ("core", "web", "routing", "search", "events", "log", "okno", "plugins", "desk", "admin", "auth", "test")
# Where each file of the skeleton goes.
FILES = {
    "pyproject.toml.txt": "pyproject.toml",
    "README.md.txt": "README.md",
    "plugin.py.txt": "{package}/__init__.py",
    "hooks.py.txt": "{package}/hooks.py",
    "models.py.txt": "{package}/models.py",
    "operations.py.txt": "{package}/operations.py",
    "views.py.txt": "{package}/views.py",
    "migration.py.txt": "{package}/migrations/0001_first_table.py",
    "index.html.txt": "{package}/templates/{name}/index.html",
    "messages.po.txt": "{package}/translations/ru/LC_MESSAGES/messages.po",
    "test.py.txt": "tests/test_{name}.py",
}


@click.command("new")
@click.argument("name")
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where to write it; must not exist yet. Default: okno-NAME in the current folder.",
)
@json_option
def new(name: str, folder: Path | None) -> None:
    """Write a working plugin NAME: hooks, a table with its migration, a page, Russian texts, tests.

    NAME is a word of small Latin letters, digits and single underscores, for instance  orders.
    """
    check_name(name)
    target = (folder or Path(f"okno-{name.replace('_', '-')}")).absolute()
    if target.exists():
        raise click.ClickException(f"'{target}' is there already: choose another place with --folder")
    written = write(name, target)
    steps = f"  cd {target}\n  pip install -e .\n  okno plugins enable {name}\n  pytest tests"
    answer({"name": name, "folder": str(target), "files": written}, f"{len(written)} files written. Next:\n{steps}")


def check_name(name: str) -> None:
    """Refuse a name that cannot be a package, a section of settings and the beginning of table names, or is taken."""
    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        raise click.UsageError(
            f"'{name}' cannot be a plugin's name: 2 to 30 small Latin letters, digits and single underscores, a letter first"
        )
    from core.pluginmanager import discover

    taken = {found.name for found in discover()}
    if name in taken or name in RESERVED or name in sys.stdlib_module_names:
        raise click.UsageError(f"the name '{name}' is taken: choose another")


def write(name: str, target: Path) -> list[str]:
    """Write the skeleton into ``target``; gives the relative paths of its files."""
    words = {
        "@NAME@": name,
        "@DIST@": name.replace("_", "-"),
        "@CLASS@": "".join(part.title() for part in name.split("_")),
        "@TITLE@": name.replace("_", " ").capitalize(),
    }
    made: list[str] = []
    for source, place in FILES.items():
        text = (SKELETON / source).read_text("utf-8")
        for word, value in words.items():
            text = text.replace(word, value)
        made.append(_store(target, place.format(package=f"okno_{name}", name=name), text.encode()))
        if place.endswith(".po"):
            made.append(_store(target, made[-1].removesuffix(".po") + ".mo", _compiled(text)))
    made.append(
        _store(target, f"okno_{name}/migrations/__init__.py", b'"""How the tables are made, one step a file."""\n')
    )
    return sorted(made)


def _store(target: Path, place: str, content: bytes) -> str:
    path = target / place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return place


def _compiled(catalogue: str) -> bytes:
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = io.BytesIO()
    write_mo(compiled, read_po(io.BytesIO(catalogue.encode()), locale="ru"))
    return compiled.getvalue()
