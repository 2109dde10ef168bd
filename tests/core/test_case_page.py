"""The case page over HTTP: constant statements, edits that say what is there now, refusals of bad input, nothing that runs."""

from __future__ import annotations

import json

import pytest

from core import case_catalogue, case_drafts, case_notes, case_watchers, own_settings, services, timeline
from core.db import db, transaction
from core.model import Case, Interaction, Message, Service, TimelineEntry
from tests.core.test_desk import desk  # noqa: F401 -- the fixture

SCRIPT = "<script>alert('x')</script>"


@pytest.fixture
def case_id(centre, desk):  # noqa: F811
    centre.mine = centre.taken(centre.agents[0])
    return db.session.get(Interaction, centre.mine).case_id


def notes(case_id, count):
    with transaction():
        for number in range(count):
            timeline.write(case_id, "note", text=f"Запись {number}")


def test_a_case_of_500_entries_asks_as_often_as_a_small_one_and_shows_40(desk, case_id, count_queries):  # noqa: F811
    def asked(url):
        with count_queries() as seen:
            page = desk.get(url)
            assert page.status_code == 200
        return seen.count, page.text.count("data-entry=")

    notes(case_id, 3)
    few, _shown = asked(f"/cases/{case_id}")
    notes(case_id, 500)
    many, shown = asked(f"/cases/{case_id}")
    assert many <= few and shown == 40
    first = db.session.scalars(db.select(TimelineEntry.id).where(TimelineEntry.kind == "note")).first()
    for where in (f"before={first + 100}", f"around={first + 100}", "after=0"):
        count, shown = asked(f"/cases/{case_id}/timeline?view=talk&{where}")
        assert shown == 40 and count <= few
    assert "data-entry=" not in desk.get(f"/cases/{case_id}/timeline?before=1").text
    assert desk.get(f"/cases/{case_id}/timeline?before=много").status_code == 200


def test_who_answers_all_by_default_finds_the_others_of_the_letter_in_the_copy(desk, centre, case_id):  # noqa: F811
    services.add_entry(centre.service_id, "toy", "support@okno.example")
    sender = db.session.get_one(Interaction, centre.mine).address
    with transaction():
        message = db.session.scalars(db.select(Message).where(Message.direction == "in")).one()
        message.data = {"to": ["Support@okno.example"], "cc": ["boss@example.org", sender.upper(), "law@example.org"]}
    copies = 'name="cc" value="boss@example.org, law@example.org"'
    assert copies not in desk.get(f"/cases/{case_id}").text
    own_settings.change(centre.agents[0], "letters", {"reply_all": True})
    assert copies in desk.get(f"/cases/{case_id}").text
    # What was taken out of a begun answer does not come back.
    case_drafts.save(centre.agents[0], case_id, "reply", "<p>Да</p>", {"to": sender, "touched": "1"})
    assert copies not in desk.get(f"/cases/{case_id}").text


def test_an_edit_answers_what_is_there_when_a_colleague_was_faster(desk, centre, case_id):  # noqa: F811
    case_catalogue.add_field(None, "serial", "Serial", "Номер")

    def edit(**values):
        answer = desk.client.post(
            f"/cases/{case_id}/edit?lang=ru",
            data=values,
            headers={"X-CSRF-Token": desk.token, "Accept": "application/json"},
        )
        desk.forget()
        return answer

    assert edit(name="field.serial", value="A", before="").status_code == 200
    refused = edit(name="field.serial", value="B", before="")
    assert refused.status_code == 422 and refused.json["current"] == "A"
    assert refused.json["error"]["code"] == "case-changed" and "Номер" in refused.json["error"]["text"]
    for values in (
        {"name": "field.nothing", "value": "x"},
        {"name": "thread_token", "value": "x"},
        {"name": "priority", "value": "9"},
        {"name": "assignee_id", "value": "99999"},
        {"name": "service_id", "value": "99999999999999999999"},
        {"name": "organisation_id", "value": "-1"} | {"value": "77"},
        {"name": "status", "value": "closed"},
        {},
    ):
        answer = edit(**values)
        assert answer.status_code == 422 or values.get("name") == "service_id", values
        assert answer.status_code != 500
    assert edit(name="subject", value=SCRIPT).status_code == 200


