"""Templates are compiled once for a home folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask, render_template
from jinja2 import Environment

from core.app import create_app
from core.web.kept_templates import FOLDER


def made(home: Path) -> Flask:
    return create_app(home, {"core.plugins": []}, check_schema=False)


def page(home: Path) -> str:
    with made(home).test_request_context():
        return render_template("macros.html")


@pytest.fixture
def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """The names of templates that are compiled."""
    names: list[str | None] = []
    compile_ = Environment._generate

    def watched(self, source, name, *arguments, **options):  # type: ignore[no-untyped-def]
        names.append(name)
        return compile_(self, source, name, *arguments, **options)

    monkeypatch.setattr(Environment, "_generate", watched)
    return names


def test_the_next_start_compiles_nothing_anew(home: Path, compiled: list[str | None]) -> None:
    first = page(home)
    assert compiled
    compiled.clear()
    assert page(home) == first
    assert compiled == []


@pytest.mark.parametrize("damage", [b"", b"\0" * 40, None])
def test_a_damaged_file_is_written_anew(home: Path, compiled: list[str | None], damage: bytes | None) -> None:
    first = page(home)
    compiled.clear()
    for file in (home / FOLDER).iterdir():
        file.write_bytes(file.read_bytes()[:20] if damage is None else damage)
    assert page(home) == first
    assert compiled
    compiled.clear()
    assert page(home) == first
    assert compiled == []


def test_a_folder_that_cannot_be_written_to_costs_no_page(home: Path) -> None:
    (home / "cache").write_text("in the way")
    assert page(home) == page(home)
