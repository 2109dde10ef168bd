"""Ratings, comments, candidates, review dates and reports as operations, on both data bases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from core.clock import now
from core.contracts import Rejected


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"core.plugins": ["kb"]}


@pytest.fixture
def people(db: Any) -> dict[str, int]:
    """An agent, an editor and an owner."""
    from core.db import transaction
    from core.model import Role, User

    with transaction():
        editor = db.session.scalar(db.select(Role).where(Role.key == "editor"))
        rows = {name: User(login=name, first_name=name.title()) for name in ("anna", "edith", "owen")}
        rows["edith"].roles = [editor] if editor else []
        db.session.add_all(rows.values())
        db.session.flush()
        return {name: row.id for name, row in rows.items()}


def article(people: dict[str, int], number: int, **fields: Any) -> Any:
    from plugins.kb.writing.operations import create_article, save_folder

    folder = save_folder(None, "f", title_en="F", title_ru="Ф")
    told = {"title": f"Статья {number}", "folder_id": folder.id, "language": "ru", **fields}
    return create_article(people["edith"], told, number=number, status="published")


def told(db: Any, user_id: int) -> list[str]:
    from core.model import Notification

    query = db.select(Notification.kind).where(Notification.user_id == user_id).order_by(Notification.id)
    return list(db.session.scalars(query))


@pytest.mark.feature("K-10")
def test_a_comment_goes_to_the_owner_and_is_settled_once(db: Any, people: dict[str, int]) -> None:
    from plugins.kb.readers import feedback

    row = article(people, 2001, owner="owen")
    comment = feedback.comment(row, " Устарело\r\n ", people["anna"])
    assert told(db, people["owen"]) == ["kb.comment"]
    with pytest.raises(Rejected, match="Write"):
        feedback.comment(row, "  ", people["anna"])
    settled = feedback.settle(comment.id, people["edith"], "Исправили")
    assert (settled.state, told(db, people["anna"])) == ("answered", ["kb.answered"])
    with pytest.raises(Rejected) as again:
        feedback.settle(comment.id, people["owen"])
    assert again.value.code == "comment-settled"
    feedback.rate(row, feedback.agent_key(people["anna"]), True, people["anna"])
    feedback.rate(row, feedback.agent_key(people["anna"]), False, people["anna"])
    found = feedback.opinion(row.id, feedback.agent_key(people["anna"]))
    assert (found.helpful, found.unhelpful, found.own) == (0, 1, False)


def test_the_owner_is_reminded_once_for_each_date(db: Any, people: dict[str, int]) -> None:
    from plugins.kb.writing.operations import mark_reviewed
    from plugins.kb.writing.review_dates import remind_due

    row = article(people, 2002, owner="owen", review_at=now() - timedelta(days=1))
    article(people, 2003, owner="owen", review_at=now() + timedelta(days=1))
    assert [remind_due(), remind_due()] == [1, 0]
    assert told(db, people["owen"]) == ["kb.review.due"]
    mark_reviewed(row.id, people["edith"], now() - timedelta(minutes=1))
    assert [remind_due(), remind_due()] == [1, 0]


@pytest.mark.feature("K-10")
def test_reports_tell_what_they_say(db: Any, people: dict[str, int]) -> None:
    from core.db import transaction
    from plugins.kb.models import Use
    from plugins.kb.readers import feedback, reports

    used, unused = article(people, 2010), article(people, 2011, title="=1+1", review_at=now() - timedelta(days=3))
    with transaction():
        db.session.add_all(Use(article_id=used.id, user_id=people[name]) for name in ("anna", "anna", "owen"))
        db.session.add(Use(article_id=unused.id, user_id=people["anna"], at=now() - timedelta(days=40)))
    feedback.rate(used, "v:1", False)
    asked = reports.Asked(days=30, folder_id=used.folder_id)
    assert [(line.number, line.values[:2]) for line in reports.most_used(asked)] == [(2010, (3, 2))]
    assert [line.number for line in reports.never_used(asked)] == [2011]
    assert [(line.number, line.values) for line in reports.least_helpful(asked)] == [(2010, (1, 0, 0))]
    assert [line.number for line in reports.outdated(asked)] == [2011]
    assert reports.linked_cases(asked) == []
    assert reports.candidates(asked) == []
    text = reports.as_csv(reports.BY_KEY["unused"], reports.never_used(asked), "ru")
    assert text.splitlines()[1].startswith("2011;'=1+1;")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Ирина Крылова просит", "[имя] просит"),
        ("Пишите Ирине на irina@mail.example", "Пишите [имя] на [почта]"),
        ("Тел. +7 (916) 123-45-67, код 0x8010006B", "Тел. [телефон], код 0x8010006B"),
        ("Счёт 40702810900000012345", "Счёт [номер]"),
        ("С Крыловой говорили 5 раз", "С [имя] говорили 5 раз"),
    ],
)
def test_personal_data_does_not_get_into_articles(text: str, expected: str) -> None:
    from plugins.kb.readers.masking import masked, masked_html

    assert masked(text, "ru", ["Ирина Крылова"]) == expected
    assert masked_html(f'<a href="mailto:a@b.example">{text}</a>', "ru", ["Ирина Крылова"]) == f"<a>{expected}</a>"


@pytest.mark.feature("K-10")
def test_a_candidate_becomes_a_draft_without_the_people_in_it(db: Any, people: dict[str, int]) -> None:
    from core import casework
    from core.db import transaction
    from core.model import Case, Contact, Interaction, Message, Service
    from plugins.kb.models import Candidate
    from plugins.kb.readers import candidates
    from plugins.kb.writing.operations import set_status

    folder = article(people, 2020).folder_id
    with transaction():
        service = db.session.scalar(db.select(Service).limit(1))
        if service is None:
            service = Service(key="help", title_en="Help", title_ru="Помощь", language="ru")
        contact = Contact(name="Ирина Крылова")
        case = Case(
            number="77",
            subject="Не печатает, Ирина",
            thread_token="t77",
            language="ru",
            contact=contact,
            service=service,
        )
        db.session.add_all([service, contact, case])
        db.session.flush()
        talk = Interaction(
            channel="email",
            direction="in",
            case_id=case.id,
            service_id=service.id,
            contact_id=contact.id,
            state="closed",
        )
        db.session.add(talk)
        db.session.flush()
        common = {"interaction_id": talk.id, "case_id": case.id}
        db.session.add(
            Message(**common, source_key="1", author="contact", direction="in", body_text="Принтер молчит.\n> цитата")
        )
        db.session.add(
            Message(
                **common,
                source_key="2",
                author="agent",
                direction="out",
                user_id=people["anna"],
                body_html="<p>Ирина, включите его. Anna</p>",
            )
        )
    casework.change(case.id, people["anna"], is_candidate=True)
    candidates.propose(case.id, people["anna"], "Часто")
    row = db.session.scalar(db.select(Candidate))
    draft = candidates.draft(row.id, people["edith"], folder)
    assert (draft.status, draft.title, draft.question) == ("draft", "Не печатает, [имя]", "Принтер молчит.")
    assert draft.sections[0]["html"] == "<p>$(from.name), включите его. $(User.firstName)</p>"
    with pytest.raises(Rejected) as again:
        candidates.draft(row.id, people["edith"], folder)
    assert again.value.code == "candidate-settled"
    set_status(draft.id, people["edith"], "published")
    db.session.refresh(row)
    assert (row.state, told(db, people["anna"])) == ("published", ["kb.candidate.published"])
    with pytest.raises(Rejected):
        candidates.decline(row.id, people["edith"], "нет")
