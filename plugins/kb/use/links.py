"""Articles that name each other by number: noted at each save, drawn as links, reported when they lead nowhere.

An article names another as ``kb:3347`` or by its page's address in a link, as «№ 3347», as «3347», as «(3347)», as «статья 3347»,
or by a number that stands alone in its line. Circles are fine: nothing here follows a link further than one step.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape

from flask_babel import gettext as _
from sqlalchemy import delete, select
from sqlalchemy.orm import joinedload

from core.clock import now
from core.db import db, transaction
from plugins.kb import markup
from plugins.kb.models import Article, Link

BATCH = 500
_HREF = re.compile(
    r'<a\b[^>]*?href="(?:kb:|(?:https?://[^"/]+)?/kb/articles/)(\d{1,9})(?:[?#][^"]*)?"[^>]*>', re.IGNORECASE
)
_ANCHOR = re.compile(_HREF.pattern + r"(.*?)</a>", re.DOTALL | re.IGNORECASE)
_PIECE = re.compile(r"(<[^>]*>)")
_SAID = re.compile(r"(№\s?|\bkb:)(\d{1,9})\b")
# Numbers without a sign are links only where an article has them: years and amounts look the same.
_GUESSED = re.compile(
    r"(?P<before>[«(]|\b(?:стать[а-яё]{1,3}|знани[а-яё]{1,3}|article|see|см\.)\s)(?P<number>\d{3,9})(?=[»)]|\b)",
    re.IGNORECASE,
)
_ALONE = re.compile(r"(?P<before>^\s*)(?P<number>\d{3,9})(?=\s*$)")
_CLOSED = frozenset(("a", "code", "pre"))


@dataclass(frozen=True, slots=True)
class Target:
    """An article that a text names, as much of it as a link shows."""

    number: int
    title: str
    status: str
    kind: str
    expired: bool

    @property
    def there(self) -> bool:
        """Whether agents can read it."""
        return self.status == "published" and not self.expired


# --- what a text names -------------------------------------------------------------------------------


def numbers_in(sections: Iterable[Mapping[str, str]]) -> set[int]:
    """All numbers that sections (with ``html``) may be naming; guesses among them."""
    return {number for section in sections for number in _said(section["html"]) | _guessed(section["html"])}


def _said(html: str) -> set[int]:
    found = {int(number) for number in _HREF.findall(html)}
    return found | {int(match.group(2)) for text in _texts(html) for match in _SAID.finditer(text)}


def _guessed(html: str) -> set[int]:
    patterns = (_GUESSED, _ALONE)
    return {int(match["number"]) for text in _texts(html) for each in patterns for match in each.finditer(text)}


def _texts(html: str) -> Iterable[str]:
    inside = 0
    for piece in _PIECE.split(html):
        if piece.startswith("<"):
            inside += _step(piece)
        elif not inside:
            yield piece


def _step(tag: str) -> int:
    name = tag[1:].lstrip("/").split(" ")[0].rstrip(">").lower()
    return 0 if name not in _CLOSED else -1 if tag.startswith("</") else 1


def targets(numbers: Iterable[int]) -> dict[int, Target]:
    """The articles with these numbers: one statement."""
    wanted = sorted({number for number in numbers if number < 1_000_000_000})
    if not wanted:
        return {}
    columns = (Article.number, Article.title, Article.status, Article.kind, Article.expires_at)
    rows = db.session.execute(select(*columns).where(Article.number.in_(wanted)))
    moment = now()
    return {
        row.number: Target(
            row.number, row.title, row.status, row.kind, row.expires_at is not None and row.expires_at <= moment
        )
        for row in rows
    }


# --- kept with the article ---------------------------------------------------------------------------


def note(article: Article) -> None:
    """Write down which articles this one names now; in the open transaction of its save.

    A guessed number counts only where there is such an article; a said one is kept though it leads nowhere.
    """
    said = {number for section in article.sections for number in _said(section["html"])}
    guessed = {number for section in article.sections for number in _guessed(section["html"])} - said
    wanted = (said | set(targets(guessed))) - {article.number}
    kept = set(db.session.scalars(select(Link.to_number).where(Link.from_id == article.id)))
    if gone := kept - wanted:
        old = delete(Link).where(Link.from_id == article.id, Link.to_number.in_(gone))
        db.session.execute(old.execution_options(synchronize_session=False))
    db.session.add_all(Link(from_id=article.id, to_number=number) for number in sorted(wanted - kept))


def note_all() -> int:
    """Write down the links of every article anew, in batches; returns how many articles there are."""
    last = count = 0
    while True:
        with transaction():
            rows = db.session.scalars(select(Article).where(Article.id > last).order_by(Article.id).limit(BATCH)).all()
            for article in rows:
                note(article)
            if not rows:
                return count
            last, count = rows[-1].id, count + len(rows)


# --- drawn -------------------------------------------------------------------------------------------


def linked(html: str, known: Mapping[int, Target]) -> str:
    """For agents: whatever names an article leads to its page; what leads nowhere says so. ``known``: see :func:`targets`."""
    result: list[str] = []
    inside = 0
    for piece in _PIECE.split(html):
        if piece.startswith("<"):
            inside += _step(piece)
            result.append(_opened(piece, known))
        elif inside:
            result.append(piece)
        else:
            result.append(_text_linked(piece, known))
    return "".join(result)


def _text_linked(text: str, known: Mapping[int, Target]) -> str:
    """A text with its numbers as links: said ones, and around them guessed ones."""
    drawn, last = [], 0
    for match in _SAID.finditer(text):
        drawn += [_guesses(text[last : match.start()], known), _said_link(match, known)]
        last = match.end()
    return "".join([*drawn, _guesses(text[last:], known)])


def _opened(tag: str, known: Mapping[int, Target]) -> str:
    """Links to articles lead to their pages; those out of the house open beside the desk."""
    if match := _HREF.fullmatch(tag):
        return _open_tag(int(match.group(1)), known)
    return re.sub(r'^<a href="(?=https?:)', '<a target="_blank" href="', tag)


def _open_tag(number: int, known: Mapping[int, Target]) -> str:
    target = known.get(number)
    mark = "" if target is not None and target.there else " kb-link-broken"
    title = "" if not mark else f' title="{escape(_("This article cannot be read"))}"'
    return f'<a class="kb-link{mark}" data-kb-article="{number}" href="/kb/articles/{number}"{title}>'


def _said_link(match: re.Match[str], known: Mapping[int, Target]) -> str:
    number = int(match.group(2))
    shown = match.group(0) if match.group(1) != "kb:" else f"№{number}"
    return f"{_open_tag(number, known)}{shown}</a>"


def _guesses(text: str, known: Mapping[int, Target]) -> str:
    def link(match: re.Match[str]) -> str:
        number = int(match["number"])
        if number not in known:
            return match.group(0)
        return f"{match['before']}{_open_tag(number, known)}{match['number']}</a>"

    return _ALONE.sub(link, text) if _ALONE.match(text) else _GUESSED.sub(link, text)


def unlinked(html: str) -> str:
    """For contacts: links between articles become their words."""
    return _ANCHOR.sub(lambda match: match.group(2), html)


# --- who leads where ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BrokenLink:
    """A link that its reader cannot follow; ``why`` is missing, draft, review, archived or expired."""

    article: Article
    to_number: int
    to_title: str
    why: str


def broken(limit: int = 500) -> list[BrokenLink]:
    """Links of published articles to what agents cannot read, and to what is gone: one statement, the source's number first."""
    target = db.aliased(Article)
    query = select(Article, Link.to_number, target.title, target.status)
    query = query.join(Link, Link.from_id == Article.id).outerjoin(target, target.number == Link.to_number)
    lost = target.id.is_(None) | (target.status != "published") | (target.expires_at <= now())
    query = query.where(Article.status == "published", lost).order_by(Article.number, Link.to_number).limit(limit)
    rows = db.session.execute(query.options(joinedload(Article.owner), joinedload(Article.updated_by)))
    return [BrokenLink(article, number, title or "", _why(title, status)) for article, number, title, status in rows]


def _why(title: str | None, status: str | None) -> str:
    if title is None or status is None:
        return "missing"
    return "expired" if status == "published" else status


def leading_to(number: int, limit: int = 50) -> list[Article]:
    """The published articles that name this one (на неё ссылаются)."""
    query = select(Article).join(Link, Link.from_id == Article.id)
    query = query.where(Link.to_number == number, Article.status == "published")
    return list(db.session.scalars(query.order_by(Article.number).limit(limit)))


def excerpt(article: Article, length: int = 280) -> str:
    """The first words of an article, for its preview."""
    text = " ".join(markup.plain(section["html"]) for section in article.sections[:1])
    text = " ".join(text.split())
    return text if len(text) <= length else text[:length].rsplit(" ", 1)[0] + "…"
