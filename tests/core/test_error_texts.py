"""The catalogue of errors: whatever an operation is refused with is explained, in both languages, and shown."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from flask import Flask

from core import error_texts
from core.config import SHIPPED
from tests.support.applications import Settings
from tests.support.places import ROOT

# The code of a value that is refused in words of its own, made by a form.
WITHOUT = {"rejected"}


def refusals(path: Path) -> list[tuple[str, int]]:
    """The codes that a module raises ``Rejected`` with, and their lines."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        name = getattr(node.func, "id", getattr(node.func, "attr", "")) if isinstance(node, ast.Call) else ""
        if name != "Rejected":
            continue
        assert isinstance(node, ast.Call)
        given = [*node.args[1:2], *(keyword.value for keyword in node.keywords if keyword.arg == "code")]
        found += [(value.value, node.lineno) for value in given if isinstance(value, ast.Constant)]
        if not given:
            found.append(("", node.lineno))
    return found


@pytest.fixture
def settings() -> Settings:
    return {"core.plugins": list(SHIPPED)}


@pytest.mark.feature("D-16")
def test_every_refusal_of_the_sources_has_its_text_cause_and_remedy(app: Flask) -> None:
    with app.app_context():
        known = {text.code for text in error_texts.everything()} | WITHOUT
    sources = [*(ROOT / "core").rglob("*.py"), *(ROOT / "plugins").rglob("*.py")]
    raised = {code: f"{path.relative_to(ROOT)}:{line}" for path in sources for code, line in refusals(path)}
    assert len(raised) > 60
    assert {code: place for code, place in raised.items() if code not in known} == {}


@pytest.mark.feature("D-16")
def test_texts_are_complete_in_both_languages_and_russian_is_russian(app: Flask) -> None:
    with app.app_context():
        for text in error_texts.everything():
            for part in (text.title, text.cause, text.remedy):
                assert part.en.strip() and part.ru.strip(), text.code
                assert any("а" <= letter <= "я" for letter in part.ru.lower()), text.code
                assert not any("а" <= letter <= "я" for letter in part.en.lower()), text.code


def test_a_file_that_lacks_a_part_is_refused_by_its_code(tmp_path: Path) -> None:
    file = tmp_path / "errors.yml"
    file.write_text("half: {en: [a, b, c], ru: [а, б]}", encoding="utf-8")
    with pytest.raises(ValueError, match="half"):
        error_texts.read(file)


@pytest.mark.parametrize(("language", "words"), [("ru", "Вернитесь назад"), ("en", "Go back")])
def test_an_error_page_says_what_to_do(app: Flask, language: str, words: str) -> None:
    answer = app.test_client().get("/nowhere", headers={"Accept-Language": language, "Accept": "text/html"})
    assert answer.status_code == 404
    assert words in answer.get_data(as_text=True)
