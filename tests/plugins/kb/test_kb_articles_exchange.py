"""Articles as files: reading, writing, and both ways without loss."""

from __future__ import annotations

import shutil
import string
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from plugins.kb.exchange.article_file import ArticleFileError, read, write
from tests.support.places import ROOT

DEMO = ROOT / "plugins/kb/demo"


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"core.plugins": ["kb"]}


def known(db: Any) -> list[Any]:
    """Everything that an article says, for comparing."""
    from plugins.kb.exchange.folder_exchange import head_of
    from plugins.kb.models import Article

    rows = db.session.scalars(db.select(Article).order_by(Article.number))
    return [(head_of(row), row.slug, row.folder.slug, row.folder.title_ru, row.sections) for row in rows]


@pytest.mark.feature("K-11")
def test_the_demo_goes_in_out_and_in_again_without_loss(db: Any, tmp_path: Path) -> None:
    from plugins.kb.exchange.folder_exchange import load_folder, save_to_folder

    first = load_folder(DEMO)
    assert (first.created, first.errors) == (len(list(DEMO.rglob("*.md"))), [])
    before = known(db)
    assert save_to_folder(tmp_path / "out") == first.created
    again = load_folder(tmp_path / "out")
    assert (again.created, again.updated, again.unchanged) == (0, 0, first.created)
    assert known(db) == before


def test_a_change_in_a_file_updates_that_article_only(db: Any, tmp_path: Path) -> None:
    from plugins.kb.exchange.folder_exchange import load_folder

    shutil.copytree(DEMO / "en/billing", tmp_path / "billing")
    load_folder(tmp_path)
    path = next((tmp_path / "billing").glob("5203*"))
    path.write_text(path.read_text().replace("- dunning", "- reminder"))
    outcome = load_folder(tmp_path)
    assert (outcome.created, outcome.updated, outcome.unchanged) == (0, 1, 3)


BAD = {
    "no-front.md": ("text only", "", "front matter"),
    "no-end.md": ("---\ntitle: x\n", "", "no end"),
    "not-yaml.md": ("---\ntitle: [x\n---\n", "", "not YAML"),
    "list.md": ("---\n- x\n---\n", "", "name: value"),
    "no-title.md": ("---\nnumber: 5\n---\n", "title", "missing"),
    "number.md": ("---\ntitle: a\nnumber: five\n---\n", "number", "whole number"),
    "keywords.md": ("---\ntitle: b\nkeywords: x\n---\n", "keywords", "list"),
    "public.md": ("---\ntitle: c\npublic: 1\n---\n", "public", "true or false"),
    "language.md": ("---\ntitle: d\nlanguage: fr\n---\n", "language", "ru or en"),
    "status.md": ("---\ntitle: e\nstatus: lost\n---\n", "status", "one of"),
}


def test_bad_files_are_named_with_their_field_and_the_good_one_goes_in(db: Any, tmp_path: Path) -> None:
    from plugins.kb.exchange.folder_exchange import load_folder

    folder = tmp_path / "mixed"
    folder.mkdir()
    for name, (text, _, _) in BAD.items():
        (folder / name).write_text(text)
    (folder / "latin.md").write_bytes(b"---\ntitle: \xff\n---\n")
    (folder / "good.md").write_text("---\ntitle: Good\nnumber: 7\n---\n\nText\n")
    outcome = load_folder(tmp_path)
    assert outcome.created == 1
    told = {row["file"].removeprefix("mixed/"): row for row in outcome.errors}
    assert set(told) == {*BAD, "latin.md"}
    for name, (_, field, reason) in BAD.items():
        assert told[name]["field"] == field and reason in told[name]["error"], told[name]
    assert known(db)[0][4] == [{"key": "solution", "title": "Общее решение", "html": "<p>Text</p>", "markdown": "Text"}]


@pytest.mark.parametrize("where", ["nowhere", "empty"])
def test_a_folder_without_articles_is_refused_in_a_sentence(db: Any, tmp_path: Path, where: str) -> None:
    from plugins.kb.exchange.folder_exchange import BadFolder, load_folder

    (tmp_path / "empty").mkdir()
    with pytest.raises(BadFolder, match=where):
        load_folder(tmp_path / where)


LINES = st.sampled_from(
    [
        "",
        "Текст",
        "## not a section",
        " ## moved",
        "##",
        "<!-- html -->",
        " <!-- html -->",
        "---",
        "- пункт",
        "| a | b |",
        "```",
        "    код",
        "$(from.name)",
        "# x",
        "ё{#key}",
    ]
)
LINE = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp"), exclude_characters="\r\n"), max_size=40)
BODY = st.lists(st.one_of(LINES, LINE), min_size=1, max_size=8).map("\n".join)
WORDS = st.text(string.ascii_letters + "абвЁё0123456789 -:'\"#{}[]&*!|>%@`№", min_size=1, max_size=30)
KEY = st.one_of(st.none(), st.from_regex(r"[a-z0-9][a-z0-9_-]{0,10}", fullmatch=True))
SECTION = st.tuples(st.one_of(WORDS, st.just("Общее решение")), KEY, BODY, st.booleans())
HEAD = st.fixed_dictionaries(
    {
        "title": WORDS.filter(str.strip),
        "question": BODY,
        "notes": BODY,
        "keywords": st.lists(WORDS, max_size=4),
        "tags": st.lists(WORDS, max_size=4),
        "products": st.lists(WORDS, max_size=2),
        "language": st.sampled_from(["ru", "en"]),
        "public": st.booleans(),
    }
)


@pytest.mark.feature("K-11")
@hypothesis_settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(HEAD, st.lists(SECTION, max_size=4, unique_by=lambda section: section[1] or section[0].casefold()))
def test_any_article_written_and_read_again_is_the_same(
    head: dict[str, Any], parts: list[tuple[str, str | None, str, bool]]
) -> None:
    from core.contracts import Rejected
    from plugins.kb.writing.operations import many_lines, one_line, sections, words

    given_parts = [
        {"title": title, "key": key, ("markdown" if plain else "html"): body} for title, key, body, plain in parts
    ]
    try:
        kept = sections(given_parts, head["language"])
    except Rejected:
        return
    clean = {name: words(head[name]) for name in ("keywords", "tags", "products")}
    clean |= {name: many_lines(head[name]) for name in ("question", "notes")}
    clean |= {"title": one_line(head["title"]), "language": head["language"], "public": head["public"]}
    again = read(write({"number": 5, **clean}, kept))
    for name, value in clean.items():
        assert again.fields.get(name, type(value)()) == value, name
    assert sections(again.fields["sections"], head["language"]) == kept


def test_a_file_from_windows_is_read() -> None:
    found = read("\ufeff---\r\ntitle: Икс\r\n---\r\n\r\n## Общее решение\r\n\r\nТекст\r\n")
    assert found.fields["title"] == "Икс"
    assert found.fields["sections"] == [{"key": "solution", "title": "Общее решение", "markdown": "Текст"}]


def test_yaml_that_would_run_code_is_refused() -> None:
    with pytest.raises(ArticleFileError):
        read("---\ntitle: !!python/object/apply:os.system [ls]\n---\n")
