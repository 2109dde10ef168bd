"""«Использовать»: an article, or a part of it, filled in for the case in focus and counted."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select, update

from core import timeline, variables
from core.contracts import MessageInfo, Rejected, Text, VariableContext
from core.db import db, transaction
from core.model import Case, Interaction, Message
from plugins.kb import markup
from plugins.kb.models import Article, Use
from plugins.kb.use import links
from plugins.kb.writing.operations import find_article

REPLY = "reply"
ANSWER = "answer"


@dataclass(frozen=True, slots=True)
class Filled:
    """What goes into the reply. Variables that could not be filled stand in it as ``<span data-unfilled="name">``."""

    html: str
    unknown: tuple[str, ...]
    empty: tuple[str, ...]
    cursor: bool


def context_of(user_id: int, case_id: int | None, interaction_id: int | None) -> VariableContext:
    """What variables draw on: the interaction in focus, else the case."""
    interaction = db.session.get(Interaction, interaction_id) if interaction_id else None
    case = db.session.get(Case, interaction.case_id if interaction else case_id or 0)
    return VariableContext(
        user_id=user_id,
        case_id=case.id if case else None,
        interaction_id=interaction.id if interaction else None,
        contact_id=(interaction.contact_id if interaction else None) or (case.contact_id if case else None),
        service_id=interaction.service_id if interaction else (case.service_id if case else None),
    )


def fill(html: str, context: VariableContext) -> Filled:
    """``html`` of an article ready for a contact: variables filled in, links to other articles gone."""
    done = variables.fill(markup.for_contacts(links.unlinked(html)), context, html=True)
    return Filled(markup.unfilled_marked(done), done.unknown, done.empty, done.cursor)


def values(html: str, context: VariableContext) -> dict[str, str]:
    """What each variable in ``html`` becomes; "" for those that stay empty."""
    found: dict[str, str] = {}
    for name in variables.unfilled(html):
        filled = variables.fill(f"$({name})", context)
        found[name] = "" if filled.unknown or filled.empty else filled.text
    return found


def section_html(article: Article, key: str) -> str:
    """The HTML of one section; the first one for "". Raises ``Rejected``."""
    for section in article.sections:
        if not key or section["key"] == key:
            return str(section["html"])
    raise Rejected(Text("The article has no such section", "В статье нет такой части"), "section-unknown")


def use(article_id: int, context: VariableContext, *, section: str = "", selected: str | None = None) -> Filled:
    """Fill in a section, or the ``selected`` HTML of one, count the use and tie it to the case.

    ``section`` "answer" means the one written for contacts. Raises ``Rejected`` for what isn't there or isn't published.
    """
    if context.user_id is None:
        raise ValueError("a use belongs to somebody")
    with transaction():
        article = find_article(article_id)
        if article.status != "published":
            raise Rejected(Text("The article is not published", "Статья не опубликована"), "article-not-published")
        if section == ANSWER:
            section = reply_section(article)
        filled = fill(section_html(article, section) if selected is None else selected, context)
        if not markup.plain(filled.html) and not filled.cursor:
            raise Rejected(Text("There is nothing to insert", "Вставлять нечего"), "use-empty")
        count(article, context)
        return filled


def used_in(case_id: int, limit: int = 30) -> list[tuple[Article, int]]:
    """The articles used in a case with how often, the latest first: one statement."""
    last, times = func.max(Use.id), func.count()
    query = select(Article, times).join(Use, Use.article_id == Article.id).where(Use.case_id == case_id)
    rows = db.session.execute(query.group_by(Article.id).order_by(last.desc()).limit(limit))
    return [(article, count) for article, count in rows]


def times_used(case_id: int) -> list[tuple[int, int]]:
    """Ids of the articles used in a case with how often."""
    query = select(Use.article_id, func.count()).where(Use.case_id == case_id).group_by(Use.article_id)
    return [(article_id, times) for article_id, times in db.session.execute(query)]


def reply_section(article: Article) -> str:
    """The key of the section that is written for contacts: the reply, else the first."""
    keys = [str(section["key"]) for section in article.sections]
    return REPLY if REPLY in keys or not keys else keys[0]


def count(article: Article, context: VariableContext) -> None:
    """One more use, tied to what is in focus and told in the case's history. In the open transaction."""
    counted = update(Article).where(Article.id == article.id).values(uses=Article.uses + 1)
    db.session.execute(counted.execution_options(synchronize_session=False))
    db.session.expire(article, ["uses"])
    focus = {"case_id": context.case_id, "interaction_id": context.interaction_id}
    db.session.add(Use(article_id=article.id, user_id=context.user_id, **focus))
    if context.case_id is not None:
        timeline.write(
            context.case_id,
            "kb.used",
            actor_id=context.user_id,
            interaction_id=context.interaction_id,
            number=article.number,
            title_en=f"Article used: №{article.number} «{article.title}»",
            title_ru=f"Использована статья №{article.number} «{article.title}»",
        )


def tie_to_message(message: MessageInfo) -> None:
    """The reply is out: the author's uses for this interaction since the last one belong to it. In the open transaction."""
    author = select(Message.user_id).where(Message.id == message.id).scalar_subquery()
    waiting = update(Use).where(
        Use.interaction_id == message.interaction_id, Use.message_id.is_(None), Use.user_id == author
    )
    db.session.execute(waiting.values(message_id=message.id).execution_options(synchronize_session=False))
