"""The directory finds people by the beginnings of word parts, in any layout and number format, in a constant number of statements."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import insert, select

from core import directory, directory_book, find_words
from core.clock import now
from core.db import db, transaction
from core.directory_book import asked
from core.keyboard_layout import readings
from core.model import Contact, ContactAddress, FindWord, Interaction, Organisation, Service, TeamMember, User
from core.web.directory_pages import highlighted
from tests.core.conftest import Centre
from tests.support.queries import Counted

pytestmark = pytest.mark.feature("D-05")


@pytest.fixture
def book(centre: Centre) -> Centre:
    """Some contacts, organisations and colleagues beside the centre's agents."""
    with transaction():
        works = Organisation(name="ООО «Ромашка-Плюс»", tax_id="7701234567")
        people = (
            ("Анна Иванова-Петрова", "anna.petrova@mail.example", "+79123456789", works),
            ("Семён Ёлкин", "semen@example.org", "+442079460958", None),
            ("Zoë O'Neill", "zoe@example.org", "+12125550117", None),
        )
        for name, email, phone, organisation in people:
            contact = Contact(name=name, organisation=organisation)
            contact.addresses += [ContactAddress(kind="email", value=email), ContactAddress(kind="phone", value=phone)]
            db.session.add(contact)
    user = directory.find_user("boris")
    assert user is not None
    directory.update_user(user.id, first_name="Борис", last_name="Мельников-Ким")
    return centre


def names(text: str) -> list[str]:
    return [contact.name for contact in directory_book.contacts(asked(text)).rows]


IVANOVA, ELKIN, ZOE = "Анна Иванова-Петрова", "Семён Ёлкин", "Zoë O'Neill"
FOUND = {
    IVANOVA: (
        "иван", "петр", "петр анна", "АННА", "anna.pet", "фттф", "+7 (912) 345-67-89", "8 912 345", "9123456", "6789", "ромашка",
        "анна ромашка", "hjvfirf",
    ),
    ELKIN: ("елк", "семен", "ctvty", "020 7946", "0958"),
    ZOE: ("zo", "ящу"),
}  # fmt: skip


def test_a_contact_is_found_by_the_beginning_of_any_part(book: Centre) -> None:
    missed = [text for contact, texts in FOUND.items() for text in texts if contact not in names(text)]
    assert missed == []


def test_what_does_not_begin_so_is_not_found(book: Centre) -> None:
    texts = ("ванова", "анна елкин", "12345678901234", "'; DROP TABLE contact; --", "я" * 500)
    assert [text for text in texts if names(text)] == []
    assert not asked("%") and not asked("_")


def test_colleagues_services_organisations_and_teams_are_found(book: Centre) -> None:
    assert [person.user.login for person in directory_book.people(asked("ким")).rows] == ["boris"]
    assert [person.user.login for person in directory_book.people(asked("vtkm")).rows] == ["boris"]
    assert [row.key for row in directory_book.services(asked("подд")).rows] == ["support"]
    assert [(row.name, count) for row, count in directory_book.organisations(asked("77012")).rows] == [
        ("ООО «Ромашка-Плюс»", 1)
    ]
    assert [team.key for team, _ready in directory_book.teams(asked("перв"))] == ["first"]


def test_the_words_follow_every_change(book: Centre) -> None:
    with transaction():
        contact = db.session.scalars(select(Contact).where(Contact.name == "Семён Ёлкин")).one()
        contact.name = "Сергей Ёлкин"
        contact.addresses[1].value = "+79990001122"
        contact.addresses.append(ContactAddress(kind="email", value="new@place.example"))
    assert names("семен") == []
    assert names("semen") == names("сергей") == names("999 000") == names("place") == ["Сергей Ёлкин"]
    assert names("0958") == []
    with transaction():
        contact = db.session.scalars(select(Contact).where(Contact.name == "Сергей Ёлкин")).one()
        db.session.delete(contact.addresses[0])
    assert names("semen") == []
    with transaction():
        db.session.delete(db.session.scalars(select(Contact).where(Contact.name == "Сергей Ёлкин")).one())
    assert not db.session.scalars(select(FindWord).where(FindWord.kind == "contact", FindWord.word == "сергеи")).all()
    assert names("сергей") == []


