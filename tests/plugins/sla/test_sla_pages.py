"""Badges, the panel, the tile, the admin pages and the commands, in both languages."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner
from flask import g
from sqlalchemy import event, select

from tests.plugins.sla.conftest import MOSCOW, TUESDAY

Case = Callable[..., int]


def badges(case_ids: list[int], language: str, minutes: float) -> dict[int, Any]:
    """The one badge of each case, that long after ``TUESDAY``."""
    from core import clock
    from core.house import okno

    with clock.at(TUESDAY + timedelta(minutes=minutes)):
        found = okno().hooks.case_badges(case_ids, language)
    return {case_id: marks[0] if marks else None for case_id, marks in found.items()}


@contextmanager
def counted(db: Any) -> Iterator[list[str]]:
    """The statements that run inside the block."""
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


class Browser:
    """A client that asks as a server would: nothing is kept in the application context between two requests."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def get(self, path: str) -> Any:
        return self._ask("get", path)

    def post(self, path: str, data: dict[str, str]) -> Any:
        return self._ask("post", path, data=data)

    def _ask(self, method: str, path: str, **values: Any) -> Any:
        for name in list(g):
            g.pop(name)
        return getattr(self.client, method)(path, **values)


@pytest.fixture
def browser(app: Any, centre: SimpleNamespace) -> Callable[..., Browser]:
    """``browser(user_id)`` is a client in which that user is signed in, with the CSRF token ``csrf``."""
    import hashlib

    from core.db import db, transaction
    from core.model import SignIn

    def open_one(user_id: int | None = None) -> Browser:
        client = app.test_client()
        if user_id is None:
            return Browser(client)
        token = f"token-{user_id}"
        with transaction():
            db.session.add(SignIn(user_id=user_id, token_hash=hashlib.sha256(token.encode()).hexdigest()))
        with client.session_transaction() as session:
            session["token"], session["csrf"] = token, "csrf"
        return Browser(client)

    return open_one


POLICY_FORM = {
    "csrf_token": "csrf",
    "key": "gold",
    "title_en": "Gold",
    "title_ru": "Золото",
    "measure": "calendar",
    "warn_percent": "70",
    **{f"{level}_response": "1h" for level in ("critical", "high", "medium", "low")},
    **{f"{level}_resolution": "1d" for level in ("critical", "high", "medium", "low")},
}


@pytest.mark.feature("S-03")
def test_the_badge_says_what_is_left_in_both_languages(open_case: Case) -> None:
    case_id = open_case("high")
    good, warned, late = (badges([case_id], "ru", minutes)[case_id] for minutes in (5, 40, 50))
    assert (good.text, good.tone, good.paused) == ("40 мин", "good", False)
    assert good.due_at == TUESDAY + timedelta(minutes=45)
    assert (warned.text, warned.tone) == ("5 мин", "warn")
    assert (late.text, late.tone) == ("просрочено 5 мин", "bad")
    assert badges([case_id], "en", 50)[case_id].text == "late by 5 min"
    assert "Первый ответ: срок 16 июн" in good.title


def test_the_badge_of_a_waiting_case_stands(open_case: Case, touch: Any) -> None:
    case_id = open_case("high")
    touch(case_id, minutes=10, status="pending")
    mark = badges([case_id], "ru", 200)[case_id]
    assert (mark.text, mark.tone, mark.paused, mark.icon) == ("35 мин", "neutral", True, "clock-pause")
    assert "ждём ответа контакта" in mark.title


def test_open_time_is_not_counted_down_across_a_closing(open_case: Case) -> None:
    case_id = open_case("medium", at=TUESDAY + timedelta(hours=7))
    mark = badges([case_id], "ru", 7 * 60 + 30)[case_id]
    # 17:30 in Moscow: half an hour today and the rest tomorrow; the wall clock would say sixteen hours more.
    assert (mark.text, mark.paused) == ("8 ч 30 мин", True)


@pytest.mark.parametrize(
    ("minutes", "english", "russian"),
    [
        (0.5, "<1 min", "<1 мин"),
        (45, "45 min", "45 мин"),
        (130, "2 h 10 min", "2 ч 10 мин"),
        (540, "9 h", "9 ч"),
        (9 * 60 * 7 + 61, "7 d 1 h", "7 дн 1 ч"),
    ],
)
def test_spans_are_said_shortly(minutes: float, english: str, russian: str) -> None:
    from plugins.sla.wording import span

    length, day = timedelta(minutes=minutes), timedelta(hours=9)
    assert (span(length, day, "en"), span(-length, day, "ru")) == (english, russian)


def test_a_case_closed_in_time_has_no_badge_and_a_late_one_says_so(open_case: Case, touch: Any) -> None:
    kept, late = open_case("high"), open_case("high")
    touch(kept, minutes=10, status="closed")
    touch(late, minutes=50, status="closed")
    shown = badges([kept, late], "ru", 60)
    assert shown[kept] is None
    assert (shown[late].text, shown[late].tone) == ("Ответ с опозданием", "bad")


@pytest.mark.feature("S-03")
def test_a_hundred_badges_take_as_many_queries_as_one(db: Any, open_case: Case) -> None:
    many = [open_case("high") for _ in range(100)]
    badges(many[:1], "ru", 5)
    with counted(db) as one:
        badges(many[:1], "ru", 5)
    with counted(db) as hundred:
        assert len(badges(many, "ru", 5)) == 100
    assert len(hundred) == len(one) <= 4


