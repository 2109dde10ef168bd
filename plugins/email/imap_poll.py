"""Fetches every mail of an IMAP folder by UID (RFC 9051), not the «unread» ones: another client's reading loses nothing."""

from __future__ import annotations

import imaplib
import logging
import ssl
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError

log = logging.getLogger(__name__)

CHUNK_MESSAGES = 50
CHUNK_BYTES = 8 << 20
MAX_RETRIES_KEPT = 10_000
IDLE_SECONDS = 25 * 60
STOP_CHECK_SECONDS = 1.0

Accept = Callable[[bytes], None]
_BROKEN = (IMAPClientAbortError, OSError, ssl.SSLError, EOFError)
_TROUBLE = (IMAPClientError, imaplib.IMAP4.error, OSError, ssl.SSLError, EOFError)


class CredentialsUnavailable(Exception):
    """No OAuth2 token could be had; other mailboxes go on, this one tries again later."""


@dataclass(frozen=True, slots=True)
class ImapSettings:
    """A mailbox to fetch. ``access_token`` gives a fresh OAuth2 token at each sign-in and takes the password's place.

    ``start`` says what happens at the first visit: take ``all`` that lies there, or only what comes from now on (``new``).
    After taking a mail in it gets ``flag_taken`` and is moved to ``move_taken``, when these are set.
    """

    host: str
    username: str
    port: int = 993
    security: Literal["none", "starttls", "tls"] = "tls"
    password: str = field(default="", repr=False)
    access_token: Callable[[], str] | None = field(default=None, repr=False)
    folder: str = "INBOX"
    start: Literal["all", "new"] = "all"
    flag_taken: str = ""
    move_taken: str = ""
    max_size: int = 64 << 20
    timeout: float = 60.0
    verify: bool = True


@dataclass(frozen=True, slots=True)
class MailboxState:
    """How far a folder is taken in; store it with the mailbox. ``retry`` are UIDs below ``last_uid`` that failed."""

    uidvalidity: int
    last_uid: int
    retry: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class MessageFailure:
    """One message that was not taken in. ``final`` when it won't be tried again (too large)."""

    uid: int
    reason: str
    final: bool = False


@dataclass(frozen=True, slots=True)
class PollResult:
    """What one visit brought: the state to store, how many mails were taken in, and which were not."""

    state: MailboxState
    taken: int
    failures: tuple[MessageFailure, ...] = ()
    rescanned: bool = False


Checkpoint = Callable[[MailboxState], None]


def connect(settings: ImapSettings) -> IMAPClient:
    """A signed-in connection. Raises ``CredentialsUnavailable``, ``IMAPClientError`` or ``OSError``."""
    context = ssl.create_default_context()
    if not settings.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    client = IMAPClient(
        settings.host,
        port=settings.port,
        ssl=settings.security == "tls",
        ssl_context=context if settings.security == "tls" else None,
        timeout=SocketTimeout(connect=settings.timeout, read=settings.timeout),
    )
    try:
        if settings.security == "starttls":
            client.starttls(ssl_context=context)
        if settings.access_token is not None:
            client.oauth2_login(settings.username, _token(settings.access_token))
        else:
            client.login(settings.username, settings.password)
    except BaseException:
        _disconnect(client)
        raise
    return client


def poll(
    settings: ImapSettings,
    state: MailboxState | None,
    accept: Accept,
    *,
    checkpoint: Checkpoint | None = None,
    stop: threading.Event | None = None,
) -> PollResult:
    """Visit once: connect, take in everything new, disconnect. Raises when the mailbox itself can't be had."""
    client = connect(settings)
    try:
        return take_new(client, settings, state, accept, checkpoint=checkpoint, stop=stop)
    finally:
        _disconnect(client)


