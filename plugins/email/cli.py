"""``okno email``: try sending and receiving, take letters in from files and pipes."""

from __future__ import annotations

import sys
from typing import IO

import click

from core.commands.terminal import House, answer, json_option, pass_house


@click.group()
def email() -> None:
    """Try sending and receiving; take letters in from files and pipes."""


@email.command()
@json_option
@pass_house
def poll(house: House) -> None:
    """Visit the IMAP mailbox now."""
    with house.open():
        from plugins.email.receiving import poll_mailbox

        try:
            result = poll_mailbox()
        except Exception as error:
            raise click.ClickException(f"the mailbox cannot be read: {error}") from error
    if result is None:
        raise click.ClickException("no mailbox is set: give email.imap_server, email.imap_user and email.imap_password")
    failed = len(result.failures)
    answer({"taken": result.taken, "failed": failed}, f"{result.taken} taken in, {failed} failed")


@email.command("test")
@json_option
@pass_house
def try_sending(house: House) -> None:
    """Sign in at the SMTP server that letters are sent by."""
    with house.open():
        from plugins.email.sending import smtp_settings
        from plugins.email.smtp_send import check

        settings = smtp_settings()
        if settings is None:
            raise click.ClickException("no email.smtp_server is set: letters are kept on the mailbox page")
        if trouble := check(settings):
            raise click.ClickException(f"{settings.host}:{settings.port}: {trouble}")
    answer({"host": settings.host, "port": settings.port}, f"{settings.host}:{settings.port} lets us in")


@email.command("take-in")
@click.argument("files", nargs=-1, type=click.File("rb"))
@click.option("--to", "recipient", help="The address of ours it was sent to, when the letter does not say.")
@json_option
@pass_house
def take_in_files(house: House, files: tuple[IO[bytes], ...], recipient: str | None) -> None:
    """Take letters in from .eml FILES, or one from standard input (a pipe of your mail server). Safe to repeat."""
    recipients = [recipient] if recipient else []
    with house.open():
        from plugins.email.channel import take_in

        taken = [take_in(file.read(), recipients=recipients, door="file") for file in files or (sys.stdin.buffer,)]
    answer({"intake": taken}, f"{len(taken)} stored; the worker makes cases of them")
