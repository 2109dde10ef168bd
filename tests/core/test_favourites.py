"""Favourites: at most fifty, in an order of their own."""

from __future__ import annotations

import pytest

from core import favourites
from core.contracts import Rejected
from core.db import db, transaction
from core.model import Contact
from tests.core.conftest import Centre

pytestmark = pytest.mark.feature("D-05")


def order(user_id: int) -> list[tuple[str, int]]:
    return [(row.kind, row.object_id) for row in favourites.of(user_id)]


def test_entries_are_pinned_once_moved_and_removed(centre: Centre) -> None:
    anna, boris, vera = centre.agents
    for _repeat in range(2):
        favourites.add(anna, "user", boris)
    favourites.add(anna, "service", centre.service_id)
    favourites.add(anna, "user", vera)
    assert order(anna) == [("user", boris), ("service", centre.service_id), ("user", vera)]
    favourites.move(anna, "user", vera, -1)
    assert order(anna) == [("user", boris), ("user", vera), ("service", centre.service_id)]
    favourites.move(anna, "user", boris, 100)
    assert order(anna)[-1] == ("user", boris)
    favourites.arrange(anna, [("user", boris), ("user", 999), ("service", centre.service_id)])
    assert order(anna) == [("user", boris), ("service", centre.service_id), ("user", vera)]
    favourites.remove(anna, "user", boris)
    favourites.remove(anna, "user", boris)
    assert order(anna) == [("service", centre.service_id), ("user", vera)]
    assert order(boris) == []


def test_the_fifty_first_is_refused_and_says_so(centre: Centre) -> None:
    anna = centre.agents[0]
    with transaction():
        contacts = [Contact(name=f"Контакт {number}") for number in range(51)]
        db.session.add_all(contacts)
    ids = [contact.id for contact in contacts]
    for contact_id in ids[:50]:
        favourites.add(anna, "contact", contact_id)
    with pytest.raises(Rejected) as refused:
        favourites.add(anna, "contact", ids[50])
    assert refused.value.code == "favourites-full"
    assert "В избранном не больше 50 записей" in refused.value.text.ru
    assert len(order(anna)) == 50
    favourites.add(anna, "contact", ids[0])  # what is there already is no fifty-first


def test_what_does_not_exist_cannot_be_pinned(centre: Centre) -> None:
    for kind, object_id in (("case", 1), ("user", 10**6), ("", 0)):
        with pytest.raises(Rejected, match="no such entry"):
            favourites.add(centre.agents[0], kind, object_id)
