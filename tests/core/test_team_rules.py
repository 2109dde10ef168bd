"""How much of what agents get, what mixes, what follows what; and the sentence that says it."""

from __future__ import annotations

from typing import Any

import pytest

from core import audit, directory, ping_targets, team_rules, team_words
from core.contracts import Rejected
from core.schemas import Invalid


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"core.plugins": ["email", "chat", "voice"]}


@pytest.fixture
def team(db: Any) -> int:
    directory.ensure_roles()
    return directory.add_team("first-line", "First line", "1-я линия").id


@pytest.mark.feature("R-02")
def test_a_team_says_how_much_at_once_and_what_mixes(team: int) -> None:
    capacity = {"email": {"push": "1", "limit": "5"}, "chat": {"push": 3}}
    changed = team_rules.set_rules(team, capacity=capacity, mix=[["chat", "email"], ["email", "chat"]])
    assert changed.capacity == {"email": {"push": 1, "limit": 5}, "chat": {"push": 3}}
    assert changed.mix == [["chat", "email"]]
    assert audit.entries(object_type="team")[0].action == "team.rules"
    words = " ".join(text.ru for text in team_words.meaning(changed))
    assert "Чат: до 3 сразу" in words and "Письмо: по одному" in words
    assert "Одновременно предлагаются: Чат + Письмо. Ни с чем не смешивается: Звонок." in words
    assert "после обращения — «Готов»" in words


@pytest.mark.parametrize(
    ("rules", "field"),
    [
        ({"capacity": {"chat": {"push": 4, "limit": 3}}}, "capacity"),
        ({"capacity": {"chat": {"push": -1}}}, "capacity"),
        ({"capacity": {"chat": {"push": 101}}}, "capacity"),
        ({"capacity": {"chat": {"many": 1}}}, "capacity"),
        ({"capacity": {"chat": 3}}, "capacity"),
        ({"capacity": {"Чат": {"push": 1}}}, "capacity"),
        ({"mix": [["chat"]]}, "mix"),
        ({"mix": ["chat"]}, "mix"),
        ({"mix": [["chat", "Почта"]]}, "mix"),
        ({"after_work": "asleep"}, "after_work"),
        ({"away_minutes": -5}, "away_minutes"),
        ({"break_minutes": 2000}, "break_minutes"),
        ({"start_url": "javascript:alert(1)"}, "start_url"),
        ({"start_url": "//evil.example"}, "start_url"),
    ],
)
def test_wrong_rules_are_named_by_their_field(team: int, rules: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        team_rules.set_rules(team, **rules)
    assert set(refused.value.errors) == {field}


@pytest.mark.feature("R-02")
def test_an_agent_may_differ_from_the_team(team: int) -> None:
    anna = directory.add_user("anna", "Анна", teams=["first-line"])
    team_rules.set_user_capacity(anna.id, {"chat": {"push": 5, "limit": 6}})
    assert directory.get_user("anna").capacity == {"chat": {"push": 5, "limit": 6}}
    assert audit.entries(object_type="user")[0].action == "user.capacity"
    words = " ".join(text.en for text in team_words.meaning(directory.get_team("first-line"), anna.capacity))
    assert "Chat: up to 5 at once" in words


# --- addressees of pings -----------------------------------------------------------------------------


@pytest.mark.feature("R-07")
def test_an_addressee_has_a_team_and_fields(team: int) -> None:
    fields = [{"key": "tried", "title_en": "Tried", "title_ru": "Пробовали", "required": True}]
    target = ping_targets.add_target("expert", "Expert", "Эксперт", team="first-line", fields=fields)
    assert (target.kind, target.fields) == ("expert", fields)
    ping_targets.update_target(target.id, target_seconds=60, active=False)
    assert ping_targets.get_target("expert").team.key == "first-line"
    ping_targets.remove_target(target.id)
    assert ping_targets.list_targets() == []


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({}, "team"),
        ({"kind": "wizard"}, "kind"),
        ({"kind": "supervisor", "fields": [{"key": "x"}]}, "fields"),
        ({"kind": "supervisor", "fields": [{"key": "x", "title_en": "X", "title_ru": "X"}] * 2}, "fields"),
        ({"kind": "supervisor", "target_seconds": -1}, "target_seconds"),
    ],
)
def test_a_wrong_addressee_is_refused(team: int, values: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        ping_targets.add_target("expert", "Expert", "Эксперт", **values)
    assert set(refused.value.errors) == {field}
    with pytest.raises(Rejected):
        ping_targets.add_target("expert", "Expert", "Эксперт", team="nowhere")
