"""The people's pages over HTTP: who may open them, in both languages, at how many statements, and what wrong input gets."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
from flask import Flask

from core import directory, services
from core.db import db as database
from core.db import transaction
from core.model import Contact, ContactAddress, TeamMember, User
from core.notifications import notify
from core.permissions import granted
from tests.support.admin_browser import PASSWORD, Browser, sign_in
from tests.support.queries import Counted

PAGES = (
    "/directory", "/directory?q=ан", "/directory?group=favourites", "/directory?group=recents", "/directory?group=services",
    "/directory?group=contacts&after=x", "/directory?group=organisations", "/directory?group=nonsense&after=%00", "/directory/results?q=%25",
    "/directory/pick?for=transfer", "/directory/pick?for=conference&q=ан&list=1", "/directory/presence?ids=1,2,x", "/notices",
    "/notices?unread=1&before=x", "/help", "/help/problem", "/settings", "/directory/number?value=abc%2B7916", "/notices/news",
)  # fmt: skip


@pytest.fixture(autouse=True)
def centre(db: object) -> None:
    directory.ensure_roles()
    directory.add_team("first", "First line", "Первая линия")
    directory.add_user(
        "anna", "Анна", last_name="Ким", roles=["agent"], password=PASSWORD, teams=["first"], language=""
    )
    directory.add_user("elena", "Елена", roles=["supervisor"], password=PASSWORD, teams=["first"], language="")
    directory.add_user("vera", "Вера", roles=["editor"], password=PASSWORD, language="")
    services.add_service("support", "Support", "Поддержка", teams=["first"])
    with transaction():
        contact = Contact(name="Антон <script>alert(1)</script>")
        contact.addresses.append(ContactAddress(kind="phone", value="+79161234567"))
        database.session.add(contact)


@pytest.mark.feature("D-05", "D-13", "D-14", "D-15")
@pytest.mark.parametrize("language", ["ru", "en"])
def test_every_page_opens_and_shows_no_foreign_script(app: Flask, language: str) -> None:
    browser = sign_in(app, "anna", language)
    for path in PAGES:
        answer = browser.send("GET", path)
        assert answer.status_code == 200, path
        assert answer.is_json or "<script>alert" not in answer.get_data(as_text=True), path


@pytest.mark.feature("D-05")
def test_who_may_not_see_contacts_finds_none(app: Flask) -> None:
    vera = directory.get_user("vera")
    assert "contact.view" not in granted(vera)
    browser = sign_in(app, "vera")
    for path in ("/directory?q=антон", "/directory?group=contacts", "/directory/pick?for=conference&q=антон"):
        assert "Антон" not in browser.send("GET", path).get_data(as_text=True)
    assert browser.send("GET", "/directory/addresses?kind=phone&address=ант").status_code == 403
    assert browser.send("GET", "/supervisor/help").status_code == 403
    known = browser.send("GET", "/directory/number?value=%2B79161234567").get_json()
    assert (known["formatted"], known["name"]) == ("+7 916 123-45-67", "")


@pytest.mark.feature("D-05", "D-13")
def test_statements_of_the_pages_do_not_grow(
    app: Flask, count_queries: Callable[[], AbstractContextManager[Counted]]
) -> None:
    browser = sign_in(app, "elena")
    fragment = {**browser.headers, "HX-Request": "true"}
    browser.headers = fragment

    def statements() -> list[int]:
        counts = []
        for path in (
            "/directory",
            "/directory?q=а",
            "/directory?group=favourites",
            "/directory/pick?for=transfer",
            "/notices",
        ):
            with count_queries() as counted:
                assert browser.send("GET", path).status_code == 200
            counts.append(counted.count)
        return counts

    def add(numbers: range) -> None:
        with transaction():
            for number in numbers:
                user = User(login=f"a{number}", first_name=f"Алла {number}")
                contact = Contact(name=f"Андрей {number}")
                contact.addresses.append(ContactAddress(kind="email", value=f"x{number}@example.org"))
                database.session.add_all([user, contact])
                database.session.flush()
                database.session.add(TeamMember(team_id=1, user_id=user.id))
                notify([directory.get_user("elena").id], "case.note", "/cases/1", {"number": number}, user.id)

    add(range(2))
    statements()
    few = statements()
    add(range(2, 40))
    assert statements() == few
    assert max(few) < 25


def post(browser: Browser, path: str, **values: object) -> tuple[int, str]:
    browser.headers = {**browser.headers, "Accept": "application/json"}
    answer = browser.send("POST", path, data={"csrf_token": browser.token, **values})
    body = answer.get_data(as_text=True)
    return answer.status_code, json.loads(body)["error"]["code"] if answer.status_code >= 400 else body


@pytest.mark.feature("D-05", "D-12", "D-15")
def test_wrong_commands_are_refused_in_words_not_with_a_crash(app: Flask) -> None:
    browser = sign_in(app, "anna")
    browser.keep_token(browser.send("GET", "/directory"))
    for path, values, code in (
        ("/directory/star/case/1", {"on": "1"}, "favourite-unknown"),
        ("/directory/begin", {"channel": "ghost", "address": "x"}, "cannot-begin"),
        ("/settings/names", {"first_name": "Королева"}, "http-403"),
        ("/settings/nonsense", {}, "http-404"),
        ("/settings/photo", {}, "photo-missing"),
        ("/settings/sign-ins/999999/end", {}, ""),
        ("/help/problem", {"text": " ", "log": "{"}, "problem-empty"),
        ("/interactions/1/help/come", {}, "http-403"),
        ("/interactions/1/help", {}, "not-your-interaction"),
    ):
        status, answered = post(browser, path, **values)
        assert (status >= 400, answered if status >= 400 else "") == (bool(code), code), path
    for path, values in (
        ("/directory/arrange", {"order": "user:x contact: ::"}),
        ("/directory/arrange", {"entry": "user", "by": "far"}),
        ("/notices/read", {"id": "x"}),
        ("/help/problem", {"text": "Помогите", "log": '{"not": "a list"}'}),
    ):
        assert post(browser, path, **values)[0] == 204, path


@pytest.mark.feature("D-15")
def test_a_photo_is_served_under_its_hash_alone(app: Flask) -> None:
    from core import photos
    from tests.core.test_own_settings import png

    anna = directory.get_user("anna").id
    sha256 = photos.set_photo(anna, png())
    browser = sign_in(app, "elena")
    answer = browser.send("GET", f"/people/{anna}/photo/{sha256}")
    assert (answer.status_code, answer.mimetype) == (200, "image/png")
    assert "immutable" in answer.headers["Cache-Control"]
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    answer.close()
    for path in (
        f"/people/{anna}/photo/{'0' * 64}",
        f"/people/999/photo/{sha256}",
        f"/people/{anna}/photo/..%2f..%2fokno.db",
    ):
        assert browser.send("GET", path).status_code == 404
    assert Browser(app).send("GET", f"/people/{anna}/photo/{sha256}").status_code == 302
