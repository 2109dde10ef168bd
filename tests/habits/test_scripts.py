"""The repository's own tools: front-end libraries, the table of features, translations, constraints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scripts import constraints, features, translations, vendor
from tests.support.places import ROOT

SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="24" viewBox="0 0 24 24" fill="none" stroke="currentColor">
<path stroke="none" d="M0 0h24v24H0z" fill="none"/><path d="M5 4h4"/></svg>"""
FACE = "/* inter-{0}-wght-normal */\n@font-face {{ src: url(./files/inter-{0}-wght-normal.woff2) }}\n"
BUNDLER = """#!/bin/sh
for option; do case $option in
--outfile=*) echo 'bundled();' > "${option#*=}";;
--metafile=*) echo '{"inputs": {"node_modules/prosemirror-view/dist/index.js": {}}}' > "${option#*=}";;
esac; done
"""


@pytest.fixture
def node_modules(tmp_path: Path) -> Path:
    """A folder as npm leaves it, with the libraries that Okno takes from it."""
    root = tmp_path / "node_modules"
    files = {
        f"{name}/{source}": "code();\n//# sourceMappingURL=x.map\n"
        for name, taken in vendor.LIBRARIES.items()
        for source in taken
    }
    files |= {f"@tabler/icons/icons/outline/{name}.svg": SVG for name in ("mail", "phone")}
    files["@tabler/icons/icons/filled/star.svg"] = SVG
    subsets = [*vendor.FONT_SUBSETS, "greek"]
    files["@fontsource-variable/inter/wght.css"] = "".join(FACE.format(subset) for subset in subsets)
    files |= {f"@fontsource-variable/inter/files/inter-{subset}-wght-normal.woff2": subset for subset in subsets}
    for name in [*vendor.LIBRARIES, vendor.ICON_PACKAGE, vendor.FONT_PACKAGE]:
        files[f"{name}/package.json"] = json.dumps({"version": "1.2.3", "license": "MIT"})
        files[f"{name}/LICENSE"] = "terms"
    files["@esbuild/here/bin/esbuild"] = BUNDLER
    files["prosemirror-view/package.json"] = json.dumps({"version": "1.42.9", "license": "MIT"})
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    (root / "@esbuild/here/bin/esbuild").chmod(0o755)
    return root


def write_icons(tmp_path: Path, *names: str) -> Path:
    path = tmp_path / "icons.txt"
    path.write_text("# wanted\n\n" + "\n".join(names) + "\n", encoding="utf-8")
    return path


def test_vendor_copies_libraries_icons_and_fonts_and_writes_their_versions(node_modules: Path, tmp_path: Path) -> None:
    target = tmp_path / "static/vendor"
    vendor.vendor(node_modules, write_icons(tmp_path, "phone", "mail", "star-filled"), target)
    versions = json.loads((target / "VERSIONS.json").read_text())
    assert versions["htmx.org"] == {
        "version": "1.2.3", "license": "MIT", "files": ["htmx.min.js", "licenses/htmx.org-LICENSE.txt"],
    }  # fmt: skip
    assert all((target / file).is_file() for entry in versions.values() for file in entry["files"])
    # A package of several bundles is named once, with all of them.
    assert versions["prosemirror-view"]["files"] == sorted(vendor.BUNDLES)
    assert (target / "tiptap.js").read_text() == "bundled();\n"
    assert "sourceMappingURL" not in (target / "squire.mjs").read_text()
    assert sorted(path.name for path in (target / "fonts").iterdir()) == sorted(
        f"inter-{subset}-wght-normal.woff2" for subset in vendor.FONT_SUBSETS
    )
    assert "./fonts/inter-cyrillic-wght" in (target / "inter.css").read_text()


def test_the_sprite_has_one_symbol_an_icon_without_the_empty_frame(node_modules: Path, tmp_path: Path) -> None:
    icons = vendor.Package.find(node_modules, vendor.ICON_PACKAGE)
    sprite = vendor.build_sprite(icons, ["phone", "mail", "phone", "star-filled"])
    assert sprite.count("<symbol") == 3
    assert 'id="icon-star-filled"' in sprite
    assert "M0 0h24v24H0z" not in sprite
    assert sprite.count('stroke="currentColor"') == 3


