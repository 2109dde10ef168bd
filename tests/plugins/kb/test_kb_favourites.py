"""Folders of favourites: whose they are, their order, their limits; on both data bases."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.contracts import Rejected


@pytest.fixture
def settings_of_house() -> dict[str, Any]:
    return {"core.plugins": ["kb"], "kb.favourites_max": 4, "kb.favourite_sets_max": 2}


@pytest.fixture(name="settings")
def _settings(settings_of_house: dict[str, Any]) -> dict[str, Any]:
    return settings_of_house


@pytest.fixture
def people(db: Any) -> dict[str, int]:
    """An agent, an editor and a supervisor of one team, and somebody of another."""
    from core import directory

    directory.ensure_roles()
    made = {
        login: directory.add_user(login, login.title(), roles=[role], language="ru")
        for login, role in (("anna", "agent"), ("vera", "editor"), ("elena", "supervisor"), ("pavel", "agent"))
    }
    team = directory.add_team("first", "First line", "Первая линия")
    directory.set_members(team.id, {made[name].id: name == "elena" for name in ("anna", "vera", "elena")})
    return {**{login: user.id for login, user in made.items()}, "team": team.id}


@pytest.fixture
def articles(people: dict[str, int]) -> list[int]:
    from plugins.kb.writing.operations import create_article, save_folder

    folder = save_folder(None, "base", title_en="Base", title_ru="База")
    return [
        create_article(None, {"title": f"Статья {n}", "folder_id": folder.id}, status="published").id for n in range(6)
    ]


def pinned(user_id: int, set_id: int | None = None) -> list[int | None]:
    from plugins.kb.use import favourites

    sets = favourites.sets_of(user_id)
    return [pin.article_id for one in sets if set_id in (None, one.id) for pin in one.pins]


def refused(code: str) -> Any:
    return pytest.raises(Rejected, check=lambda error: error.code == code)


@pytest.mark.feature("K-07")
def test_the_star_pins_into_the_agents_own_folder_up_to_the_limit(people: dict[str, int], articles: list[int]) -> None:
    from plugins.kb.use import favourites

    anna = people["anna"]
    for article_id in [*articles[:4], articles[0]]:
        favourites.add(anna, article_id=article_id)
    assert pinned(anna) == articles[:4]
    assert favourites.is_pinned(anna, articles[0]) and not favourites.is_pinned(people["vera"], articles[0])
    with refused("favourites-full"):
        favourites.add(anna, article_id=articles[4])
    favourites.remove(anna, article_id=articles[1])
    favourites.remove(people["vera"], article_id=articles[0])
    assert pinned(anna) == [articles[0], articles[2], articles[3]]
    with refused("favourite-unknown"):
        favourites.add(anna, article_id=999_999)


@pytest.mark.feature("K-07")
def test_a_teams_favourites_are_read_by_all_and_kept_by_supervisor_and_editor(
    people: dict[str, int], articles: list[int]
) -> None:
    from plugins.kb.use import favourites

    shared = favourites.save_set(people["elena"], "Ответы группы", team_id=people["team"])
    favourites.add(people["vera"], article_id=articles[0], set_id=shared)
    assert pinned(people["anna"]) == [articles[0]] and pinned(people["pavel"]) == []
    assert [one.may_edit for one in favourites.sets_of(people["anna"])] == [False]
    for act in (
        lambda: favourites.add(people["anna"], article_id=articles[1], set_id=shared),
        lambda: favourites.remove(people["anna"], article_id=articles[0], set_id=shared),
        lambda: favourites.reorder(people["anna"], shared, []),
        lambda: favourites.remove_set(people["anna"], shared),
        lambda: favourites.save_set(people["anna"], "Моё", team_id=people["team"]),
        lambda: favourites.add(people["pavel"], article_id=articles[1], set_id=shared),
    ):
        with refused("favourites-not-yours"):
            act()
    favourites.remove_set(people["vera"], shared)
    assert favourites.sets_of(people["anna"]) == []
    with refused("favourites-unknown"):
        favourites.add(people["vera"], article_id=articles[1], set_id=shared)


def test_folders_have_names_limits_and_an_order(people: dict[str, int], articles: list[int]) -> None:
    from plugins.kb.use import favourites

    anna = people["anna"]
    first, second = (favourites.save_set(anna, title) for title in ("Подпись", "Отчётность"))
    with refused("favourites-many"):
        favourites.save_set(anna, "Третья")
    with refused("favourites-taken"):
        favourites.save_set(anna, " отчетность ", set_id=first)
    with refused("favourites-title"):
        favourites.save_set(anna, " \t", set_id=first)
    favourites.save_set(anna, "ЭП", set_id=first)
    favourites.reorder_sets(anna, [second, first])
    assert [one.title for one in favourites.sets_of(anna)] == ["Отчётность", "ЭП"]
    favourites.add(anna, article_id=articles[0], set_id=second)
    favourites.add(anna, article_id=articles[0], set_id=first)
    favourites.remove_set(anna, second)
    assert pinned(anna) == [articles[0]]


def test_what_agents_cannot_read_is_left_out_until_it_is_back(people: dict[str, int], articles: list[int]) -> None:
    from plugins.kb.use import favourites
    from plugins.kb.writing.operations import set_status

    favourites.add(people["anna"], article_id=articles[0])
    set_status(articles[0], None, "archived")
    assert pinned(people["anna"]) == []
    set_status(articles[0], None, "published")
    assert pinned(people["anna"]) == [articles[0]]


@pytest.mark.feature("K-07")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_order_of_moves_loses_or_doubles_a_pin(
    people: dict[str, int], articles: list[int], data: st.DataObject
) -> None:
    from core.db import db, transaction
    from plugins.kb.models import FavouriteSet, Pin
    from plugins.kb.use import favourites

    anna = people["anna"]
    with transaction():
        db.session.execute(db.delete(Pin))
        db.session.execute(db.delete(FavouriteSet))
    sets = [favourites.save_set(anna, title) for title in ("Одна", "Другая")]
    for article_id in data.draw(st.lists(st.sampled_from(articles), max_size=4, unique=True)):
        favourites.add(anna, article_id=article_id, set_id=sets[0])
    for article_id in data.draw(st.lists(st.sampled_from(articles), max_size=2, unique=True)):
        favourites.add(anna, article_id=article_id, set_id=sets[1])
    for _ in range(data.draw(st.integers(1, 4))):
        before = set(pinned(anna))
        shown = {one.id: one.pins for one in favourites.sets_of(anna)}
        every = [pin.id for pins in shown.values() for pin in pins]
        into = data.draw(st.sampled_from(sets))
        asked = data.draw(st.lists(st.sampled_from([*every, 999_999]) if every else st.just(999_999), max_size=5))
        full = True  # then nothing moves
        with suppress(Rejected):
            favourites.reorder(anna, into, asked)
            full = False
        db.session.rollback()
        assert set(pinned(anna)) == before
        for set_id in sets:
            held = pinned(anna, set_id)
            assert len(held) == len(set(held)) <= 4
        kept = {
            pin.id: place for one in favourites.sets_of(anna) if one.id == into for place, pin in enumerate(one.pins)
        }
        places = [kept[pin] for pin in dict.fromkeys(asked) if pin in kept]
        assert full or places == sorted(places)
