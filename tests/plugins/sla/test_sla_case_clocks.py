"""The clock of a case in the data base: it follows the case, warns once, and is recomputed when its calendar changes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from tests.plugins.sla.conftest import MOSCOW, TUESDAY

Case = Callable[..., int]


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def no_faults(app: Any) -> bool:
    return not app.extensions["okno"].plugins.peek_faults()


@pytest.mark.feature("S-02")
def test_a_new_case_has_due_times_without_any_configuration(app: Any, open_case: Case, clock_of: Any) -> None:
    row = clock_of(open_case("high"))
    assert row.response_due == TUESDAY + minutes(45)
    # One business day of nine hours, of which eight are left on Tuesday (10:00–18:00).
    assert row.resolution_due == datetime(2026, 6, 17, 7, 0, tzinfo=UTC)
    assert row.due_at == row.response_due
    assert row.next_flag_at == TUESDAY + minutes(36)
    assert no_faults(app)


@pytest.mark.feature("S-02")
def test_a_service_has_a_calendar_with_lunch_and_targets_of_its_own(
    db: Any, centre: SimpleNamespace, open_case: Case, clock_of: Any
) -> None:
    from core import calendars
    from plugins.sla import catalogue_changes

    calendars.add_calendar("lunch", "With lunch", "С обедом", MOSCOW)
    targets = {"high": {"response": "2h", "resolution": "4h"}}
    catalogue_changes.save_policy("own", "Own", "Свои", {"targets": targets})
    catalogue_changes.assign(centre.service, "lunch", "own")
    row = clock_of(open_case("high", at=datetime(2026, 6, 16, 9, 30, tzinfo=UTC)))
    # 12:30 in Moscow: half an hour until lunch, the rest from 14:00.
    assert row.response_due == datetime(2026, 6, 16, 12, 30, tzinfo=UTC)
    assert row.resolution_due == datetime(2026, 6, 16, 14, 30, tzinfo=UTC)
    assert (row.calendar_key, row.policy_key) == ("lunch", "own")


@pytest.mark.feature("S-02")
def test_the_clock_stands_while_the_case_waits_for_the_contact(
    app: Any, open_case: Case, touch: Any, clock_of: Any
) -> None:
    case_id = open_case("high")
    touch(case_id, minutes=10, first_reply_at=TUESDAY + minutes(10))
    touch(case_id, minutes=20, status="pending")
    row = clock_of(case_id)
    assert row.paused and row.due_at is None and row.next_flag_at is None
    # The contact's answer starts the clock again, before an agent has taken the case up.
    touch(case_id, minutes=80, last_contact_at=TUESDAY + minutes(80))
    row = clock_of(case_id)
    assert not row.paused
    assert row.resolution_due == datetime(2026, 6, 17, 8, 0, tzinfo=UTC)
    touch(case_id, minutes=85, status="open")
    assert clock_of(case_id).resolution_due == datetime(2026, 6, 17, 8, 0, tzinfo=UTC)
    assert no_faults(app)


def test_closing_meets_the_promise_and_reopening_goes_on(app: Any, open_case: Case, touch: Any, clock_of: Any) -> None:
    case_id = open_case("high")
    touch(case_id, minutes=30, status="closed")
    row = clock_of(case_id)
    assert row.resolved and row.due_at is None and row.next_flag_at is None
    assert not row.response_breached
    touch(case_id, minutes=90, status="open")
    row = clock_of(case_id)
    assert not row.resolved
    assert row.state["reopened"] == 1
    assert row.resolution_due == datetime(2026, 6, 17, 8, 0, tzinfo=UTC)
    assert no_faults(app)


@pytest.mark.feature("S-01")
def test_another_priority_gives_other_targets_and_says_so(
    app: Any, open_case: Case, centre: SimpleNamespace, clock_of: Any, timeline_of: Any
) -> None:
    from core import casework, clock

    case_id = open_case("low")
    with clock.at(TUESDAY + minutes(5)):
        casework.change(case_id, centre.agent, priority="critical")
    row = clock_of(case_id)
    assert row.response_due == TUESDAY + minutes(30)
    assert row.resolution_due == row.response_due
    (entry,) = timeline_of(case_id)
    assert (entry.kind, entry.data["before"], entry.data["after"]) == ("sla.terms", "low", "critical")
    assert no_faults(app)


@pytest.mark.feature("S-03")
def test_the_phases_say_who_held_the_case(open_case: Case, centre: SimpleNamespace, touch: Any, clock_of: Any) -> None:
    case_id = open_case("high")
    touch(case_id, minutes=5, assignee_id=centre.agent)
    touch(case_id, minutes=15, first_reply_at=TUESDAY + minutes(15))
    phases = clock_of(case_id).state["phases"]
    assert [(phase["kind"], phase["holder"]) for phase in phases] == [
        ("reaction", ""),
        ("reaction", f"user:{centre.agent}"),
        ("solution", f"user:{centre.agent}"),
    ]
    assert phases[0]["spent"] == 5 * 60 * 1_000_000


@pytest.mark.feature("S-04")
def test_a_warning_and_a_breach_are_given_once_each(
    open_case: Case, centre: SimpleNamespace, timeline_of: Any, notices_of: Any, clock_of: Any
) -> None:
    from core import clock
    from plugins.sla import upkeep

    case_id = open_case("high", assignee_id=centre.agent)
    with clock.at(TUESDAY + minutes(35)):
        upkeep.watch()
    assert timeline_of(case_id) == []
    for late in (37, 38, 46, 47):
        with clock.at(TUESDAY + minutes(late)):
            upkeep.watch()
            upkeep.watch()
    entries = timeline_of(case_id)
    assert [(entry.kind, entry.data["promise"]) for entry in entries] == [
        ("sla.warning", "response"),
        ("sla.breached", "response"),
    ]
    assert [topic for topic, _ in notices_of()] == [f"user:{centre.agent}"] * 2
    assert "Подходит срок первого ответа" in notices_of()[0][1]
    assert clock_of(case_id).response_breached


@pytest.mark.feature("S-04")
def test_a_case_without_an_agent_warns_the_teams_of_its_service(
    open_case: Case, centre: SimpleNamespace, notices_of: Any
) -> None:
    from core import clock
    from plugins.sla import upkeep

    open_case("high")
    with clock.at(TUESDAY + minutes(40)):
        upkeep.watch()
    assert [topic for topic, _ in notices_of()] == [f"team:{centre.team}"]


def test_a_breach_seen_only_at_the_answer_is_written_down_but_alarms_nobody(
    open_case: Case, touch: Any, timeline_of: Any, notices_of: Any, clock_of: Any
) -> None:
    case_id = open_case("high")
    touch(case_id, minutes=50, first_reply_at=TUESDAY + minutes(50))
    assert [entry.kind for entry in timeline_of(case_id)] == ["sla.breached"]
    assert notices_of() == []
    assert clock_of(case_id).response_breached


@pytest.mark.feature("S-02")
def test_a_changed_calendar_recomputes_open_cases_and_leaves_closed_ones(
    db: Any, centre: SimpleNamespace, open_case: Case, touch: Any, clock_of: Any
) -> None:
    from core import calendars, clock
    from plugins.sla import catalogue_changes, upkeep

    calendars.add_calendar("lunch", "With lunch", "С обедом", MOSCOW)
    catalogue_changes.assign(centre.service, "lunch", "")
    opened = [open_case("medium") for _ in range(5)]
    closed = open_case("medium")
    touch(closed, minutes=10, status="closed")
    before, kept = clock_of(opened[0]).resolution_due, clock_of(closed).resolution_due
    holiday = {**MOSCOW, "exceptions": {"2026-06-18": []}}
    with clock.at(TUESDAY + minutes(20)):
        calendars.update_calendar("lunch", settings=holiday)
        assert upkeep.recompute(limit=3) == 3
        assert upkeep.recompute(limit=3) == 2
        assert upkeep.recompute(limit=3) == 0
    assert {clock_of(case_id).resolution_due for case_id in opened} == {before + timedelta(days=1)}
    assert clock_of(closed).resolution_due == kept
    calendars.update_calendar("lunch", title_ru="Обед", settings=holiday)
    assert upkeep.recompute() == 0


def test_a_calendar_that_is_never_open_is_refused(db: Any) -> None:
    from core import calendars
    from core.schemas import Invalid

    with pytest.raises(Invalid) as refused:
        calendars.add_calendar("never", "Never", "Никогда", {"zone": "UTC", "weekly": {}})
    assert "weekly" in refused.value.errors
    assert not calendars.is_known("never")


def test_a_calendar_by_which_promises_are_measured_stays(db: Any, centre: SimpleNamespace) -> None:
    from core import calendars
    from core.contracts import Rejected
    from plugins.sla import catalogue_changes

    calendars.add_calendar("lunch", "With lunch", "С обедом", MOSCOW)
    catalogue_changes.assign(centre.service, "lunch", "")
    with pytest.raises(Rejected, match="support") as refused:
        calendars.remove_calendar("lunch")
    assert refused.value.code == "in-use"
    catalogue_changes.assign(centre.service, "", "")
    calendars.remove_calendar("lunch")


@pytest.mark.feature("S-02")
def test_a_promise_is_measured_in_the_hours_of_its_service_unless_it_says_otherwise(
    db: Any, centre: SimpleNamespace, open_case: Case, clock_of: Any
) -> None:
    from core import calendars, clock, services
    from plugins.sla import upkeep

    case_id = open_case("medium")
    assert clock_of(case_id).calendar_key == "default"
    calendars.add_calendar("lunch", "With lunch", "С обедом", MOSCOW)
    with clock.at(TUESDAY + minutes(20)):
        services.update_service(centre.service, calendar_key="lunch")
        assert upkeep.recompute() == 1
    assert clock_of(case_id).calendar_key == "lunch"


@pytest.mark.feature("A-01")
def test_calendars_of_an_older_house_move_to_the_core_with_their_keys(db: Any) -> None:
    import importlib

    from alembic.migration import MigrationContext
    from alembic.operations import Operations
    from sqlalchemy import inspect, text

    from core.db import transaction

    first = importlib.import_module("plugins.sla.migrations.0001_first_tables")
    second = importlib.import_module("plugins.sla.migrations.0002_calendars_to_the_core")
    with transaction():
        connection = db.session.connection()
        for table in ("sla_clock", "sla_policy"):
            connection.execute(text(f"DROP TABLE {table}"))
        with Operations.context(MigrationContext.configure(connection)):
            first.upgrade()
            add = "INSERT INTO {} (key, title_en, title_ru, settings) VALUES (:key, :title, :title, :settings)"
            hours = '{"zone": "UTC", "weekly": {"mon": ["09:00-18:00"]}}'
            if connection.dialect.name == "postgresql":
                add = add.replace(":settings", "CAST(:settings AS jsonb)")
            connection.execute(text(add.format("calendar")), {"key": "both", "title": "Core", "settings": hours})
            for key in ("both", "office"):
                connection.execute(text(add.format("sla_calendar")), {"key": key, "title": "Sla", "settings": hours})
            second.upgrade()
        moved = {row.key: row.title_en for row in connection.execute(text("SELECT key, title_en FROM calendar"))}
        assert moved == {"both": "Core", "office": "Sla"}
        assert not inspect(connection).has_table("sla_calendar")
    from core import calendars

    assert calendars.get("office").calendar.weekly[0]


def test_cases_from_before_the_plugin_get_a_clock_that_tells_their_life(
    db: Any, open_case: Case, centre: SimpleNamespace, touch: Any, clock_of: Any, timeline_of: Any, notices_of: Any
) -> None:
    from core import clock
    from core.db import transaction
    from plugins.sla import upkeep

    case_id = open_case("high")
    touch(case_id, minutes=50, assignee_id=centre.agent, first_reply_at=TUESDAY + minutes(50))
    touch(case_id, minutes=60, status="pending")
    told = len(timeline_of(case_id))
    with transaction():
        db.session.delete(clock_of(case_id))
    with clock.at(TUESDAY + minutes(120)):
        assert upkeep.adopt_missing() == 1
        assert upkeep.adopt_missing() == 0
    row = clock_of(case_id)
    assert row.paused and row.response_breached
    assert len(timeline_of(case_id)) == told
    assert notices_of() == []


def test_a_change_and_its_clock_are_one_transaction(db: Any, open_case: Case, clock_of: Any) -> None:
    from core import casework, clock
    from core.db import transaction
    from core.model import Case as CaseRow

    case_id = open_case("high")
    before = clock_of(case_id).state

    def close_and_fail() -> None:
        with clock.at(TUESDAY + minutes(5)), transaction():
            casework.touch(db.session.get(CaseRow, case_id), cause="test", status="closed")
            raise RuntimeError("later")

    with pytest.raises(RuntimeError, match="later"):
        close_and_fail()
    assert clock_of(case_id).state == before


@pytest.mark.feature("S-03")
def test_the_clock_follows_the_work_at_the_desk(
    app: Any, db: Any, centre: SimpleNamespace, open_case: Case, clock_of: Any
) -> None:
    from core import assignment, clock, presence
    from core.db import transaction
    from core.model import Disposition, Interaction

    case_id = open_case("high")
    with transaction():
        waits = Disposition(key="waits", title_en="Waits", title_ru="Ждёт", closes_case=False)
        solved = Disposition(key="solved", title_en="Solved", title_ru="Решено")
        db.session.add_all([waits, solved])
        ids = []
        for number in range(2):
            values = {"case_id": case_id, "service_id": centre.service, "channel": "email", "direction": "in"}
            row = Interaction(**values, address=f"{number}@example.org", queued_at=TUESDAY)
            db.session.add(row)
            db.session.flush()
            ids.append(row.id)
        first, second, waits_id, solved_id = *ids, waits.id, solved.id
    with clock.at(TUESDAY + minutes(5)):
        presence.sign_on(centre.agent)
        assignment.take(first, centre.agent)
    assert clock_of(case_id).state["phases"][-1]["holder"] == f"user:{centre.agent}"
    with clock.at(TUESDAY + minutes(10)):
        assignment.complete(first, centre.agent, waits_id)
    assert clock_of(case_id).paused
    with clock.at(TUESDAY + minutes(30)):
        assignment.take(second, centre.agent)
    row = clock_of(case_id)
    assert not row.paused and row.response_due == TUESDAY + minutes(65)
    with clock.at(TUESDAY + minutes(40)):
        assignment.complete(second, centre.agent, solved_id)
    assert clock_of(case_id).resolved
    assert no_faults(app)


def test_a_damaged_clock_keeps_no_other_back(
    app: Any, db: Any, open_case: Case, clock_of: Any, timeline_of: Any
) -> None:
    from core import clock
    from core.db import transaction
    from plugins.sla import upkeep

    damaged, sound = open_case("critical"), open_case("high")
    with transaction():
        clock_of(damaged).state = {"version": 99}
        clock_of(damaged).stale = True
    with clock.at(TUESDAY + minutes(40)):
        upkeep.watch()
    assert [entry.kind for entry in timeline_of(sound)] == ["sla.warning"]
    assert clock_of(damaged).next_flag_at is None
    assert not clock_of(damaged).stale
    shown = app.extensions["okno"].hooks.case_badges([damaged, sound], "ru")
    assert not shown[damaged] and shown[sound]