@pytest.mark.parametrize(
    ("icon", "removed", "told"),
    [
        ("no-such-icon", None, "icons/outline/no-such-icon.svg"),
        ("mail", "htmx.org/package.json", "htmx.org is not installed"),
        ("mail", "@esbuild/here/bin/esbuild", "esbuild is not installed"),
        ("mail", "dompurify/dist/purify.es.mjs", "dompurify has no dist/purify.es.mjs"),
    ],
)
def test_vendor_says_what_is_missing_and_leaves_the_old_folder_whole(
    node_modules: Path, tmp_path: Path, icon: str, removed: str | None, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "vendor"
    target.mkdir()
    (target / "old.js").write_text("old")
    if removed:
        (node_modules / removed).unlink()
    options = [
        "--node-modules",
        str(node_modules),
        "--target",
        str(target),
        "--icons",
        str(write_icons(tmp_path, icon)),
    ]
    assert vendor.main(options) == 1
    assert told in capsys.readouterr().err
    assert (target / "old.js").is_file()


def test_the_icon_list_names_each_icon_once_in_order() -> None:
    names = vendor.read_icon_names(ROOT / "core/web/icons.txt")
    assert names == sorted(set(names))


@pytest.fixture
def feature_files(tmp_path: Path) -> list[str]:
    """The arguments of the features tool for two rows, E-01 proved and E-02 failing."""
    (tmp_path / "rows.md").write_text(
        "## E. Email\n| id | c |\n| --- | --- |\n| E-01 | Receives. |\n| E-02 | Sends. |\n"
    )
    tests = [{"test": "t::a", "features": ["E-01"], "outcome": "passed"}]
    tests += [{"test": "t::b", "features": ["E-01", "E-02"], "outcome": "passed"}]
    tests += [{"test": "t::c", "features": ["E-02"], "outcome": "failed"}]
    (tmp_path / "record.json").write_text(json.dumps({"tests": tests}))
    (tmp_path / "done").write_text("# none\n")
    names = {"--rows": "rows.md", "--record": "record.json", "--done": "done"}
    return [part for option, name in names.items() for part in (option, str(tmp_path / name))]


def test_features_prints_each_row_with_its_tests(feature_files: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert features.main(feature_files) == 0
    printed = capsys.readouterr().out
    assert "E-01   proved" in printed
    assert "E-02   failing" in printed
    assert "passed   t::a" in printed
    assert "1 of 2 rows have passing tests" in printed


@pytest.mark.parametrize(("done", "code"), [("E-01\n", 0), ("E-02\n", 1), ("E-01\nE-09  # unknown\n", 1)])
def test_features_fails_when_a_done_row_is_not_proved(
    feature_files: list[str], tmp_path: Path, done: str, code: int
) -> None:
    (tmp_path / "done").write_text(done)
    assert features.main(feature_files) == code


def test_features_without_a_record_says_what_to_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert features.main(["--record", str(tmp_path / "none.json")]) == 2
    assert "make test" in capsys.readouterr().err


def test_every_row_that_is_listed_as_done_exists() -> None:
    known = {row.id for row in features.read_rows(ROOT / "docs/features.md")}
    assert set(features.read_done(ROOT / "docs/features.done")) <= known
    assert len(known) > 100


def test_translations_compile_only_what_changed(tmp_path: Path) -> None:
    source = tmp_path / "core/translations/ru/LC_MESSAGES/messages.po"
    source.parent.mkdir(parents=True)
    source.write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\nmsgid "Case"\nmsgstr "Запрос"\n'
    )
    assert translations.compile_all(tmp_path) == [source.with_suffix(".mo")]
    assert translations.compile_all(tmp_path) == []


def test_constraints_follow_what_the_requirements_bring_along() -> None:
    versions, absent = constraints.closure(constraints.declared(ROOT / "setup.cfg"))
    assert absent == []
    assert versions["Whoosh"] == "2.7.4"
    assert {"Werkzeug", "psycopg-binary"} <= set(versions)
