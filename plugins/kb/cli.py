"""``okno kb``: reindex, import, export, list, show."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from flask import Flask

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


@contextmanager
def application() -> Iterator[Flask]:
    """The application of the home folder that ``okno --home`` named, in a context."""
    from core.app import SchemaPending, create_app
    from core.config import ConfigError

    root = click.get_current_context().find_root()
    home = root.params.get("home") or os.environ.get("OKNO_HOME") or "var"
    try:
        app = create_app(home)
    except (ConfigError, SchemaPending) as problem:
        raise click.ClickException(str(problem)) from problem
    with app.app_context():
        yield app


@contextmanager
def progress_bar(title: str, quiet: bool) -> Iterator[Callable[[int, int | None], None]]:
    """A bar on standard error; ``advance(done, all)`` moves it."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, quiet=quiet)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=not console.is_terminal) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def say(told: dict[str, Any], text: str, json_wanted: bool) -> None:
    """The result, for a program or a person."""
    click.echo(json.dumps(told, ensure_ascii=False, indent=2) if json_wanted else text)


@click.group()
def kb() -> None:
    """Articles: search index, import and export, a look inside."""


@kb.command()
@as_json
def reindex(as_json: bool) -> None:
    """Build the search index anew; searching goes on meanwhile."""
    with application():
        from sqlalchemy import func, select

        from core.db import db
        from plugins.kb.index import rebuild
        from plugins.kb.models import Article
        from plugins.kb.search.damage import IndexBusy

        total = db.session.scalar(select(func.count(Article.id))) or 0
        try:
            with progress_bar("Indexing", as_json) as advance:
                count = rebuild(lambda done: advance(done, total))
        except IndexBusy as busy:
            raise click.ClickException(f"{busy}; try again in a moment") from busy
        except (LookupError, OSError) as problem:
            raise click.ClickException(str(problem)) from problem
    say({"indexed": count}, f"{count} articles indexed", as_json)


@kb.command("import")
@click.argument("folder", type=click.Path(path_type=Path))
@as_json
def import_(folder: Path, as_json: bool) -> None:
    """Load FOLDER of Markdown files with front matter; safe to repeat."""
    with application():
        from plugins.kb.folder_exchange import BadFolder, load_folder

        try:
            with progress_bar("Importing", as_json) as advance:
                outcome = load_folder(folder, progress=advance)
        except BadFolder as problem:
            raise click.ClickException(str(problem)) from problem
    for row in outcome.warnings if not as_json else ():
        click.echo(f"{row['file']}: {row['field']}: {row['warning']}", err=True)
    for row in outcome.errors if not as_json else ():
        click.echo(f"{row['file']}: {row['field'] + ': ' if row['field'] else ''}{row['error']}", err=True)
    counts = {"created": outcome.created, "updated": outcome.updated, "unchanged": outcome.unchanged}
    text = ", ".join(f"{count} {name}" for name, count in counts.items()) + (f", {len(outcome.errors)} refused" if outcome.errors else "")
    say({**counts, "errors": outcome.errors, "warnings": outcome.warnings}, text, as_json)
    if outcome.errors:
        raise SystemExit(1)


@kb.command()
@click.argument("folder", type=click.Path(path_type=Path))
@as_json
def export(folder: Path, as_json: bool) -> None:
    """Write every article into FOLDER, in the format that import reads."""
    with application():
        from plugins.kb.folder_exchange import BadFolder, save_to_folder

        try:
            with progress_bar("Exporting", as_json) as advance:
                count = save_to_folder(folder, advance)
        except BadFolder as problem:
            raise click.ClickException(str(problem)) from problem
    say({"exported": count, "folder": str(folder)}, f"{count} articles written to {folder}", as_json)


@kb.command("list")
@click.option("--status", type=click.Choice(["draft", "published", "archived"]), help="Only articles in this state.")
@as_json
def list_(status: str | None, as_json: bool) -> None:
    """All articles by number."""
    with application():
        from sqlalchemy import select

        from core.db import db
        from plugins.kb.models import Article

        query = select(Article.number, Article.title, Article.language, Article.status, Article.uses).order_by(Article.number)
        rows = db.session.execute(query.where(Article.status == status) if status else query).all()
    if as_json:
        click.echo(json.dumps([dict(row._mapping) for row in rows], ensure_ascii=False, indent=2))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("№", "Title", "Language", "Status", "Uses", box=None)
    for row in rows:
        table.add_row(str(row.number), row.title, row.language, row.status, str(row.uses))
    Console().print(table if rows else "no articles: load some with  okno kb import FOLDER")


@kb.command()
@click.argument("number", type=int)
@as_json
def show(number: int, as_json: bool) -> None:
    """One article as its file."""
    with application():
        from sqlalchemy import select

        from core.db import db
        from plugins.kb import article_file
        from plugins.kb.folder_exchange import head_of
        from plugins.kb.models import Article

        article = db.session.scalar(select(Article).where(Article.number == number))
        if article is None:
            raise click.ClickException(f"there is no article №{number}")
        told = {**head_of(article), "status": article.status, "uses": article.uses, "sections": article.sections}
        text = article_file.write(head_of(article), article.sections)
    say(told, text.rstrip("\n"), as_json)
