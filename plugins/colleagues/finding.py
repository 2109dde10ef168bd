"""Search in chats by stems: a post's terms are written with it, so that what was said is found at once, and only by who may.

Answers in the core's search contract, with the core's analyser and highlighter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flask import abort
from sqlalchemy import ColumnElement, Select, insert, or_, select

from core.contracts import SearchHit, SearchQuery, SearchResult
from core.db import db
from core.search import analysis
from core.search.highlight import Highlighter
from core.web.auth import current_user
from plugins.colleagues.models import Member, Post, PostFile, Term

KIND = "colleagues"
MOST_TERMS = 8
SHORTEST_PREFIX = 2


def keep(post: Post, names: Iterable[str] = ()) -> None:
    """Write the terms of a post and of its files' names, in the open transaction."""
    found = {token.term for text in (post.text, *names) for token in analysis.tokens(text)}
    rows = [{"term": term, "room_id": post.room_id, "post_id": post.id} for term in sorted(found)]
    if rows:
        db.session.execute(insert(Term), rows)


def find(user_id: int, query: SearchQuery, room_id: int | None = None) -> SearchResult:
    """Posts of the user's rooms with all the words, the newest first; ``prefix``: the last word may be unfinished."""
    asked = list(dict.fromkeys(analysis.terms(query.text)))[:MOST_TERMS]
    if not asked:
        return SearchResult((), 0)
    begun = asked[-1] if query.prefix and len(asked[-1]) >= SHORTEST_PREFIX else ""
    mine = select(Member.room_id).where(Member.user_id == user_id)
    conditions = [_has(term, term == begun, mine) for term in asked]
    statement = (
        select(Post)
        .join(Member, Member.room_id == Post.room_id)
        .where(Member.user_id == user_id, or_(Member.gone == "", Post.id <= Member.sees_up_to), *conditions)
        .order_by(Post.id.desc())
        .limit(query.limit)
        .offset(query.offset)
    )
    if room_id is not None:
        statement = statement.where(Post.room_id == room_id)
    posts = list(db.session.scalars(statement))
    names = _file_names(posts)
    hits = tuple(_hit(post, asked, begun, names.get(post.id, "")) for post in posts)
    return SearchResult(hits, len(hits), terms=tuple(asked))


def _has(term: str, begun: bool, rooms: Select[Any]) -> ColumnElement[bool]:
    # Not a correlated look at each post: the time goes by what is found, not by all that was ever said.
    fits = Term.term.startswith(term, autoescape=True) if begun else Term.term == term
    return Post.id.in_(select(Term.post_id).where(fits, Term.room_id.in_(rooms)))


def _file_names(posts: Sequence[Post]) -> dict[int, str]:
    query = select(PostFile.post_id, PostFile.name).where(PostFile.post_id.in_([post.id for post in posts]))
    found: dict[int, str] = {}
    for row in db.session.execute(query.order_by(PostFile.id)):
        found[row.post_id] = f"{found.get(row.post_id, '')} {row.name}".strip()
    return found


def _hit(post: Post, asked: Sequence[str], begun: str, names: str) -> SearchHit:
    text = f"{post.text} {names}".strip()
    terms = set(asked)
    if begun:
        terms |= {token.term for token in analysis.tokens(text) if token.term.startswith(begun)}
    return SearchHit(f"{KIND}:{post.id}", KIND, 1.0, Highlighter(terms).snippet(text), "")


def search(query: SearchQuery) -> SearchResult:
    """The chats of whoever asks, for the desk's search box and ``GET /api/v1/search``."""
    user = current_user()
    if user is None:
        abort(401)
    return find(user.id, query)
