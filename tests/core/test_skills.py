"""Skills: what agents know, what services ask for, and how wrong input is refused."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask

from core import audit, directory, services, skills
from core.contracts import Rejected
from core.schemas import Invalid
from core.skills import SkillDemand
from tests.support.admin_browser import PASSWORD, sign_in


@pytest.fixture(autouse=True)
def house(db: Any) -> None:
    directory.ensure_roles()
    skills.add_skill("tax", "Taxes", "Налоги")
    skills.add_skill("one-c", "1C", "1С")


@pytest.fixture
def anna() -> int:
    return directory.add_user("anna", "Анна").id


@pytest.mark.feature("R-02")
def test_a_user_has_exactly_the_skills_given(anna: int) -> None:
    skills.set_user_skills(anna, {"tax": 3, "one-c": 5})
    skills.set_user_skills(anna, {"tax": 4})
    assert skills.skills_of([anna]) == {anna: {"tax": 4}}
    assert audit.entries(object_type="user")[0].after == {"tax": 4, "one-c": 0}
    assert skills.people_with_skills() == {"tax": 1}


def test_single_levels_change_and_the_rest_stays(anna: int) -> None:
    boris = directory.add_user("boris", "Борис").id
    skills.set_user_skills(anna, {"tax": 3})
    assert skills.set_levels({anna: {"tax": "3", "one-c": " 2 "}, boris: {"tax": "1", "one-c": ""}}) == 2
    assert skills.skills_of([anna, boris]) == {anna: {"tax": 3, "one-c": 2}, boris: {"tax": 1}}
    assert skills.set_levels({anna: {"tax": "3"}}) == 0


@pytest.mark.parametrize("level", ["9", "6", "-1", "1.5", "x", None])
def test_a_level_outside_of_one_to_five_changes_nothing(anna: int, level: Any) -> None:
    with pytest.raises(Invalid) as refused:
        skills.set_levels({anna: {"one-c": 2, "tax": level}})
    assert set(refused.value.errors) == {f"{anna}:tax"}
    assert skills.skills_of([anna]) == {anna: {}}


def test_unknown_skills_and_users_are_refused(anna: int) -> None:
    for changes in ({anna: {"nothing": 1}}, {999: {"tax": 1}}):
        with pytest.raises(Rejected) as refused:
            skills.set_levels(changes)
        assert refused.value.code == "not-found"


@pytest.mark.feature("R-03")
def test_a_service_asks_for_skills_that_relax() -> None:
    service = services.add_service("support", "Support", "Поддержка")
    skills.set_service_skills(service.id, [SkillDemand("tax", 3, 60, 1), SkillDemand("one-c", 2)])
    assert list(map(str, skills.demands_of([service.id])[service.id])) == ["one-c:2", "tax:3:60:1"]
    entry = audit.entries(object_type="service")[0]
    assert (entry.action, entry.after) == ("service.skills", {"skills": ["one-c:2", "tax:3:60:1"]})
    with pytest.raises(Rejected, match="support") as refused:
        skills.remove_skill(skills.get_skill("tax").id)
    assert refused.value.code == "in-use"
    skills.set_service_skills(service.id, [])
    skills.remove_skill(skills.get_skill("tax").id)


@pytest.mark.parametrize(
    ("demand", "words"),
    [
        (SkillDemand("tax", 9), "From 1 to 5"),
        (SkillDemand("tax", 0), "From 1 to 5"),
        (SkillDemand("tax", 3, -1), "From 0 to"),
        (SkillDemand("tax", 2, 60, 3), "must not be above"),
    ],
)
def test_a_wrong_demand_is_refused(demand: SkillDemand, words: str) -> None:
    service = services.add_service("support", "Support", "Поддержка")
    with pytest.raises(Invalid, match=words) as refused:
        skills.set_service_skills(service.id, [demand])
    assert set(refused.value.errors) == {"skills"}
    with pytest.raises(Invalid, match="twice"):
        skills.set_service_skills(service.id, [SkillDemand("tax"), SkillDemand("tax", 2)])


def test_a_removed_skill_is_nobodys(anna: int) -> None:
    skills.set_user_skills(anna, {"tax": 3})
    skills.remove_skill(skills.get_skill("tax").id)
    assert skills.skills_of([anna]) == {anna: {}}
    with pytest.raises(Invalid):
        skills.add_skill("one-c", "Again", "Опять")


# --- the matrix --------------------------------------------------------------------------------------


@pytest.fixture
def boss(app: Flask, db: Any) -> Any:
    directory.add_user("boss", "Boss", roles=["admin"], password=PASSWORD, language="")
    return sign_in(app, "boss", "ru")


@pytest.mark.feature("R-02")
def test_the_matrix_is_saved_as_shown_and_keeps_what_was_typed_wrong(boss: Any, anna: int) -> None:
    page = boss.get("/skills").text
    assert f'name="level:{anna}:tax"' in page
    assert boss.post("/skills/levels", **{f"level:{anna}:tax": "4", f"level:{anna}:one-c": ""}).status_code == 303
    assert skills.skills_of([anna]) == {anna: {"tax": 4}}
    answer = boss.post("/skills/levels", **{f"level:{anna}:tax": "9"})
    assert answer.status_code == 422
    assert 'value="9"' in answer.text and "число от 1 до 5" in answer.text
    assert skills.skills_of([anna]) == {anna: {"tax": 4}}


def test_a_thousand_users_are_shown_by_pages_with_few_queries(boss: Any, db: Any, count_queries: Any) -> None:
    from core.model import User

    db.session.add_all(
        User(login=f"u{number:04}", first_name="Имя", last_name=f"Ф{number:04}") for number in range(1000)
    )
    db.session.commit()
    boss.get("/skills")
    with count_queries() as asked:
        page = boss.get("/skills?page=3").text
    assert page.count('scope="row"') == 50
    assert "page=2" in page and "page=4" in page
    assert asked.count < 20