def test_words_can_be_made_anew(book: Centre) -> None:
    def words() -> set[tuple[str, int, str]]:
        return {(row.kind, row.object_id, row.word) for row in db.session.scalars(select(FindWord))}

    before = words()
    with transaction():
        db.session.execute(insert(Contact), [{"name": "Мимо Сессии", "created_at": now()}])
    assert names("мимо") == []
    find_words.rebuild()
    assert names("мимо") == ["Мимо Сессии"]
    assert words() > before


def test_pages_of_contacts_cover_all_once(centre: Centre) -> None:
    with transaction():
        db.session.add_all(Contact(name=f"Контакт {number % 40:03}") for number in range(120))
    seen: list[int] = []
    after = ""
    while True:
        page = directory_book.contacts(asked("конт"), after=after)
        seen += [row.id for row in page.rows]
        after = page.after
        if not after:
            break
    assert len(seen) == len(set(seen)) == 120


def test_statements_do_not_grow_with_rows(
    book: Centre, count_queries: Callable[[], AbstractContextManager[Counted]]
) -> None:
    def add(numbers: range) -> None:
        with transaction():
            for number in numbers:
                works = Organisation(name=f"Альянс {number}")
                contact = Contact(name=f"Алла {number}", organisation=works)
                contact.addresses.append(ContactAddress(kind="email", value=f"a{number}@example.org"))
                user = User(login=f"agent{number}", first_name=f"Алла {number}")
                service = Service(key=f"s{number}", title_en="Alpha", title_ru=f"Альфа {number}")
                db.session.add_all([contact, user, service])
                db.session.flush()
                db.session.add(TeamMember(team_id=1, user_id=user.id))

    def asked_for() -> list[int]:
        counts = []
        for read in (
            directory_book.people,
            directory_book.contacts,
            directory_book.organisations,
            directory_book.services,
        ):
            db.session.expire_all()
            with count_queries() as counted:
                read(asked("ал"))
            counts.append(counted.count)
        return counts

    add(range(1))
    few = asked_for()
    add(range(1, 60))
    assert asked_for() == few
    assert max(few) <= 3


def test_recents_are_ones_own_newest_first_with_how_long_they_took(book: Centre) -> None:
    anna, boris = book.agents[:2]
    first = book.taken(anna)
    with transaction():
        row = db.session.get_one(Interaction, first)
        row.accepted_at, row.ended_at = now() - timedelta(minutes=10), now() - timedelta(minutes=7)
        db.session.add(
            Interaction(
                channel="toy", direction="out", case_id=row.case_id, service_id=row.service_id, agent_id=anna,
                contact_id=row.contact_id, address="anna@example.org", state="active", accepted_at=now(),
            )
        )  # fmt: skip
    found = directory_book.recents(anna)
    assert [(one.interaction.direction, one.seconds) for one in found] == [("out", None), ("in", 180)]
    assert found[0].contact is not None
    assert directory_book.recents(boris) == []


@pytest.mark.parametrize(
    ("text", "question", "marked"),
    [
        ("Анна Иванова", "ива", "Анна <mark>Ива</mark>нова"),
        ("Семён Ёлкин", "елк", "Семён <mark>Ёлк</mark>ин"),
        ("Анна", "fyyf", "<mark>Анна</mark>"),
        ("+7 912 345-67-89", "8 (912) 34", "+7 <mark>912 34</mark>5-67-89"),
        ("<b>Анна", "анна", "&lt;b&gt;<mark>Анна</mark>"),
        ("Анна", "", "Анна"),
        ("Иванова", "ванова", "Иванова"),
    ],
)
def test_what_was_asked_for_is_marked(text: str, question: str, marked: str) -> None:
    assert str(highlighted(text, asked(question))) == marked


@given(text=st.text(max_size=40), question=st.text(max_size=20))
def test_marking_changes_nothing_but_marks(text: str, question: str) -> None:
    shown = highlighted(text, asked(question))
    assert shown.striptags() == shown.__class__(str(shown).replace("<mark>", "").replace("</mark>", "")).striptags()


@given(text=st.text(max_size=200))
def test_any_question_can_be_read(text: str) -> None:
    question = asked(text)
    assert all(token for reading in question.readings for token in reading)
    assert readings(text)[0] == text
