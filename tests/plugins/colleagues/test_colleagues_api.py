"""Chats over the REST API: the same rules, the same refusals."""

from __future__ import annotations

import pytest

from core import tokens
from plugins.colleagues import rooms

pytestmark = [pytest.mark.feature("I-01")]


@pytest.fixture
def call(staff):
    def ask(user_id: int, method: str, path: str, body: dict | None = None):
        if user_id not in known:
            known[user_id] = tokens.create(user_id, "test", ["chats:read", "chats:write"])[1]
        headers = {"Authorization": f"Bearer {known[user_id]}"}
        return staff.app.test_client().open(f"/api/v1{path}", method=method, json=body, headers=headers)

    known: dict[int, str] = {}
    return ask


def test_a_program_begins_chats_writes_reads_and_ends_membership(staff, call):
    group = call(staff.anna, "POST", "/chats", {"name": "Смена", "people": [staff.boris]}).json
    assert (group["kind"], group["name"], group["people"]) == ("group", "Смена", 2)
    for text in ("раз", "два"):
        assert call(staff.anna, "POST", f"/chats/{group['id']}/messages", {"text": text}).status_code == 201
    found = call(staff.boris, "GET", f"/chats/{group['id']}/messages?limit=2").json
    assert [message["text"] for message in found["items"]] == ["два", "раз"]
    assert call(staff.boris, "GET", "/chats").json["items"][0]["unread"] == 2
    assert call(staff.boris, "POST", f"/chats/{group['id']}/people", {"people": [staff.vera]}).json["people"] == 3
    assert call(staff.boris, "DELETE", f"/chats/{group['id']}/people/{staff.vera}").status_code == 422
    assert call(staff.anna, "DELETE", f"/chats/{group['id']}/people/{staff.vera}").status_code == 204
    assert call(staff.boris, "DELETE", f"/chats/{group['id']}/people/{staff.boris}").status_code == 204
    assert rooms.members(group["id"]) == [staff.anna]


def test_a_personal_chat_is_answered_again_and_strangers_get_404(staff, call):
    room = call(staff.anna, "POST", "/chats", {"people": [staff.boris]}).json
    assert call(staff.boris, "POST", "/chats", {"people": [staff.anna]}).json["id"] == room["id"]
    assert call(staff.vera, "GET", f"/chats/{room['id']}/messages").status_code == 404
    assert call(staff.vera, "POST", f"/chats/{room['id']}/messages", {"text": "я"}).status_code == 404