def take_new(
    client: IMAPClient,
    settings: ImapSettings,
    state: MailboxState | None,
    accept: Accept,
    *,
    checkpoint: Checkpoint | None = None,
    stop: threading.Event | None = None,
) -> PollResult:
    """Take in what came since ``state``, oldest first, and what failed before.

    ``accept(raw)`` must store the mail before it returns and be idempotent: after a crash, and when the server changed
    UIDVALIDITY, mails come again. A mail that fails is noted and tried at the next visit; the others go on.
    ``checkpoint`` is called with the state after each chunk.
    """
    selected = client.select_folder(settings.folder)
    validity = int(selected[b"UIDVALIDITY"])
    rescanned = state is not None and state.uidvalidity != validity
    if state is None or rescanned:
        first_visit_skips = state is None and settings.start == "new"
        state = MailboxState(validity, int(selected[b"UIDNEXT"]) - 1 if first_visit_skips else 0)
    run = _Run(client, settings, state, accept)
    for chunk in run.chunks():
        if stop is not None and stop.is_set():
            break
        try:
            run.take(chunk)
        finally:
            if checkpoint is not None:
                checkpoint(run.state)
    return PollResult(run.state, run.taken, tuple(run.failures), rescanned)


def watch(
    settings: ImapSettings,
    state: MailboxState | None,
    accept: Accept,
    stop: threading.Event,
    *,
    checkpoint: Checkpoint,
    report: Callable[[PollResult], None] | None = None,
    trouble: Callable[[str], None] | None = None,
    interval: float = 60.0,
    backoff: Sequence[float] = (1, 5, 15, 60, 300),
) -> None:
    """Take in mails as they come until ``stop``: IDLE where the server has it, else a visit every ``interval`` seconds.

    A lost connection or a refused sign-in is told to ``trouble`` and tried again after ``backoff`` seconds.
    """
    known = state

    def remember(new_state: MailboxState) -> None:
        nonlocal known
        known = new_state
        checkpoint(new_state)

    failures = 0
    while not stop.is_set():
        client: IMAPClient | None = None
        try:
            client = connect(settings)
            while not stop.is_set():
                result = take_new(client, settings, known, accept, checkpoint=remember, stop=stop)
                remember(result.state)
                failures = 0
                if report is not None:
                    report(result)
                _wait_for_mail(client, stop, interval)
        except (*_TROUBLE, CredentialsUnavailable) as error:
            log.warning("mailbox %s at %s: %s", settings.username, settings.host, error)
            if trouble is not None:
                trouble(f"{type(error).__name__}: {error}"[:500])
            stop.wait(backoff[min(failures, len(backoff) - 1)])
            failures += 1
        finally:
            if client is not None:
                _disconnect(client)


