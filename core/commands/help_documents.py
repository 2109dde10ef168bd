"""``okno help-documents``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core.commands.terminal import House, answer, answer_rows, given, json_option, pass_house, titles

if TYPE_CHECKING:
    from core.model import HelpDocument


def document_row(row: HelpDocument) -> dict[str, Any]:
    """A document for lists and programs."""
    return {
        "id": row.id,
        "title": row.title_en,
        "title_ru": row.title_ru,
        "url": row.url,
        "role": row.role.key if row.role else "",
        "team": row.team.key if row.team else "",
        "position": row.position,
        "active": row.active,
    }


@click.group("help-documents")
def help_documents() -> None:
    """What agents find on the help screen."""


@help_documents.command("list")
@json_option
@pass_house
def list_documents(house: House) -> None:
    """All documents in their order."""
    with house.open():
        from core import help_documents as operations

        rows = [document_row(row) for row in operations.listed()]
        columns = ("id", "title", "url", "role", "team", "position", "active")
        answer_rows(rows, columns, "no documents: add one with  okno help-documents add --title TITLE --text-file FILE")


@help_documents.command("add")
@click.option("--title", help="In English.")
@click.option("--title-ru", help="In Russian; one title stands in for the other.")
@click.option("--url", default="", help="An address instead of a text: https://… or /kb.")
@click.option("--text-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Markdown, English.")
@click.option("--text-ru-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Markdown, Russian.")
@click.option("--role", default="", help="Key of a role; without it everybody.")
@click.option("--team", default="", help="Key of a team; without it everybody.")
@click.option("--position", type=int, default=0, help="Smaller numbers stand first.")
@json_option
@pass_house
def add_document(
    house: House,
    title: str | None,
    title_ru: str | None,
    text_file: Path | None,
    text_ru_file: Path | None,
    **fields: Any,
) -> None:
    """Add a document: an address, or a text in Markdown."""
    if not (title or title_ru):
        raise click.UsageError("give --title or --title-ru")
    with house.open():
        from core import help_documents as operations

        title_en, russian = titles(title, title_ru, "")
        texts = given(
            text_en=text_file.read_text("utf-8") if text_file else None,
            text_ru=text_ru_file.read_text("utf-8") if text_ru_file else None,
        )
        row = operations.save(None, {"title_en": title_en, "title_ru": russian, **texts, **fields})
        answer(document_row(row), f"document {row.id} added")


@help_documents.command("remove")
@click.argument("document_id", type=int)
@json_option
@pass_house
def remove_document(house: House, document_id: int) -> None:
    """Remove the document with this number."""
    with house.open():
        from core import help_documents as operations

        operations.remove(document_id)
        answer({"removed": document_id}, f"document {document_id} removed")
