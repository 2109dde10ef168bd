"""The shared fixtures do what their docstrings promise."""

from __future__ import annotations

import smtplib
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
import redis

from tests.support.browser import Pages
from tests.support.mail_sink import MailSink
from tests.support.places import find_free_port
from tests.support.postgresql_server import PostgreSQLServer, running_server

LETTER = "From: a@example.org\r\nTo: b@example.org\r\nSubject: =?utf-8?b?0J/RgNC40LLQtdGC?=\r\n\r\nHello\r\n"


def test_a_home_is_an_empty_folder(home: Path) -> None:
    assert list(home.iterdir()) == []


def test_ports_are_all_different(new_port: Callable[[], int], free_port: int) -> None:
    assert len({free_port, *(new_port() for _ in range(20))}) == 21


@pytest.mark.postgresql
@pytest.mark.parametrize("number", [1, 2])
def test_each_test_has_a_postgresql_data_base_of_its_own(postgresql_url: str, number: int) -> None:
    with psycopg.connect(postgresql_url.replace("+psycopg", "")) as connection:
        connection.execute("CREATE TABLE one (id int)")
        assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)


@pytest.mark.postgresql
def test_who_is_connected_to_a_template_does_not_hinder_its_copy(postgresql_server: PostgreSQLServer) -> None:
    template = postgresql_server.create()
    with psycopg.connect(postgresql_server.url(template).replace("+psycopg", "")) as left_open:
        postgresql_server.seal(template)
        with pytest.raises(psycopg.OperationalError):
            left_open.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="not currently accepting connections"):
        psycopg.connect(postgresql_server.url(template).replace("+psycopg", ""))
    copy = postgresql_server.create(template)
    assert postgresql_server.connected(template) == []
    postgresql_server.drop(copy)
    postgresql_server.drop(template)


@pytest.mark.postgresql
def test_a_server_whose_port_is_taken_tries_another(postgresql_server: PostgreSQLServer) -> None:
    ports = iter([postgresql_server.port, find_free_port()])
    with running_server(ports=lambda: next(ports)) as second:
        assert second.port != postgresql_server.port
        assert second.execute("SHOW data_directory") != postgresql_server.execute("SHOW data_directory")


@pytest.mark.redis
@pytest.mark.parametrize("number", [1, 2])
def test_redis_is_empty_for_each_test(redis_url: str, number: int) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        client.set("left", "behind")


def test_a_test_of_both_data_bases_gets_an_address_of_each(database_kind: str, database_url: str) -> None:
    assert database_url.startswith(database_kind)


def test_the_mail_sink_keeps_mails_and_can_refuse(mail_sink: MailSink) -> None:
    with smtplib.SMTP(mail_sink.host, mail_sink.port, timeout=5) as client:
        client.sendmail("a@example.org", ["b@example.org"], LETTER)
        mail_sink.answer = "451 later"
        with pytest.raises(smtplib.SMTPDataError, match="later"):
            client.sendmail("a@example.org", ["b@example.org"], LETTER)
    (mail,) = mail_sink.wait_for_count(1)
    assert mail_sink.wait_for(lambda found: found.message["Subject"] == "Привет") == mail
    assert (mail.sender, mail.recipients, mail.text.strip()) == ("a@example.org", ("b@example.org",), "Hello")


@pytest.mark.browser
def test_pages_open_in_the_wanted_language_and_size(pages: Pages) -> None:
    page = pages.open("data:text/html,<p>ok</p>", locale="en", size="phone")
    assert page.evaluate("[navigator.language, innerWidth]") == ["en-GB", 390]


@pytest.mark.browser
@pytest.mark.parametrize("script", ["console.error('broken')", "setTimeout(() => { throw Error('broken') })"])
def test_an_error_in_the_console_is_kept_unless_allowed(pages: Pages, script: str) -> None:
    page = pages.open("data:text/html,<p>ok</p>")
    page.evaluate(f"() => {{ {script} }}")
    # The next answer of the page comes after what it said before.
    page.evaluate("new Promise(done => setTimeout(done))")
    assert len(pages.errors) == 1
    assert "broken" in pages.errors[0]
    pages.allow("broken")
    assert pages.close() == []
