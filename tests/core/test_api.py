"""Lists, versions and repeats of the API, on both data bases."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from core import casework, directory
from core.clock import now
from core.db import db, transaction
from core.model import ApiCall, Case, Contact, Service
from tests.core.api_house import Api, caller, forgetful, person

pytestmark = pytest.mark.feature("P-08")


@pytest.fixture
def anna(centre) -> Api:
    """An agent of the first team with a token for everything."""
    forgetful(centre.app)
    return caller(centre.app, person("anna"))


def make_cases(count: int, prefix: str = "Запрос") -> list[int]:
    with transaction():
        service = db.session.scalars(db.select(Service)).one()
        rows = [casework.create(subject=f"{prefix} {n}", service=service, contact=None) for n in range(count)]
        return [row.id for row in rows]


# --- lists -------------------------------------------------------------------------------------------


def test_pages_lose_and_double_nothing_while_rows_are_inserted(anna):
    before = make_cases(25)
    seen, path = [], "/cases?limit=10"
    while path:
        page = anna.get(path)
        seen += [item["id"] for item in page["items"]]
        path = page["next"].removeprefix("/api/v1") if page["next"] else ""
        make_cases(3, "Новый")
    assert sorted(seen) == sorted(before)
    assert len(seen) == 25


def test_a_copy_by_updated_since_sees_a_case_that_changes_meanwhile(anna):
    ids = make_cases(6)
    moment = now() - timedelta(hours=1)
    path = f"/cases?limit=2&sort=updated_at&updated_since={moment.isoformat().replace('+00:00', 'Z')}"
    first = anna.get(path)
    with transaction():
        casework.touch(db.session.get_one(Case, ids[0]), cause="test")
    seen, path = [item["id"] for item in first["items"]], first["next"]
    while path:
        page = anna.get(path.removeprefix("/api/v1"))
        seen += [item["id"] for item in page["items"]]
        path = page["next"]
    assert seen[-1] == ids[0]
    assert set(seen) == set(ids)


def test_a_cursor_belongs_to_its_list_and_order(anna):
    make_cases(3)
    cursor = anna.get("/cases?limit=1")["next_cursor"]
    assert anna("GET", f"/cases?limit=1&sort=updated_at&cursor={cursor}").status_code == 422
    assert anna("GET", f"/contacts?cursor={cursor}").status_code == 422


def test_filters_narrow_the_list(anna, centre):
    ids = make_cases(4)
    anna("PATCH", f"/cases/{ids[0]}", {"priority": "critical", "assignee_id": centre.agents[0]})
    with transaction():
        casework.close(db.session.get_one(Case, ids[1]), cause="test")
    number = db.session.get_one(Case, ids[2]).number

    def found(query: str) -> list[int]:
        return sorted(item["id"] for item in anna.get(f"/cases?{query}")["items"])

    assert found("status=closed") == [ids[1]]
    assert found("status=open&priority=critical") == [ids[0]]
    assert found(f"assignee_id={centre.agents[0]}") == [ids[0]]
    assert found(f"number={number}") == [ids[2]]
    assert found(f"service_id={centre.service_id}&status=open") == [ids[0], ids[2], ids[3]]
    assert anna("GET", "/cases?priority=high").status_code == 422


def test_who_serves_other_teams_sees_neither_list_nor_case(centre):
    ids = make_cases(2)
    stranger = caller(centre.app, person("zoe"))
    assert stranger.get("/cases")["items"] == []
    answer = stranger("GET", f"/cases/{ids[0]}")
    assert (answer.status_code, answer.get_json()["code"]) == (403, "not-yours")
    assert stranger("PATCH", f"/cases/{ids[0]}", {"priority": "low"}).status_code == 403
    answer = stranger("POST", "/cases", {"subject": "x", "service_id": centre.service_id})
    assert answer.status_code == 403


LISTS = [
    "/cases",
    "/queue",
    "/interactions?service_id=1",
    "/contacts",
    "/agents",
    "/teams",
    "/services",
    "/search?q=case",
]


def test_a_list_asks_the_data_base_equally_often_for_few_and_many_rows(anna, centre, count_queries):
    def grow(count: int) -> None:
        for number in range(count):
            centre.mail(f"sender{centre.count}@example.org", f"case {number}")
            directory.add_user(f"more{centre.count}", "More", teams=["first"])

    def counts() -> dict[str, int]:
        found = {}
        for path in LISTS:
            with count_queries() as seen:
                anna.get(path)
            found[path] = seen.count
        return found

    grow(2)
    counts()
    few = counts()
    grow(6)
    assert counts() == few
    assert max(few.values()) <= 12, few


# --- versions ----------------------------------------------------------------------------------------


def test_if_match_keeps_two_writers_from_overwriting_each_other(anna):
    case_id = make_cases(1)[0]
    first = anna("GET", f"/cases/{case_id}").headers["ETag"]
    assert anna("GET", f"/cases/{case_id}", headers={"If-None-Match": first}).status_code == 304
    changed = anna("PATCH", f"/cases/{case_id}", {"priority": "high"}, headers={"If-Match": first})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != first
    late = anna("PATCH", f"/cases/{case_id}", {"priority": "low"}, headers={"If-Match": first})
    assert (late.status_code, late.get_json()["code"]) == (412, "changed-meanwhile")
    assert db.session.get_one(Case, case_id).priority == "high"


# --- repeats -----------------------------------------------------------------------------------------


def test_the_same_key_and_body_give_the_same_answer_once(anna, centre):
    body = {"subject": "Один раз", "service_id": centre.service_id}
    first = anna("POST", "/cases", body, key="k1")
    again = anna("POST", "/cases", body, key="k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert (first.data, first.headers["ETag"], first.headers["Location"]) == (
        again.data,
        again.headers["ETag"],
        again.headers["Location"],
    )
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert db.session.scalar(db.select(db.func.count(Case.id))) == 1


def test_a_key_of_another_request_is_refused_and_each_token_has_its_own(anna, centre):
    body = {"subject": "x", "service_id": centre.service_id}
    anna.post("/cases", body, 201, key="k1")
    other = anna("POST", "/cases", {**body, "subject": "y"}, key="k1")
    assert (other.status_code, other.get_json()["code"]) == (422, "idempotency-key-reused")
    boris = caller(centre.app, person("boris"))
    boris.post("/cases", {**body, "subject": "y"}, 201, key="k1")
    assert (
        anna("POST", "/cases", body, headers={"Idempotency-Key": "ключ".encode().decode("latin-1")}).status_code == 422
    )


def test_a_refused_request_leaves_its_key_free(anna, centre):
    assert anna("POST", "/cases", {"subject": " ", "service_id": centre.service_id}, key="k1").status_code == 422
    anna.post("/cases", {"subject": "x", "service_id": centre.service_id}, 201, key="k1")


def test_a_secret_is_not_kept_for_the_repeat(anna):
    body = {"name": "crm", "scopes": ["cases:read"]}
    secret = anna.post("/tokens", body, 201, key="k1")["secret"]
    assert anna.post("/tokens", body, 201, key="k1")["secret"] is None
    kept = db.session.scalars(db.select(ApiCall.body)).all()
    assert kept
    assert not [text for text in kept if secret in text]


def test_old_keys_are_forgotten(anna, centre):
    from core.api import idempotency

    anna.post("/cases", {"subject": "x", "service_id": centre.service_id}, 201, key="k1")
    idempotency.forget_old()
    assert db.session.scalars(db.select(ApiCall)).all()
    with transaction():
        db.session.scalars(db.select(ApiCall)).one().at = now() - timedelta(days=2)
    idempotency.forget_old()
    assert not db.session.scalars(db.select(ApiCall)).all()


def test_many_threads_with_one_key_make_exactly_one_case(anna, centre):
    body = {"subject": "Гонка", "service_id": centre.service_id}
    anna.get("/me")  # the token's last use is noted before the race
    answers, start = [], threading.Barrier(8)

    def call() -> None:
        api = Api(centre.app.test_client(), anna.secret)
        start.wait()
        with centre.app.app_context():
            answers.append(api("POST", "/cases", body, key="race"))

    threads = [threading.Thread(target=call) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.status_code for answer in answers] == [201] * 8
    assert len({answer.get_json()["id"] for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
    assert db.session.scalar(db.select(db.func.count(Case.id)).where(Case.subject == "Гонка")) == 1


def test_two_threads_with_one_address_make_one_contact(anna, centre):
    body = {"name": "Пётр", "addresses": [{"kind": "email", "value": "Petr@Example.org"}]}
    anna.get("/me")
    statuses, start = [], threading.Barrier(4)

    def call() -> None:
        api = Api(centre.app.test_client(), anna.secret)
        start.wait()
        with centre.app.app_context():
            statuses.append(api("POST", "/contacts", body).status_code)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201, 409, 409, 409]
    assert db.session.scalar(db.select(db.func.count(Contact.id))) == 1
