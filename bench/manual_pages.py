"""Plain text of the manual pages a Debian system has: real technical prose, Russian too."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from pathlib import Path

PAGES = Path("/usr/share/man")
ENGLISH_PAGES = 600
_COMMENT = re.compile(r"^[.']\s*\\\".*$", re.MULTILINE)
_REQUEST = re.compile(
    r"^[.'](?:TH|Dd|Dt|Os|if|ie|el|ds|de|nr|so|pc|ft|ad|hy|nh|in|ti|ta|SH|SS|TP|TQ|HP).*$", re.MULTILINE
)
_MACRO = re.compile(r"^[.'][A-Za-z]*\s?", re.MULTILINE)
_FONT = re.compile(r"\\f(?:\[[A-Z]*\]|\([A-Z]{2}|.)|\\[|&^/,c]|\\s[+-]?\d")
_DASH = re.compile(r"\\(?:\(en|\(em|-)")
_OTHER = re.compile(r"\\(?:\(..|\[[^\]]*\]|\*\(..|\*.|.)")


def russian_pages() -> Iterator[str]:
    """Every Russian page, in a fixed order."""
    for path in sorted((PAGES / "ru").glob("man*/*.gz")):
        yield _text_of(path)


def english_pages() -> Iterator[str]:
    """The first English pages on commands and on the system."""
    found = [path for section in ("man1", "man8", "man5") for path in sorted((PAGES / section).glob("*.gz"))]
    for path in found[:ENGLISH_PAGES]:
        yield _text_of(path)


def _text_of(path: Path) -> str:
    """A page without the marks of troff, paragraphs kept apart; "" for a link that leads nowhere."""
    try:
        with gzip.open(path, "rt", encoding="utf-8", errors="replace") as file:
            source = file.read(200_000)
    except OSError:
        return ""
    text = _MACRO.sub("", _REQUEST.sub("\n", _COMMENT.sub("", source)))
    text = _OTHER.sub(" ", _DASH.sub("-", _FONT.sub("", text))).replace('"', "")
    paragraphs = re.split(r"\n\s*\n", text)
    return "\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)
