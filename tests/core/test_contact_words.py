"""What people see of an address: what they can read, dial or write to, and never what only a channel knows somebody by."""

from __future__ import annotations

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from core.model import Contact
from core.web.drawing import address_words, contact_name


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("+74951112233", "+7 495 111-22-33"),
        ("anna@example.org", "anna@example.org"),
        ("@anna_support", "@anna_support"),
        ("sip:anna@pbx.example.org", "sip:anna@pbx.example.org"),
        ("101", "101"),
        ("site-8468bb8dbc", ""),
        ("7c9e6679f7c14b2d", ""),
        ("5550123456", ""),
        ("", ""),
    ],
)
def test_an_address_is_shown_as_people_write_it(address: str, words: str) -> None:
    assert address_words(address) == words


@given(st.from_regex(r"(site-|visitor-)?[0-9a-f]{10,32}", fullmatch=True))
def test_marks_of_machines_are_never_shown(mark: str) -> None:
    assert address_words(mark) == ""


def test_a_contact_is_called_by_the_name_else_by_an_address_that_can_be_read(app: Flask) -> None:
    with app.test_request_context("/", headers={"Accept-Language": "ru"}):
        assert contact_name(Contact(name="Анна"), "anna@example.org") == "Анна"
        assert contact_name(Contact(name=""), "+74951112233") == "+7 495 111-22-33"
        assert contact_name(None, "site-8468bb8dbc") == "Контакт без имени"
