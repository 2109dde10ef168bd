"""Linked cases: seen from both sides, never to themselves, in circles or twice; the flag of duplicates."""

from __future__ import annotations

import pytest

from core import case_links
from core.contracts import Rejected
from core.db import db
from core.model import Case, TimelineEntry


@pytest.fixture
def cases(centre):
    for number in range(3):
        centre.mail(f"c{number}@example.org")
    return list(db.session.scalars(db.select(Case.id).order_by(Case.id)))


def seen(case_id):
    return [(row.seen_as, row.case.id) for row in case_links.linked_cases(case_id)]


@pytest.mark.parametrize(
    ("kind", "here", "there"),
    [("related", "related", "related"), ("duplicate", "duplicate_of", "duplicated_by"), ("parent", "parent", "child")],
)
def test_a_link_is_seen_from_both_sides_and_goes_from_both(centre, cases, kind, here, there):
    first, second, _third = cases
    link_id = case_links.link(first, second, kind, centre.agents[0])
    assert seen(first) == [(here, second)] and seen(second) == [(there, first)]
    assert case_links.link(first, second, kind, centre.agents[1]) == link_id
    assert db.session.get(Case, first).is_duplicate == (kind == "duplicate")
    case_links.unlink(link_id, centre.agents[0])
    assert seen(first) == seen(second) == []
    assert not db.session.get(Case, first, populate_existing=True).is_duplicate
    kinds = db.session.scalars(db.select(TimelineEntry.kind).where(TimelineEntry.case_id == second)).all()
    assert kinds.count("case.linked") == kinds.count("case.unlinked") == 1
    with pytest.raises(Rejected) as refusal:
        case_links.unlink(link_id, centre.agents[0])
    assert refusal.value.code == "link-unknown"


def test_the_same_relation_the_other_way_round_is_one_link(cases):
    first, second, _third = cases
    assert case_links.link(first, second, "related", None) == case_links.link(second, first, "related", None)


def test_no_case_is_linked_to_itself_to_nothing_or_in_a_circle(cases):
    first, second, third = cases

    def code(*asked):
        with pytest.raises(Rejected) as refusal:
            case_links.link(*asked, None)
        return refusal.value.code

    assert code(first, first, "related") == "link-to-itself"
    assert code(first, 10**6, "related") == "case-unknown"
    assert code(first, second, "enemy") == "link-kind"
    case_links.link(first, second, "parent", None)
    case_links.link(second, third, "parent", None)
    assert code(third, first, "parent") == "link-circle"
    assert code(first, third, "parent") == "parent-exists"
    case_links.link(first, second, "duplicate", None)
    assert code(second, first, "duplicate") == "link-circle"


def test_a_case_stays_a_duplicate_while_one_such_link_is_left(cases):
    first, second, third = cases
    one = case_links.link(first, second, "duplicate", None)
    case_links.link(first, third, "duplicate", None)
    case_links.unlink(one, None)
    assert db.session.get(Case, first, populate_existing=True).is_duplicate