class _Run:
    """One pass over a selected folder."""

    def __init__(self, client: IMAPClient, settings: ImapSettings, state: MailboxState, accept: Accept) -> None:
        self.client = client
        self.settings = settings
        self.state = state
        self.accept = accept
        self.taken = 0
        self.failures: list[MessageFailure] = []

    def chunks(self) -> Iterable[list[int]]:
        """UIDs to take: everything above the last one, oldest first, then those that failed before, one at a time."""
        found = self.client.search(["UID", f"{self.state.last_uid + 1}:*"])
        # "n:*" always names the last message, even when its UID is below n (RFC 9051, 9).
        new = sorted(uid for uid in found if uid > self.state.last_uid)
        retry = self.state.retry
        for start in range(0, len(new), CHUNK_MESSAGES):
            yield new[start : start + CHUNK_MESSAGES]
        for uid in retry:
            yield [uid]

    def take(self, uids: list[int]) -> None:
        """Take one chunk; the state then covers it. When the connection breaks, the state covers what was taken and
        keeps the batch that broke it for the next visit's end, so that one mail can't block those behind it."""
        sizes = self.client.fetch(uids, ["RFC822.SIZE"])
        done: list[int] = []
        for batch in self._batches(uids, sizes):
            try:
                failed = self._take_batch(batch, done)
            except _BROKEN:
                self._cover(max(batch), batch, [uid for uid in batch if uid not in done])
                raise
            self._cover(max(batch), batch, failed)
        self._cover(max(uids), [uid for uid in uids if uid not in sizes], [])
        self._after_taking(done)

    def _take_batch(self, batch: list[int], done: list[int]) -> list[int]:
        failed: list[int] = []
        for uid, raw in self._contents(batch):
            (done if self._take_one(uid, raw) else failed).append(uid)
        return failed

    def _contents(self, batch: list[int]) -> Iterable[tuple[int, bytes | None]]:
        try:
            answers = self.client.fetch(batch, ["BODY.PEEK[]"])
        except _BROKEN:
            raise
        except IMAPClientError as error:
            # One message that the server can't read refuses the whole request: ask for each alone.
            if len(batch) > 1:
                for uid in batch:
                    yield from self._contents([uid])
            else:
                log.warning("message %d of %s: %s", batch[0], self.settings.username, error)
                yield batch[0], None
            return
        for uid in batch:
            # A message expunged by somebody in between is not in the answer: nothing is left to take.
            if uid in answers:
                yield uid, answers[uid].get(b"BODY[]")

    def _cover(self, last_uid: int, settled: list[int], failed: list[int]) -> None:
        kept = [uid for uid in self.state.retry if uid not in settled]
        kept += [uid for uid in failed if uid not in kept]
        self.state = replace(
            self.state, last_uid=max(self.state.last_uid, last_uid), retry=tuple(kept)[-MAX_RETRIES_KEPT:]
        )

    def _batches(self, uids: list[int], sizes: dict[int, dict[bytes, int]]) -> Iterable[list[int]]:
        """Groups that together stay below ``CHUNK_BYTES``; what is too large for us is reported and left where it is."""
        batch: list[int] = []
        total = 0
        for uid in uids:
            if uid not in sizes:
                continue
            size = int(sizes[uid].get(b"RFC822.SIZE", 0))
            if size > self.settings.max_size:
                self.failures.append(MessageFailure(uid, f"too large: {size} bytes", final=True))
                continue
            if batch and total + size > CHUNK_BYTES:
                yield batch
                batch, total = [], 0
            batch.append(uid)
            total += size
        if batch:
            yield batch

    def _take_one(self, uid: int, raw: bytes | None) -> bool:
        if raw is None:
            self.failures.append(MessageFailure(uid, "the server could not give its content"))
            return False
        try:
            self.accept(raw)
        except Exception as error:
            log.exception("message %d of %s could not be taken in", uid, self.settings.username)
            self.failures.append(MessageFailure(uid, f"{type(error).__name__}: {error}"[:500]))
            return False
        self.taken += 1
        return True

    def _after_taking(self, uids: list[int]) -> None:
        """Flags and moves are a courtesy to people who look into the folder: their failure costs no mail."""
        if not uids or not (self.settings.flag_taken or self.settings.move_taken):
            return
        try:
            if self.settings.flag_taken:
                self.client.add_flags(uids, [self.settings.flag_taken], silent=True)
            if self.settings.move_taken:
                self._move(uids)
        except (IMAPClientError, imaplib.IMAP4.readonly) as error:
            log.warning("messages of %s were taken in but could not be moved: %s", self.settings.username, error)

    def _move(self, uids: list[int]) -> None:
        if not self.client.folder_exists(self.settings.move_taken):
            self.client.create_folder(self.settings.move_taken)
        if self.client.has_capability("MOVE"):
            self.client.move(uids, self.settings.move_taken)
            return
        self.client.copy(uids, self.settings.move_taken)
        self.client.delete_messages(uids, silent=True)
        if self.client.has_capability("UIDPLUS"):
            self.client.uid_expunge(uids)


def _wait_for_mail(client: IMAPClient, stop: threading.Event, interval: float) -> None:
    if not client.has_capability("IDLE"):
        stop.wait(interval)
        client.noop()
        return
    client.idle()
    # Servers may end IDLE after 30 minutes (RFC 2177); a visit at least every `interval` finds what a push missed.
    remaining = min(interval, IDLE_SECONDS)
    while remaining > 0 and not stop.is_set():
        if any(_is_news(answer) for answer in client.idle_check(timeout=min(STOP_CHECK_SECONDS, remaining))):
            break
        remaining -= STOP_CHECK_SECONDS
    client.idle_done()


def _is_news(answer: object) -> bool:
    return isinstance(answer, tuple) and len(answer) > 1 and answer[1] in (b"EXISTS", b"RECENT")


def _token(access_token: Callable[[], str]) -> str:
    try:
        return access_token()
    except Exception as error:
        raise CredentialsUnavailable(f"no OAuth2 token: {error}") from error


def _disconnect(client: IMAPClient) -> None:
    try:
        client.logout()
    except _TROUBLE:
        try:
            client.shutdown()
        except _TROUBLE as error:
            log.debug("connection could not be closed: %s", error)
