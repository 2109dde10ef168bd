"""What contacts reach, as operations: services, entries, dispositions, workflows."""

from __future__ import annotations

from typing import Any

import pytest

from core import audit, directory, services
from core.contracts import Rejected
from core.model import Service
from core.schemas import Invalid


@pytest.fixture(autouse=True)
def teams(db: Any) -> None:
    directory.ensure_roles()
    directory.add_team("first-line", "First line", "1-я линия")
    directory.add_team("experts", "Experts", "Эксперты")


def add(key: str = "support", **fields: Any) -> Service:
    return services.add_service(key, "Support", "Поддержка", **fields)


def test_the_first_service_is_the_default_and_another_takes_over() -> None:
    first = add("support", teams=["first-line"])
    second = add("sales")
    assert (first.is_default, second.is_default) == (True, False)
    services.update_service(second.id, is_default=True)
    assert [service.key for service in services.list_services() if service.is_default] == ["sales"]


def test_the_default_service_cannot_go_away() -> None:
    service = add()
    with pytest.raises(Invalid) as refusal:
        services.update_service(service.id, active=False)
    assert "active" in refusal.value.errors
    with pytest.raises(Invalid):
        services.update_service(service.id, is_default=False)


def test_wrong_values_are_named_by_field() -> None:
    with pytest.raises(Invalid) as refusal:
        add("Новый", offer_seconds="soon", wrap_up_seconds=-5, timezone="Moscow")
    assert set(refusal.value.errors) == {"key", "offer_seconds", "wrap_up_seconds", "timezone"}
    assert refusal.value.errors["offer_seconds"].ru == "Введите целое число."


def test_texts_are_merged_and_a_blank_one_is_removed() -> None:
    service = add(texts={"acknowledgement": "Принято", "signature": "Ваш Okno"})
    services.update_service(service.id, texts={"signature": "", "greeting": "Здравствуйте"})
    assert service.texts == {"acknowledgement": "Принято", "greeting": "Здравствуйте"}


def test_teams_are_replaced_and_audited() -> None:
    service = add(teams=["first-line"])
    services.set_service_teams(service.id, ["experts"])
    entry = audit.entries(limit=1)[0]
    assert (entry.before, entry.after) == ({"teams": ["first-line"]}, {"teams": ["experts"]})


def test_an_address_leads_to_one_service() -> None:
    support, sales = add("support"), add("sales")
    services.add_entry(support.id, "email", "Help@Example.com")
    services.add_entry(support.id, "email", "help@example.com")
    assert [(e.channel, e.address) for e in services.get_service("support").entries] == [("email", "help@example.com")]
    with pytest.raises(Invalid, match="support"):
        services.add_entry(sales.id, "email", "help@example.com")


def test_one_entry_of_a_channel_is_where_replies_come_from() -> None:
    service = add()
    services.add_entry(service.id, "email", "old@example.com")
    services.add_entry(service.id, "email", "new@example.com")
    services.add_entry(service.id, "email", "third@example.com", primary=False)
    primary = {entry.address for entry in services.get_service("support").entries if entry.primary}
    assert primary == {"new@example.com"}


def test_a_removed_entry_is_audited_with_what_it_was() -> None:
    service = add()
    entry = services.add_entry(service.id, "email", "old@example.com")
    services.remove_entry(entry.id)
    assert audit.entries(limit=1)[0].before["address"] == "old@example.com"
    with pytest.raises(Rejected):
        services.remove_entry(entry.id)


def test_dispositions_nest_and_keep_their_order() -> None:
    service = add()
    solved = services.add_disposition(service.id, "solved", "Solved", "Решено", position=2)
    services.add_disposition(service.id, "spam", "Spam", "Спам", position=1)
    services.add_disposition(service.id, "advice", "Advice", "Совет", parent_id=solved.id)
    rows = [(depth, row.key) for depth, row in services.flat(services.disposition_tree(service.id))]
    assert rows == [(0, "spam"), (0, "solved"), (1, "advice")]


def test_a_disposition_cannot_stand_below_itself_or_in_another_service() -> None:
    support, sales = add("support"), add("sales")
    top = services.add_disposition(support.id, "top", "Top", "Верх")
    below = services.add_disposition(support.id, "below", "Below", "Ниже", parent_id=top.id)
    with pytest.raises(Invalid, match="below itself"):
        services.update_disposition(top.id, move=True, parent_id=below.id)
    with pytest.raises(Invalid, match="another service"):
        services.add_disposition(sales.id, "odd", "Odd", "Странный", parent_id=top.id)


def test_the_tree_has_a_deepest_level() -> None:
    service = add()
    parent = None
    for level in range(services.DEEPEST):
        parent = services.add_disposition(service.id, f"level-{level}", "L", "У", parent_id=parent).id
    with pytest.raises(Invalid, match="levels"):
        services.add_disposition(service.id, "too-deep", "L", "У", parent_id=parent)


def test_a_disposition_starts_a_workflow_that_exists() -> None:
    service = add()
    with pytest.raises(Invalid, match="no workflow «survey»"):
        services.add_disposition(service.id, "solved", "Solved", "Решено", workflow_key="survey")
    services.define_workflow("survey", "Survey", "Опрос", [{"type": "wait", "minutes": 30}])
    assert (
        services.add_disposition(service.id, "solved", "Solved", "Решено", workflow_key="survey").workflow_key
        == "survey"
    )


def test_a_disposition_with_others_below_is_not_removed() -> None:
    service = add()
    top = services.add_disposition(service.id, "top", "Top", "Верх")
    below = services.add_disposition(service.id, "below", "Below", "Ниже", parent_id=top.id)
    with pytest.raises(Rejected) as refusal:
        services.remove_disposition(top.id)
    assert refusal.value.code == "in-use"
    services.remove_disposition(below.id)
    services.remove_disposition(top.id)
    assert services.disposition_tree(service.id) == []


def test_changed_steps_make_a_new_version_and_the_same_ones_do_not() -> None:
    steps = [{"type": "wait", "minutes": 30}]
    services.define_workflow("survey", "Survey", "Опрос", steps)
    services.define_workflow("survey", "Survey", "Оценка", steps)
    workflow = services.define_workflow("survey", "Survey", "Оценка", [*steps, {"type": "notify", "text": "done"}])
    assert [version.version for version in workflow.versions] == [1, 2]
    assert workflow.versions[0].steps == steps


@pytest.mark.parametrize("steps", [[], [{"type": "fly"}], [{}]])
def test_steps_that_nobody_can_run_are_refused(steps: list[dict[str, Any]]) -> None:
    with pytest.raises(Invalid) as refusal:
        services.define_workflow("survey", "Survey", "Опрос", steps)
    assert "steps" in refusal.value.errors
