"""Who asks, for which case: what every view of the panel begins with."""

from __future__ import annotations

from flask import abort, request

from core.contracts import VariableContext
from core.model import User
from core.permissions import allowed
from core.web import desk_queries
from core.web.auth import current_user
from plugins.kb import reading
from plugins.kb.models import Article
from plugins.kb.reading import Focus
from plugins.kb.use import usage


def viewer() -> User:
    """The user of this request; ``@require`` has made sure that there is one."""
    user = current_user()
    if user is None:
        abort(401)
    return user


def asked_id(name: str) -> int | None:
    """A positive number of the request, None for anything else."""
    value = request.values.get(name, "")
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 10 else None


def focus() -> Focus:
    """The case in focus, if the viewer may see it."""
    found = reading.focus_of(asked_id("case_id"), asked_id("interaction_id"))
    if found.case is not None and not desk_queries.may_see(viewer(), found.case):
        return Focus()
    return found


def context(about: Focus) -> VariableContext:
    """What variables draw on for ``about``."""
    case_id, interaction_id = (row.id if row else None for row in (about.case, about.interaction))
    return usage.context_of(viewer().id, case_id, interaction_id)


def seen_article(number: int) -> Article:
    """The article, or 404; one that isn't published only for editors."""
    row = reading.by_number(number)
    if row is None or not allowed(viewer(), "kb.view", article_id=row.id):
        abort(404)
    return row
