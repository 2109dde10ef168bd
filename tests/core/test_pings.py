"""Pings on both data bases: required fields, who may answer, one answer only, the answer in the case, the figures."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest

from core import pings
from core.clock import now
from core.contracts import Rejected
from core.db import db, transaction
from core.model import Interaction, Notification, Ping, PingTarget, Team, TeamMember, TimelineEntry, User
from tests.core.conftest import Centre
from tests.support.queries import Counted

FIELDS = [
    {"key": "version", "title_en": "Version", "title_ru": "Версия", "required": True},
    {"key": "log", "title_en": "Log", "title_ru": "Журнал", "required": False},
]


class Experts:
    """Two experts in a team of their own, a target for them, one for supervisors, and a case to ask from."""

    def __init__(self, centre: Centre) -> None:
        self.asker = centre.agents[0]
        self.interaction = centre.taken(self.asker)
        self.case = db.session.get_one(Interaction, self.interaction).case_id
        with transaction():
            people = [User(login=name, first_name=name.title(), language="en") for name in ("expert1", "expert2")]
            team = Team(key="experts", title_en="Experts", title_ru="Эксперты")
            db.session.add_all([*people, team])
            db.session.flush()
            db.session.add_all([TeamMember(team_id=team.id, user_id=person.id) for person in people])
            expert = PingTarget(
                key="expert", kind="expert", title_en="Expert", title_ru="Эксперт", team_id=team.id, fields=FIELDS
            )
            above = PingTarget(key="boss", kind="supervisor", title_en="Supervisor", title_ru="Супервизор")
            db.session.add_all([expert, above])
            db.session.flush()
            self.people = [person.id for person in people]
            self.team, self.expert, self.above = team.id, expert.id, above.id

    def ask(self, **values: str) -> int:
        return pings.ask(self.case, self.asker, self.expert, "Why?", {"version": "5.2", **values}, self.interaction)


@pytest.fixture
def experts(centre: Centre) -> Experts:
    return Experts(centre)


def state(ping_id: int) -> str:
    return db.session.get_one(Ping, ping_id, populate_existing=True).state


def kinds(case_id: int) -> list[str]:
    query = db.select(TimelineEntry.kind).where(TimelineEntry.case_id == case_id).order_by(TimelineEntry.id)
    return list(db.session.scalars(query))


def told(user_id: int) -> list[str]:
    return list(db.session.scalars(db.select(Notification.kind).where(Notification.user_id == user_id)))


def test_question_reaches_the_experts_and_the_answer_comes_back_into_the_case(experts: Experts) -> None:
    ping = experts.ask()
    assert [told(person) for person in experts.people] == [["ping.asked"], ["ping.asked"]]
    assert [row.id for row in pings.to_answer(experts.people[0])] == [ping]
    pings.take(ping, experts.people[0])
    assert pings.to_answer(experts.people[1]) == []
    pings.answer(ping, experts.people[0], " Reinstall it. ")
    assert (state(ping), told(experts.asker)) == ("answered", ["ping.answered"])
    assert kinds(experts.case)[-3:] == ["ping.asked", "ping.taken", "note"]
    last = db.session.scalars(db.select(TimelineEntry).order_by(TimelineEntry.id.desc())).first()
    assert last is not None and (last.data["text"], last.data["ping_id"]) == ("Reinstall it.", ping)


@pytest.mark.parametrize(
    ("values", "question", "code"),
    [
        ({}, "Why?", "ping-fields-required"),
        ({"version": "  "}, "Why?", "ping-fields-required"),
        ({"version": "1"}, " \n ", "ping-question-required"),
    ],
)
def test_what_is_required_is_asked_for(experts: Experts, values: dict[str, str], question: str, code: str) -> None:
    with pytest.raises(Rejected) as refused:
        pings.ask(experts.case, experts.asker, experts.expert, question, values)
    assert refused.value.code == code
    assert (pings.of_case(experts.case), told(experts.people[0])) == ([], [])


def test_unknown_target_case_or_nobody_to_answer_is_refused_in_words(experts: Experts) -> None:
    for case, target, code in (
        (experts.case, 9999, "ping-target-unknown"),
        (9999, experts.expert, "case-unknown"),
        (experts.case, experts.above, "ping-nobody"),
    ):
        with pytest.raises(Rejected) as refused:
            pings.ask(case, experts.asker, target, "Why?", {"version": "1"})
        assert refused.value.code == code


def test_supervisors_of_the_askers_team_answer_where_the_target_has_no_team(experts: Experts, centre: Centre) -> None:
    with transaction():
        member = db.session.scalars(db.select(TeamMember).where(TeamMember.user_id == centre.agents[1])).one()
        member.supervisor = True
    ping = pings.ask(experts.case, experts.asker, experts.above, "May I refund?")
    assert [row.id for row in pings.to_answer(centre.agents[1])] == [ping]
    assert pings.to_answer(centre.agents[2]) == []
    pings.answer(ping, centre.agents[1], "Yes")
    assert state(ping) == "answered"


def test_strangers_neither_take_nor_answer_nor_withdraw(experts: Experts, centre: Centre) -> None:
    ping = experts.ask()
    for act in (
        lambda: pings.take(ping, centre.agents[1]),
        lambda: pings.answer(ping, experts.asker, "myself"),
        lambda: pings.withdraw(ping, experts.people[0]),
        lambda: pings.give_back(ping, experts.people[0]),
    ):
        with pytest.raises(Rejected):
            act()
    assert state(ping) == "waiting"


def test_taken_question_is_answered_by_its_holder_only_and_may_be_given_back(experts: Experts) -> None:
    ping, (first, second) = experts.ask(), experts.people
    pings.take(ping, first)
    for act in (lambda: pings.take(ping, second), lambda: pings.answer(ping, second, "mine")):
        with pytest.raises(Rejected) as refused:
            act()
        assert refused.value.code == "ping-gone"
    pings.give_back(ping, first)
    pings.answer(ping, second, "now mine")
    assert db.session.get_one(Ping, ping, populate_existing=True).answered_by_id == second


def test_withdrawn_question_is_gone_and_its_holder_is_told(experts: Experts) -> None:
    ping = experts.ask()
    pings.take(ping, experts.people[0])
    pings.withdraw(ping, experts.asker)
    assert told(experts.people[0]) == ["ping.asked", "ping.withdrawn"]
    with pytest.raises(Rejected):
        pings.answer(ping, experts.people[0], "too late")
    assert pings.asked_by(experts.asker) == []


def test_two_experts_answer_at_once_and_one_answer_counts(experts: Experts, centre: Centre) -> None:
    ping, outcomes, start = experts.ask(), [], threading.Barrier(2)

    def answer(person: int) -> None:
        with centre.app.app_context():
            start.wait()
            try:
                pings.answer(ping, person, f"from {person}")
                outcomes.append("answered")
            except Rejected as refused:
                outcomes.append(refused.code)

    threads = [threading.Thread(target=answer, args=(person,)) for person in experts.people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["answered", "ping-gone"]
    assert kinds(experts.case).count("note") == 1


def test_case_of_another_team_may_be_read_by_whom_it_asks(experts: Experts) -> None:
    assert not pings.concerns(experts.people[0], experts.case)
    experts.ask()
    assert pings.concerns(experts.people[0], experts.case)
    assert not pings.concerns(experts.asker, experts.case)


def test_figures_count_what_was_asked_answered_in_time_and_left_open(experts: Experts) -> None:
    quick, slow, open_one = experts.ask(), experts.ask(), experts.ask()
    pings.answer(quick, experts.people[0], "a")
    pings.answer(slow, experts.people[0], "b")
    with transaction():
        late = db.session.get_one(Ping, slow)
        late.asked_at -= timedelta(hours=2)
    row = next(row for row in pings.figures(now() - timedelta(days=1), now()) if row.target.key == "expert")
    assert (row.asked, row.answered, row.in_time, row.open) == (3, 2, 1, 1)
    assert row.to_answer is not None and 3600 <= row.to_answer <= 3700
    assert state(open_one) == "waiting"


def test_lists_ask_the_data_base_the_same_number_of_times_for_one_and_for_many(
    experts: Experts, count_queries: Callable[[], AbstractContextManager[Counted]]
) -> None:
    experts.ask()
    with count_queries() as one:
        pings.to_answer(experts.people[0])
    for _ in range(5):
        experts.ask()
    with count_queries() as many:
        assert len(pings.to_answer(experts.people[0])) == 6
    assert one.count == many.count
