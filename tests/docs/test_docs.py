"""Texts that describe the code, held against it: links, commands, settings, the generated pages."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path

import pytest

from cli import main
from core import reference
from core.commands.docs import fresh_pages
from core.hookspecs import FAMILIES
from tests.support.places import ROOT

PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")])
WRITTEN = [page for page in PAGES if page.name not in ("features.md", "dependencies.md")]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(okno [^`]+)`")
SETTING = re.compile(r"`((?:api|webhooks|core|web|routing|search|events|log|email|kb|sla|chat|voice)\.[a-z_]+)`")
VARIABLE = re.compile(r"\bOKNO_[A-Z_]+\b")


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@cache
def fresh() -> dict[str, str]:
    return fresh_pages(main)


@cache
def commands() -> frozenset[str]:
    """Every command with all plugins enabled, as the generated page lists them."""
    return frozenset(re.findall(r"^## `(okno[^`]*)`$", fresh()["cli.md"], re.MULTILINE))


@cache
def options() -> dict[str, str]:
    """Command to its help."""
    parts = re.split(r"^## `(okno[^`]*)`$", fresh()["cli.md"], flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@cache
def settings() -> frozenset[str]:
    return frozenset(re.findall(r"^\| `([a-z_.]+)`", fresh()["settings.md"], re.MULTILINE))


def named_commands(page: Path) -> set[str]:
    """The lines beginning with ``okno`` in shell blocks, and the inline ones."""
    text = page.read_text("utf-8")
    lines = [line for kind, block in BLOCK.findall(text) if kind == "sh" for line in block.splitlines()]
    lines += INLINE.findall(BLOCK.sub("", text))
    found = set()
    for line in lines:
        bare = re.sub(r"^(?:[A-Z_]+=\S+ +)*(?:\.venv/bin/|/opt/okno/\.venv/bin/)?", "", line.strip())
        if bare.startswith("okno "):
            found.add(bare)
    return found


def resolve(line: str) -> tuple[str, list[str]]:
    """The longest command that ``line`` begins with, and the options it is given."""
    words = shlex.split(line, comments=True)
    if "--home" in words:
        at = words.index("--home")
        del words[at : at + 2]
    path = "okno"
    for word in words[1:]:
        if f"{path} {word}" not in commands():
            break
        path = f"{path} {word}"
    return path, [word for word in words if word.startswith("--")]


def headings(page: Path) -> set[str]:
    """The anchors of a page as code hosts make them."""
    lines = re.findall(r"^#+ (.+)$", BLOCK.sub("", page.read_text("utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_relative_link_leads_somewhere(page):
    broken = []
    for target in LINK.findall(page.read_text("utf-8")):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in headings(file)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_every_command_named_exists_with_its_options(page):
    wrong = []
    for line in sorted(named_commands(page)):
        path, given = resolve(line)
        unknown = [option for option in given if option.split("=")[0] not in options()[path] and option != "--home"]
        rest = shlex.split(line, comments=True)[1:]
        if (path == "okno" and rest and not rest[0].startswith("-")) or unknown:
            wrong.append(line)
    assert wrong == []


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_every_setting_named_is_declared(page):
    text = page.read_text("utf-8")
    tables = [block for kind, block in BLOCK.findall(text) if kind == "toml"]
    named = set(SETTING.findall(text))
    for block in tables:
        section = ""
        for line in block.splitlines():
            if match := re.match(r"\[([a-z]+)\]$", line.strip()):
                section = match[1]
            elif section and (match := re.match(r"([a-z_]+) *=", line)):
                named.add(f"{section}.{match[1]}")
    sections = {key.split(".")[0] for key in settings()}
    modules = {f"core.{path.stem}" for path in (ROOT / "core").iterdir()}
    assert {key for key in named if key.split(".")[0] in sections} - settings() - modules - {"project.name"} == set()


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_every_variable_named_is_read(page):
    known = {"OKNO_" + key.replace(".", "_").upper() for key in settings()} | {"OKNO_HOME", "OKNO_TRACE_HOOKS"}
    assert set(VARIABLE.findall(page.read_text("utf-8"))) - known == set()


def test_every_hook_named_in_the_pages_exists():
    hooks = {hook for family in FAMILIES for hook in vars(family)}
    pattern = re.compile(r"`((?:register|collect|choose|before|during|after|check)_[a-z_]+)`")
    named = {hook for page in WRITTEN for hook in pattern.findall(page.read_text("utf-8"))}
    # `before_commit` is a call of core/db.py.
    assert named - hooks - {"before_commit"} == set()


def test_every_file_of_the_sources_named_in_the_pages_exists():
    pattern = re.compile(r"`((?:core|plugins|tests|docs|bench|examples)/[\w./-]+)`")
    made = ("core/web/static/vendor",)
    named = {path for page in WRITTEN for path in pattern.findall(page.read_text("utf-8")) if path not in made}
    assert sorted(path for path in named if not (ROOT / path).exists()) == []


def test_the_generated_pages_are_fresh():
    assert reference.stale(ROOT, fresh()) == [], "run  okno docs --write"


def test_the_generated_pages_hold_all_shipped_plugins():
    for plugin in ("kb", "email", "sla", "chat", "voice"):
        assert any(key.startswith(f"{plugin}.") for key in settings()), plugin
    assert {"okno kb reindex", "okno email poll", "okno sla recompute", "okno voice test-call"} <= commands()


def test_the_command_names_stale_pages_and_writes_them(tmp_path):
    from click.testing import CliRunner

    runner = CliRunner()
    first = runner.invoke(main, ["docs", "--root", str(tmp_path)])
    assert first.exit_code == 1
    assert "cli.md" in first.output
    assert runner.invoke(main, ["docs", "--root", str(tmp_path), "--write"]).exit_code == 0
    second = runner.invoke(main, ["docs", "--root", str(tmp_path)])
    assert (second.exit_code, second.output.strip()) == (0, "all are fresh")
