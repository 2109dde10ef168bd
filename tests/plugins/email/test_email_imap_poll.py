"""Polling against a real Dovecot: every mail is taken, whatever fails in between."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError

from plugins.email import imap_poll
from plugins.email.imap_poll import CredentialsUnavailable, ImapSettings, MailboxState, connect, poll, take_new, watch


def put(settings: ImapSettings, *bodies: bytes, flags: tuple[str, ...] = ()) -> None:
    with connect(settings) as client:
        for body in bodies:
            client.append(settings.folder, body, flags=flags)


def mail(number: int, size: int = 0) -> bytes:
    return b"Subject: mail %d\r\n\r\n%s\r\n" % (number, b"x" * size)


def test_a_visit_takes_everything_oldest_first_and_the_next_only_what_is_new(dovecot) -> None:
    settings = dovecot.settings()
    put(settings, mail(1), mail(2))
    taken: list[bytes] = []
    first = poll(settings, None, taken.append)
    put(settings, mail(3))
    second = poll(settings, first.state, taken.append)
    third = poll(settings, second.state, taken.append)
    assert taken == [mail(1), mail(2), mail(3)]
    assert (first.taken, second.taken, third.taken) == (2, 1, 0)


def test_mail_that_another_client_has_read_is_taken_and_stays_unread_if_it_was(dovecot) -> None:
    settings = dovecot.settings()
    put(settings, mail(1), flags=("\\Seen",))
    put(settings, mail(2))
    taken: list[bytes] = []
    poll(settings, None, taken.append)
    with connect(settings) as client:
        client.select_folder("INBOX")
        assert [b"\\Seen" in flags for flags in client.get_flags([1, 2]).values()] == [True, False]
    assert len(taken) == 2


def test_one_failing_mail_is_reported_and_tried_again_while_the_others_go_on(dovecot) -> None:
    settings = dovecot.settings()
    put(settings, mail(1), mail(2), mail(3))
    taken: list[bytes] = []

    def accept(raw: bytes) -> None:
        if raw == mail(2):
            raise OSError("the disk is full")
        taken.append(raw)

    first = poll(settings, None, accept)
    assert taken == [mail(1), mail(3)]
    assert [(failure.uid, failure.reason) for failure in first.failures] == [(2, "OSError: the disk is full")]
    assert first.state.retry == (2,)
    second = poll(settings, first.state, taken.append)
    assert taken == [mail(1), mail(3), mail(2)]
    assert second.state == MailboxState(first.state.uidvalidity, 3)


def test_a_new_uidvalidity_scans_the_folder_again(dovecot) -> None:
    settings = dovecot.settings()
    put(settings, mail(1), mail(2))
    old = poll(settings, None, lambda raw: None).state
    taken: list[bytes] = []
    result = poll(settings, replace(old, uidvalidity=old.uidvalidity - 1, last_uid=900), taken.append)
    assert result.rescanned and len(taken) == 2
    assert result.state == old


def test_a_first_visit_may_leave_the_past_alone(dovecot) -> None:
    settings = dovecot.settings(start="new")
    put(settings, mail(1))
    taken: list[bytes] = []
    first = poll(settings, None, taken.append)
    put(settings, mail(2))
    poll(settings, first.state, taken.append)
    assert taken == [mail(2)]


def test_a_large_folder_comes_in_chunks_with_a_state_after_each(dovecot, monkeypatch) -> None:
    monkeypatch.setattr(imap_poll, "CHUNK_MESSAGES", 10)
    monkeypatch.setattr(imap_poll, "CHUNK_BYTES", 3000)
    settings = dovecot.settings()
    bodies = [mail(number, 1000) for number in range(35)]
    put(settings, *bodies)
    states: list[MailboxState] = []
    taken: list[bytes] = []
    poll(settings, None, taken.append, checkpoint=states.append)
    assert taken == bodies
    assert [state.last_uid for state in states] == [10, 20, 30, 35]


def test_a_stop_between_chunks_leaves_a_state_to_go_on_from(dovecot, monkeypatch) -> None:
    monkeypatch.setattr(imap_poll, "CHUNK_MESSAGES", 2)
    settings = dovecot.settings()
    put(settings, *(mail(number) for number in range(5)))
    stop = threading.Event()
    taken: list[bytes] = []

    def accept(raw: bytes) -> None:
        taken.append(raw)
        stop.set()

    first = poll(settings, None, accept, stop=stop)
    assert (first.state.last_uid, len(taken)) == (2, 2)
    poll(settings, first.state, taken.append)
    assert len(taken) == 5


def test_a_mail_too_large_is_reported_and_left_where_it_is(dovecot) -> None:
    settings = dovecot.settings(max_size=5000)
    put(settings, mail(1, 9000), mail(2))
    taken: list[bytes] = []
    result = poll(settings, None, taken.append)
    assert taken == [mail(2)]
    assert result.failures[0].final and result.failures[0].reason.startswith("too large")
    assert result.state.retry == () and result.state.last_uid == 2


def test_taken_mail_is_flagged_and_moved_when_asked(dovecot) -> None:
    settings = dovecot.settings(flag_taken="\\Seen", move_taken="Taken")
    put(settings, mail(1), mail(2))
    result = poll(settings, None, lambda raw: None)
    with connect(settings) as client:
        assert client.select_folder("INBOX")[b"EXISTS"] == 0
        assert client.select_folder("Taken")[b"EXISTS"] == 2
    assert poll(settings, result.state, lambda raw: None).taken == 0


def test_an_empty_folder_and_expunged_mail_are_no_trouble(dovecot) -> None:
    settings = dovecot.settings()
    empty = poll(settings, None, lambda raw: None)
    assert empty.taken == 0
    put(settings, mail(1), mail(2))
    with connect(settings) as client:
        client.select_folder("INBOX")
        client.delete_messages([1])
        client.expunge()
    ghost = replace(empty.state, retry=(1,))
    result = poll(settings, ghost, lambda raw: None)
    assert (result.taken, result.state.retry) == (1, ())


class Breaking:
    """A client whose server fails at chosen UIDs; all else goes to the real one."""

    def __init__(self, client: IMAPClient, uid: int, error: Exception) -> None:
        self.client, self.uid, self.error = client, uid, error

    def __getattr__(self, name: str) -> object:
        return getattr(self.client, name)

    def fetch(self, uids: list[int], items: list[str]) -> object:
        if self.uid in uids and "BODY.PEEK[]" in items:
            raise self.error
        return self.client.fetch(uids, items)


def test_a_mail_that_the_server_cannot_read_does_not_hide_the_others(dovecot) -> None:
    settings = dovecot.settings()
    put(settings, mail(1), mail(2), mail(3))
    taken: list[bytes] = []
    with connect(settings) as client:
        broken = Breaking(client, 2, IMAPClientError("fetch failed: [SERVERBUG]"))
        result = take_new(broken, settings, None, taken.append)  # type: ignore[arg-type]
    assert taken == [mail(1), mail(3)]
    assert result.state.retry == (2,)


def test_a_mail_that_breaks_the_connection_cannot_block_those_behind_it(dovecot, monkeypatch) -> None:
    monkeypatch.setattr(imap_poll, "CHUNK_BYTES", 1)
    settings = dovecot.settings()
    put(settings, mail(1), mail(2), mail(3))
    taken: list[bytes] = []
    states: list[MailboxState] = []
    state = None
    for _ in range(3):
        with connect(settings) as client:
            broken = Breaking(client, 2, IMAPClientAbortError("time-out"))
            with pytest.raises(IMAPClientAbortError):
                take_new(broken, settings, state, taken.append, checkpoint=states.append)  # type: ignore[arg-type]
        state = states[-1]
    assert taken == [mail(1), mail(3)]
    assert state.retry == (2,)
    assert poll(settings, state, taken.append).state.retry == ()
    assert len(taken) == 3


def test_signing_in_with_an_oauth2_token(dovecot) -> None:
    settings = dovecot.settings("anna", password="")
    put(dovecot.settings("anna"), mail(1))
    taken: list[bytes] = []
    poll(replace(settings, access_token=lambda: dovecot.token("anna")), None, taken.append)
    assert taken == [mail(1)]


def test_a_token_that_cannot_be_had_and_a_wrong_password_are_named(dovecot) -> None:
    def refused() -> str:
        raise ConnectionError("the identity provider is down")

    with pytest.raises(CredentialsUnavailable, match="identity provider"):
        connect(dovecot.settings(access_token=refused))
    with pytest.raises(IMAPClientError):
        connect(dovecot.settings(password="wrong"))


def test_watching_takes_mail_as_it_comes_and_stops_when_told(dovecot, wait_until) -> None:
    settings = dovecot.settings()
    put(settings, mail(1))
    taken: list[bytes] = []
    stop = threading.Event()
    states: list[MailboxState] = []
    watcher = threading.Thread(
        target=watch, args=(settings, None, taken.append, stop), kwargs={"checkpoint": states.append}
    )
    watcher.start()
    try:
        wait_until(lambda: len(taken) == 1)
        put(settings, mail(2))
        wait_until(lambda: len(taken) == 2)
        wait_until(lambda: states and states[-1].last_uid == 2)
    finally:
        stop.set()
        watcher.join(timeout=10)
    assert not watcher.is_alive()


def test_watching_survives_a_server_that_drops_the_connection(dovecot, wait_until) -> None:
    settings = dovecot.settings()
    put(settings, mail(1))
    taken: list[bytes] = []
    troubles: list[str] = []
    stop = threading.Event()
    watcher = threading.Thread(
        target=watch,
        args=(settings, None, taken.append, stop),
        kwargs={"checkpoint": lambda state: None, "trouble": troubles.append, "backoff": (0.01,)},
    )
    watcher.start()
    try:
        wait_until(lambda: len(taken) == 1)
        dovecot.kick(settings.username)
        wait_until(lambda: troubles)
        put(settings, mail(2))
        wait_until(lambda: len(taken) == 2)
    finally:
        stop.set()
        watcher.join(timeout=10)
    assert taken == [mail(1), mail(2)]


def test_the_mailbox_can_be_watched_before_its_server_is_there(dovecot, wait_until) -> None:
    settings = replace(dovecot.settings(), port=1)
    troubles: list[str] = []
    stop = threading.Event()
    watcher = threading.Thread(
        target=watch,
        args=(settings, None, lambda raw: None, stop),
        kwargs={"checkpoint": lambda state: None, "trouble": troubles.append, "backoff": (0.001, 0.002)},
    )
    watcher.start()
    wait_until(lambda: len(troubles) >= 3)
    stop.set()
    watcher.join(timeout=10)
    assert "refused" in troubles[0].lower()
