"""Help documents reach the roles and teams they are for, as safe HTML; the administrator's changes are audited."""

from __future__ import annotations

import pytest

from core import audit, directory, help_documents
from core.contracts import Rejected
from core.model import User
from core.schemas import Invalid
from tests.core.conftest import Centre

pytestmark = pytest.mark.feature("D-14")


@pytest.fixture
def people(centre: Centre) -> tuple[User, User]:
    directory.ensure_roles()
    directory.add_team("second", "Second line", "Вторая линия")
    agent = directory.add_user("agent", "Agent", roles=["agent"], teams=["second"])
    editor = directory.add_user("editor", "Editor", roles=["editor"])
    return agent, editor


def add(title: str, **values: object) -> int:
    return help_documents.save(None, {"title_en": title, "title_ru": title, "text_ru": "Текст", **values}).id


def test_documents_are_for_roles_and_teams_in_their_order(people: tuple[User, User]) -> None:
    agent, editor = people
    add("all", position=5)
    add("agents", role="agent", position=1)
    add("first", team="first")
    add("second", team="second", role="agent", position=9)
    add("off", active=False)
    assert [row.title_en for row in help_documents.for_user(agent)] == ["agents", "all", "second"]
    assert [row.title_en for row in help_documents.for_user(editor)] == ["all"]


def test_a_document_is_changed_and_removed_under_audit(people: tuple[User, User]) -> None:
    document = add("one")
    help_documents.save(document, {"title_en": "two", "title_ru": "два", "url": "https://example.org/x"})
    help_documents.remove(document)
    assert [entry.action for entry in audit.entries(object_type="help")] == ["help.remove", "help.change", "help.add"]
    with pytest.raises(Rejected) as refused:
        help_documents.remove(document)
    assert refused.value.code == "not-found"


WRONG = (
    ({"title_en": ""}, "title_en"), ({"url": "javascript:alert(1)"}, "url"), ({"url": "//evil.example"}, "url"), ({"text_ru": ""}, "text_ru"),
    ({"title_ru": "т" * 161}, "title_ru"), ({"position": "many"}, "position"),
)  # fmt: skip


def test_a_wrong_document_is_refused_by_field(people: tuple[User, User]) -> None:
    for values, field in WRONG:
        with pytest.raises(Invalid) as refused:
            help_documents.save(None, {"title_en": "x", "title_ru": "x", "text_ru": "x", **values})
        assert field in refused.value.errors


def test_a_role_that_does_not_exist_is_named(people: tuple[User, User]) -> None:
    with pytest.raises(Rejected, match="role «ghost»"):
        add("x", role="ghost")


def test_markdown_is_drawn_and_nothing_in_it_runs(people: tuple[User, User]) -> None:
    text = "# Вход\n\n- раз\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n<script>alert(1)</script>[x](javascript:alert(2)) [y](https://example.org)"
    html = help_documents.to_html(help_documents.get(add("x", text_ru=text)), "en")
    assert "<h1>Вход</h1>" in html and "<li>раз</li>" in html and "<td>1</td>" in html
    assert "<script" not in html and 'href="javascript' not in html
    assert 'target="_blank"' in html and "noopener" in html
