"""``okno kb``: reindex, import, export, list, show."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core.commands.terminal import House, answer, answer_rows, json_option, json_wanted, pass_house

if TYPE_CHECKING:
    from plugins.kb.exchange.portable import Outcome

Advance = Callable[[int, int | None], Any]


@contextmanager
def progress_bar(title: str) -> Iterator[Advance]:
    """A bar on standard error, none for programs; ``advance(done, all)`` moves it."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True, quiet=json_wanted())
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=not console.is_terminal) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@click.group()
def kb() -> None:
    """Articles: search index, import and export, a look inside."""


@kb.command()
@json_option
@pass_house
def reindex(house: House) -> None:
    """Build the search index anew; searching goes on meanwhile."""
    with house.open():
        from sqlalchemy import func, select

        from core.db import db
        from plugins.kb.finding.index import rebuild
        from plugins.kb.models import Article
        from plugins.kb.search.damage import IndexBusy, IndexFull

        total = db.session.scalar(select(func.count(Article.id))) or 0
        try:
            with progress_bar("Indexing") as advance:
                count = rebuild(lambda done: advance(done, total))
        except IndexBusy as busy:
            raise click.ClickException(f"{busy}; try again in a moment") from busy
        except (LookupError, OSError, IndexFull) as problem:
            raise click.ClickException(str(problem)) from problem
    answer({"indexed": count}, f"{count} articles indexed")


@kb.command("import")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Try everything, change nothing.")
@click.option("--restart", is_flag=True, help="Look at every file again instead of going on where an import ended.")
@json_option
@pass_house
def import_(house: House, source: Path, dry_run: bool, restart: bool) -> None:
    """Load articles from SOURCE; safe to repeat.

    SOURCE is a folder of Markdown or HTML files with front matter, a .zip of one, a .csv table with a row an article, or the
    .json of Zendesk Guide or Freshdesk Solutions. What cannot be read is named with its field; the rest goes in. An
    import that was interrupted goes on: what is there and has not changed is passed over.
    """
    with house.open():
        from plugins.kb.exchange.portable import BadSource
        from plugins.kb.exchange.sources import load

        try:
            with progress_bar("Trying" if dry_run else "Importing") as advance:
                outcome = load(source, progress=advance, dry=dry_run, restart=restart)
        except BadSource as problem:
            raise click.ClickException(str(problem)) from problem
    tell(outcome)
    if dry_run and not json_wanted():
        click.echo("Nothing was changed: this was a dry run.")
    if outcome.errors:
        raise SystemExit(1)


def tell(outcome: Outcome) -> None:
    """What an import did; ``"ok"`` is false when a file was refused."""
    if json_wanted():
        told = {"ok": not outcome.errors, "data": asdict(outcome)}
        if outcome.errors:
            told["error"] = {"code": "files-refused", "text": f"{len(outcome.errors)} files refused"}
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    for row in outcome.warnings:
        click.echo(f"{row['file']}: {row['field']}: {row['warning']}", err=True)
    for row in outcome.errors:
        click.echo(f"{row['file']}: {row['field'] + ': ' if row['field'] else ''}{row['error']}", err=True)
    refused = f", {len(outcome.errors)} refused" if outcome.errors else ""
    click.echo(f"{outcome.created} created, {outcome.updated} updated, {outcome.unchanged} unchanged{refused}")


@kb.command()
@click.argument("target", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "kind",
    type=click.Choice(["markdown", "csv", "zendesk"]),
    help="By default: csv for .csv, zendesk for .json, else a folder of Markdown (or a .zip of one).",
)
@json_option
@pass_house
def export(house: House, target: Path, kind: str | None) -> None:
    """Write every article to TARGET, in a format that import reads.

    A folder or .zip of Markdown holds everything, with pictures and files; .csv and .json hold the articles alone.
    """
    kind = kind or {".csv": "csv", ".json": "zendesk"}.get(target.suffix.lower(), "markdown")
    with house.open():
        from plugins.kb.exchange.portable import BadSource
        from plugins.kb.exchange.sources import save

        try:
            with progress_bar("Exporting") as advance:
                count = save(target, kind, advance)
        except BadSource as problem:
            raise click.ClickException(str(problem)) from problem
    answer({"exported": count, "folder": str(target), "format": kind}, f"{count} articles written to {target}")


@kb.command("list")
@click.option(
    "--status", type=click.Choice(["draft", "review", "published", "archived"]), help="Only articles in this state."
)
@json_option
@pass_house
def list_(house: House, status: str | None) -> None:
    """All articles by number."""
    with house.open():
        from sqlalchemy import select

        from core.db import db
        from plugins.kb.models import Article

        query = select(Article.number, Article.title, Article.language, Article.status, Article.uses).order_by(
            Article.number
        )
        found = db.session.execute(query.where(Article.status == status) if status else query).all()
        rows = [dict(row._mapping) for row in found]
    answer_rows(
        rows, ("number", "title", "language", "status", "uses"), "no articles: load some with  okno kb import FOLDER"
    )


@kb.command()
@click.argument("number", type=int)
@json_option
@pass_house
def show(house: House, number: int) -> None:
    """One article as its file."""
    with house.open():
        from plugins.kb import reading
        from plugins.kb.exchange import article_file
        from plugins.kb.exchange.folder_exchange import head_of

        article = reading.by_number(number)
        if article is None:
            raise click.ClickException(f"there is no article №{number}")
        told = {**head_of(article), "status": article.status, "uses": article.uses, "sections": article.sections}
        text = article_file.write(head_of(article), article.sections)
    answer(told, text.rstrip("\n"))
