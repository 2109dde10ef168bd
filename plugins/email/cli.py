"""``okno email``: try sending and receiving, take letters in from files and pipes."""

from __future__ import annotations

import json
import sys
from typing import IO

import click


def _say(as_json: bool, text: str, **data: object) -> None:
    click.echo(json.dumps({"ok": True, "data": data}, ensure_ascii=False) if as_json else text)


@click.group()
def email() -> None:
    """Try sending and receiving; take letters in from files and pipes."""


@email.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def poll(as_json: bool) -> None:
    """Visit the IMAP mailbox now."""
    from plugins.email.receiving import poll_mailbox

    try:
        result = poll_mailbox()
    except Exception as error:
        raise click.ClickException(f"the mailbox cannot be read: {error}") from error
    if result is None:
        raise click.ClickException("no mailbox is set: give email.imap_server, email.imap_user and email.imap_password")
    _say(
        as_json,
        f"{result.taken} taken in, {len(result.failures)} failed",
        taken=result.taken,
        failed=len(result.failures),
    )


@email.command("test")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def try_sending(as_json: bool) -> None:
    """Sign in at the SMTP server that letters are sent by."""
    from plugins.email.sending import smtp_settings
    from plugins.email.smtp_send import check

    settings = smtp_settings()
    if settings is None:
        raise click.ClickException("no email.smtp_server is set: letters are kept on the mailbox page")
    if trouble := check(settings):
        raise click.ClickException(f"{settings.host}:{settings.port}: {trouble}")
    _say(as_json, f"{settings.host}:{settings.port} lets us in", host=settings.host, port=settings.port)


@email.command("take-in")
@click.argument("files", nargs=-1, type=click.File("rb"))
@click.option("--to", "recipient", help="The address of ours it was sent to, when the letter does not say.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def take_in_files(files: tuple[IO[bytes], ...], recipient: str | None, as_json: bool) -> None:
    """Take letters in from .eml FILES, or one from standard input (a pipe of your mail server). Safe to repeat."""
    from plugins.email.channel import take_in

    recipients = [recipient] if recipient else []
    taken = [take_in(file.read(), recipients=recipients, door="file") for file in files or (sys.stdin.buffer,)]
    _say(as_json, f"{len(taken)} stored; the worker makes cases of them", intake=taken)