@pytest.mark.feature("S-03")
def test_the_panel_shows_promises_phases_and_the_calendar(
    centre: SimpleNamespace, open_case: Case, touch: Any, browser: Any
) -> None:
    from core import clock

    client = browser(centre.agent)
    case_id = open_case("high", assignee_id=centre.agent)
    touch(case_id, minutes=20, first_reply_at=TUESDAY + timedelta(minutes=20))
    with clock.at(TUESDAY + timedelta(minutes=80)):
        page = client.get(f"/sla/cases/{case_id}/panel").text
        english = client.get(f"/sla/cases/{case_id}/panel?lang=en").text
    assert "Первый ответ" in page and "Решение" in page and "Пн–Пт 9–18" in page and "Анна Соколова" in page
    assert "First answer" in english and "spent 20 min of 45 min" in english and "Mon–Fri 9–18" in english


def test_the_panel_is_closed_to_strangers(centre: SimpleNamespace, open_case: Case, browser: Any) -> None:
    case_id = open_case("high")
    assert browser().get(f"/sla/cases/{case_id}/panel").status_code in (302, 401)
    assert browser(centre.admin).get(f"/sla/cases/{case_id}/panel").status_code == 403
    assert browser(centre.agent).get("/sla/cases/999/panel").status_code == 404


def test_the_tile_lists_the_most_urgent_first(centre: SimpleNamespace, open_case: Case, browser: Any) -> None:
    from core import clock

    client = browser(centre.agent)
    with clock.at(TUESDAY):
        assert "sla-line" not in client.get("/sla/tile").text
    later, sooner = open_case("high"), open_case("critical")
    with clock.at(TUESDAY + timedelta(minutes=10)):
        page = client.get("/sla/tile").text
    assert page.index(f"/cases/{sooner}") < page.index(f"/cases/{later}")


@pytest.mark.feature("S-02")
def test_an_administrator_gives_a_calendar_and_targets_to_a_service(
    db: Any, centre: SimpleNamespace, open_case: Case, clock_of: Any, browser: Any
) -> None:
    from core import calendars
    from core.model import Audit

    client = browser(centre.admin)
    case_id = open_case("medium")
    calendars.add_calendar("office", "Office", "Офис", MOSCOW)
    assert client.post("/admin/sla/policies/new", data=POLICY_FORM).status_code == 303
    chosen = {"csrf_token": "csrf", "calendar": "office", "policy": "gold"}
    assert client.post(f"/admin/sla/services/{centre.service}", data=chosen).status_code == 303
    row = clock_of(case_id)
    assert (row.calendar_key, row.policy_key, row.stale) == ("office", "gold", False)
    assert row.response_due == TUESDAY + timedelta(hours=1)
    actions = {(entry.actor, entry.action) for entry in db.session.scalars(select(Audit))}
    assert {("root", "sla.policy.added"), ("root", "sla.assigned")} <= actions
    for path in ("", "/policies/gold", "/policies/new"):
        page = client.get(f"/admin/sla{path}")
        assert page.status_code == 200, path
        assert "Сроки обслуживания" in page.text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"warn_percent": "120"}, "от 1 до 99"),
        ({"warn_percent": "x"}, "от 1 до 99"),
        ({"low_response": "30"}, "Пишите срок так"),
        ({"high_resolution": "soon"}, "immediately"),
        ({"measure": "moon"}, "Выберите из списка"),
    ],
)
def test_wrong_targets_are_refused_by_the_field(
    centre: SimpleNamespace, browser: Any, change: dict[str, str], words: str
) -> None:
    page = browser(centre.admin).post("/admin/sla/policies/new", data={**POLICY_FORM, **change})
    assert page.status_code == 422
    assert words in page.text


def test_only_who_may_manage_sees_the_admin_page(centre: SimpleNamespace, browser: Any) -> None:
    assert browser(centre.agent).get("/admin/sla").status_code == 403


def test_the_commands_list_show_and_recompute(app: Any, home: Path, open_case: Case) -> None:
    from cli import main

    open_case("high")
    names = {"OKNO_CORE_PLUGINS": "sla", "OKNO_CORE_DATABASE_URL": app.extensions["okno"].config.database_url}
    runner = CliRunner(env=names)

    def run(*words: str) -> Any:
        return runner.invoke(main, ["--home", str(home), "sla", *words])

    def data(*words: str) -> Any:
        return json.loads(run(*words, "--json").output)["data"]

    assert "45m / 1d" in run("policies", "list").output
    assert data("policies", "list")[0]["default"]
    assert data("recompute") == {"recomputed": 1, "started": 0}


def test_the_doctor_names_what_a_service_asks_for_in_vain(db: Any, centre: SimpleNamespace, open_case: Case) -> None:
    from core.db import transaction
    from core.model import Service
    from plugins.sla.health import checks

    assert all(check.ok for check in checks())
    open_case("high")
    with transaction():
        db.session.get(Service, centre.service).options = {"sla": {"calendar": "gone"}}
    names, warnings = checks()
    assert not names.ok and "support: calendar 'gone'" in names.detail
    assert not warnings.ok, "the case is of a June long past and nobody has warned"


def test_the_demo_has_calendars_and_clocks_and_may_be_loaded_again(
    db: Any, centre: SimpleNamespace, open_case: Case, touch: Any, clock_of: Any, notices_of: Any
) -> None:
    from core import calendars
    from core.house import okno

    for key in ("moscow", "london"):
        calendars.add_calendar(key, key, key, MOSCOW)
    case_id = open_case("high")
    touch(case_id, minutes=20, status="closed")
    other = open_case("high")
    for _ in range(2):
        okno().hooks.load_demo("")
        assert not okno().plugins.peek_faults()
    assert (clock_of(other).calendar_key, clock_of(other).policy_key) == ("24x7", "support")
    assert clock_of(other).response_breached
    assert clock_of(case_id).resolved and not clock_of(case_id).response_breached
    assert notices_of() == []
