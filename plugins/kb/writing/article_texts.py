"""How the texts of articles are made clean before they are kept: lines, words, sections."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from core.contracts import Rejected, Text
from plugins.kb import markup

TITLE_MOST, SECTION_TITLE_MOST, TAG_MOST, SECTIONS_MOST = 300, 120, 80, 20
LANGUAGES = ("ru", "en")
SLUG = re.compile(r"[a-z0-9]+(?:[-_][a-z0-9]+)*")
SECTION_KEYS = {
    "общее решение": "solution",
    "general solution": "solution",
    "почтовый ответ": "reply",
    "email reply": "reply",
    "для экспертов": "experts",
    "for experts": "experts",
}
SECTION_TITLES = {
    "solution": Text("General solution", "Общее решение"),
    "reply": Text("Email reply", "Почтовый ответ"),
    "experts": Text("For experts", "Для экспертов"),
}


def one_line(value: Any) -> str:
    """``value`` as text with white space collapsed; control characters go."""
    return " ".join("".join(character if character.isprintable() else " " for character in str(value)).split())


def many_lines(value: Any) -> str:
    """``value`` as text with plain line ends, without outer blank lines and what data bases refuse."""
    return str(value).replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "").strip()


def folded(text: str) -> str:
    """What makes two titles or tags the same: case, «ё» and white space do not count."""
    return one_line(text).casefold().replace("ё", "е")


def words(values: Iterable[Any]) -> list[str]:
    """A list of short texts without empty ones and repeats, in order."""
    found: dict[str, str] = {}
    for value in values:
        if text := one_line(value)[:TAG_MOST].strip():
            found.setdefault(folded(text), text)
    return list(found.values())


def title(value: Any) -> str:
    """A title of one line. Raises ``Rejected``: ``title-empty``, ``title-long``."""
    text = one_line(value)
    if not text:
        raise Rejected(Text("The article needs a title", "У статьи должно быть название"), "title-empty")
    if len(text) > TITLE_MOST:
        raise Rejected(
            Text(f"The title is longer than {TITLE_MOST} characters", f"Название длиннее {TITLE_MOST} знаков"),
            "title-long",
        )
    return text


def sections(given: Iterable[Mapping[str, Any]], language: str) -> list[dict[str, Any]]:
    """Checked sections in order; Markdown is rendered, HTML sanitised, empty ones left out. Raises ``Rejected``."""
    result: list[dict[str, Any]] = []
    taken: set[str] = set()
    for item in given:
        source = None if item.get("markdown") is None else many_lines(item["markdown"])
        html = markup.from_markdown(source) if source is not None else markup.sanitise(many_lines(item.get("html", "")))
        if not html or html == "<p></p>":
            continue
        name = one_line(item.get("title", ""))[:SECTION_TITLE_MOST].strip() or SECTION_TITLES["solution"].to(language)
        key = str(item.get("key") or section_key(name, len(result)))[:40]
        if key in taken:
            raise Rejected(
                Text(f"Two sections are called «{name}»", f"Две части статьи называются «{name}»"), "section-twice"
            )
        taken.add(key)
        result.append({"key": key, "title": name, "html": html, "markdown": source})
    if len(result) > SECTIONS_MOST:
        raise Rejected(Text(f"At most {SECTIONS_MOST} sections", f"Не больше {SECTIONS_MOST} частей"), "sections-many")
    return result


def section_key(name: str, index: int) -> str:
    """The key of a section that names none: a known one by its title, else its place."""
    return SECTION_KEYS.get(name.casefold(), f"part-{index + 1}")