def test_nothing_that_people_write_runs(desk, centre, case_id):  # noqa: F811
    case_catalogue.add_field(None, "serial", SCRIPT, SCRIPT)
    case_catalogue.add_category(None, "cat", SCRIPT, SCRIPT)
    case_notes.add(case_id, centre.agents[0], SCRIPT)
    desk.client.post(
        f"/cases/{case_id}/edit", data={"name": "subject", "value": SCRIPT}, headers={"X-CSRF-Token": desk.token}
    )
    desk.client.post(
        f"/cases/{case_id}/edit", data={"name": "field.serial", "value": SCRIPT}, headers={"X-CSRF-Token": desk.token}
    )
    for url in (
        f"/cases/{case_id}",
        f"/cases/{case_id}?view=events",
        f"/cases/{case_id}/aside",
        f"/cases/{case_id}/fresh",
    ):
        page = desk.get(url).text
        assert "<script>alert" not in page and "&lt;script&gt;" in page


def test_links_watchers_and_organisations_by_the_page(desk, centre, case_id):  # noqa: F811
    centre.mail("other@example.org", subject="Другой")
    other = db.session.scalars(db.select(Case.id).where(Case.subject == "Другой")).one()

    def code(answer):
        return json.loads(answer.headers["HX-Trigger"])["toast"]["code"]

    assert code(desk.post(f"/cases/{case_id}/links", other=case_id)) == "link-to-itself"
    assert code(desk.post(f"/cases/{case_id}/links", other="много")) == "case-not-chosen"
    assert desk.post(f"/cases/{case_id}/links", other=99_999).status_code == 404
    assert desk.post(f"/cases/{case_id}/links", other=other).status_code == 204
    assert "Другой" in desk.get(f"/cases/{case_id}/aside").text
    assert "Другой" in desk.get(f"/cases/{case_id}/link/found?q=Другой").text
    link = db.session.execute(db.text("SELECT id FROM case_link")).scalar_one()
    centre.mail("third@example.org", subject="Третий")
    third = db.session.scalars(db.select(Case.id).where(Case.subject == "Третий")).one()
    assert code(desk.post(f"/cases/{third}/links/{link}/remove")) == "link-unknown"
    assert desk.post(f"/cases/{case_id}/links/{link}/remove").status_code == 204
    assert desk.post(f"/cases/{case_id}/watch").status_code == 204
    assert [person.id for person in case_watchers.watchers(case_id)] == [centre.agents[0]]
    assert desk.post(f"/cases/{case_id}/unwatch").status_code == 204
    answer = desk.client.post(
        f"/cases/{case_id}/organisation?lang=ru",
        data={"name": "ООО «Тест»", "tax_id": "7707083894"},
        headers={"X-CSRF-Token": desk.token},
    )
    assert "опечатки" in answer.json["warning"]
    assert "ООО «Тест»" in desk.get("/organisations/found?q=тест").text


def test_who_watches_may_see_a_case_of_another_team(desk, centre, case_id):  # noqa: F811
    with transaction():
        other = Service(key="other", title_en="Other", title_ru="Другой")
        db.session.add(other)
        db.session.flush()
        case = db.session.get(Case, case_id)
        case.service_id, case.assignee_id = other.id, None
    assert desk.get(f"/cases/{case_id}").status_code == 403
    case_watchers.watch(case_id, centre.agents[0])
    assert desk.get(f"/cases/{case_id}").status_code == 200


def test_pictures_from_elsewhere_are_asked_for_and_the_policy_follows(desk, centre, case_id):  # noqa: F811
    with transaction():
        message = db.session.scalars(db.select(Message)).first()
        message.body_html = '<p>Ку</p><img alt="" data-src="https://spy.example/1.gif">'
        message_id = message.id
    closed = desk.get(f"/messages/{message_id}/body", fragment=False)
    assert 'data-hidden-pictures="1"' in closed.text and "https:" not in closed.headers["Content-Security-Policy"]
    opened = desk.get(f"/messages/{message_id}/body?images=1", fragment=False)
    assert 'src="https://spy.example/1.gif"' in opened.text and "https:" in opened.headers["Content-Security-Policy"]
