"""Tokens and scopes, and the one shape of errors. How requests are judged does not depend on the data base: SQLite alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import directory, tokens
from core.clock import now
from core.contracts import Rejected
from core.db import db, transaction
from core.model import ApiToken, Audit
from core.schemas import Invalid
from tests.core.api_house import Api, all_scopes, caller, forgetful, person

pytestmark = pytest.mark.feature("P-08")


@pytest.fixture
def database_kind() -> str:
    return "sqlite"


@pytest.fixture
def anna(centre) -> Api:
    """An agent of the first team with a token for everything."""
    forgetful(centre.app)
    return caller(centre.app, person("anna"))


# --- tokens and scopes -------------------------------------------------------------------------------


def test_only_the_hash_of_a_token_is_kept_and_the_prefix_tells_it_apart(anna):
    row = db.session.scalars(db.select(ApiToken)).one()
    assert anna.secret.startswith("okno_pat_")
    assert anna.secret not in (row.token_hash, row.prefix)
    assert anna.secret.startswith(row.prefix)
    assert tokens.create(row.user_id, "crm", all_scopes(), service=True)[1].startswith("okno_svc_")


def test_without_a_valid_token_the_answer_is_401_with_a_challenge(anna):
    for sent in ("", "Basic YW5uYTp4", "Bearer ", "Bearer okno_pat_wrong", "Bearer wrong"):
        answer = anna("GET", "/me", headers={"Authorization": sent})
        assert answer.status_code == 401, sent
        assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="okno"')
        assert answer.content_type == "application/problem+json"


def test_a_revoked_an_expired_and_a_disabled_users_token_are_refused_at_once(anna, centre):
    row = db.session.scalars(db.select(ApiToken)).one()
    assert anna("GET", "/me").status_code == 200
    with transaction():
        db.session.get_one(ApiToken, row.id).expires_at = now() - timedelta(seconds=1)
    assert anna("GET", "/me").status_code == 401
    with transaction():
        db.session.get_one(ApiToken, row.id).expires_at = None
    tokens.revoke(row.id)
    assert anna("GET", "/me").status_code == 401
    boris = caller(centre.app, person("boris"))
    directory.disable_user(directory.get_user("boris").id)
    assert boris("GET", "/me").status_code == 401


def test_a_token_without_the_scope_is_refused_and_told_which_one_it_lacks(centre):
    api = caller(centre.app, person("anna"), ["cases:read"])
    answer = api("POST", "/cases", {"subject": "x", "service_id": centre.service_id})
    assert (answer.status_code, answer.get_json()["code"]) == (403, "scope-missing")
    assert 'scope="cases:write"' in answer.headers["WWW-Authenticate"]
    assert api("GET", "/cases").status_code == 200


def test_a_token_never_does_more_than_its_user(centre):
    api = caller(centre.app, person("anna"), ["webhooks:admin", "cases:read"])
    answer = api("GET", "/webhooks")
    assert (answer.status_code, answer.get_json()["code"]) == (403, "privilege-missing")


def test_a_token_cannot_make_a_token_with_more_scopes(centre):
    api = caller(centre.app, person("anna"), ["tokens:write", "tokens:read"])
    answer = api("POST", "/tokens", {"name": "more", "scopes": ["cases:read"]})
    assert (answer.status_code, answer.get_json()["code"]) == (403, "scope-missing")
    made = api.post("/tokens", {"name": "same", "scopes": ["tokens:read"]}, status=201)
    assert made["secret"].startswith("okno_pat_")
    assert "secret" not in api.get("/tokens")["items"][0]
    assert Api(centre.app.test_client(), made["secret"]).get("/tokens")["items"]


def test_the_last_use_is_noted_at_most_once_a_minute(anna, count_queries):
    anna.get("/me")
    first = db.session.scalars(db.select(ApiToken.used_at)).one()
    assert first is not None
    with count_queries() as seen:
        anna.get("/me")
    assert not [statement for statement in seen.statements if statement.startswith("UPDATE api_token")]
    with transaction():
        db.session.scalars(db.select(ApiToken)).one().used_at = first - timedelta(minutes=2)
    anna.get("/me")
    assert db.session.scalars(db.select(ApiToken.used_at)).one() >= first


def test_tokens_are_checked_when_they_are_made(centre):
    user_id = person("anna")
    with pytest.raises(Invalid) as refused:
        tokens.create(user_id, " ", ["no:such"], expires_at=now() - timedelta(days=1))
    assert set(refused.value.errors) == {"name", "scopes", "expires_at"}
    with pytest.raises(Rejected):
        tokens.revoke(10_000)


def test_too_many_requests_are_slowed(centre):
    from core.house import okno

    okno().config.values["api.requests_per_minute"] = 3
    centre.app.extensions.pop("okno_api_meter", None)
    api = caller(centre.app, person("anna"))
    answers = [api("GET", "/me") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert answers[-1].headers["Retry-After"]


def test_changes_are_audited_under_the_user_and_the_token(anna):
    anna.post("/contacts", {"name": "Пётр"}, status=201)
    entry = db.session.scalars(db.select(Audit).where(Audit.action == "contact.add")).one()
    assert entry.actor.startswith("anna/okno_pat_")


# --- errors ------------------------------------------------------------------------------------------


def test_errors_have_one_shape_in_the_callers_language(anna):
    for language, title in (("ru", "Значения недопустимы"), ("en", "The values are not valid")):
        anna.language = language
        answer = anna("POST", "/cases", {"subject": 5, "nonsense": True})
        problem = answer.get_json()
        assert answer.status_code == 422
        assert set(problem) == {"type", "title", "status", "detail", "code", "errors"}
        assert (problem["title"], problem["status"], problem["code"]) == (title, 422, "invalid")
        assert set(problem["errors"]) == {"subject", "service_id", "nonsense"}
        assert answer.headers["Content-Language"] == language


KINDS = [
    ("GET", "/nothing", {}, 404, "http-404"),
    ("GET", "/cases/999", {}, 404, "http-404"),
    ("GET", "/cases/99999999999", {}, 404, "http-404"),
    ("DELETE", "/cases", {}, 405, "http-405"),
    ("POST", "/cases", {"data": "{", "content_type": "application/json"}, 400, "json-invalid"),
    ("POST", "/cases", {"data": '{"subject": NaN}', "content_type": "application/json"}, 400, "json-invalid"),
    ("POST", "/cases", {"data": "[" * 5000, "content_type": "application/json"}, 400, "json-invalid"),
    ("POST", "/cases", {"data": "x", "content_type": "text/plain"}, 415, "content-type"),
    ("POST", "/cases", {"data": "[]", "content_type": "application/json"}, 422, "invalid"),
    ("POST", "/contacts", {"data": '{"name": "a\\u0000"}', "content_type": "application/json"}, 422, "invalid"),
    ("POST", "/contacts", {"data": '{"name": "\\ud800"}', "content_type": "application/json"}, 422, "invalid"),
    ("GET", "/cases?statsu=open", {}, 422, "invalid"),
    ("GET", "/cases?status=open&status=closed", {}, 422, "invalid"),
    ("GET", "/cases?cursor=forged", {}, 422, "invalid"),
    ("GET", "/cases?limit=0", {}, 422, "invalid"),
    ("POST", "/cases", {"data": b"x" * (31 << 20), "content_type": "application/json"}, 413, "http-413"),
]


def test_every_kind_of_error_has_the_same_shape(anna):
    for method, path, sent, status, code in KINDS:
        answer = anna(method, path, **sent)
        assert answer.content_type == "application/problem+json", path
        problem = answer.get_json()
        assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code), path


def test_a_bug_is_500_in_the_same_shape_and_says_how_to_find_it(anna, monkeypatch):
    from core.api import me

    def broken(*_arguments):
        raise RuntimeError("secret of the house")

    monkeypatch.setattr(me.agents, "shown", broken)
    answer = anna("GET", "/me")
    assert (answer.status_code, answer.get_json()["code"]) == (500, "internal")
    assert answer.headers["X-Request-Id"] in answer.get_json()["detail"]
    assert "secret" not in answer.text
