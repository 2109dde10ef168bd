"""The article that answers of a service begin with (знание по умолчанию): put into the draft as an agent gets the interaction."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import exists, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import joinedload

from core import audit, case_drafts
from core.clock import now
from core.contracts import HealthCheck, InteractionInfo, MessageInfo, Rejected, Text, VariableContext
from core.db import db, transaction
from core.house import okno
from core.model import Message, Service
from core.shelf import Shelf
from plugins.kb import markup
from plugins.kb.models import Article, BegunAnswer, ServiceDefault
from plugins.kb.use import usage

SHOWN_LEAST = 12


@dataclass(frozen=True, slots=True)
class Default:
    """One row of the configuration as plain data."""

    article_id: int
    section: str


def _read() -> dict[tuple[int, str], Default]:
    rows = db.session.execute(
        select(ServiceDefault.service_id, ServiceDefault.channel, ServiceDefault.article_id, ServiceDefault.section)
    )
    return {(row.service_id, row.channel): Default(row.article_id, row.section) for row in rows}


_defaults: Shelf[dict[tuple[int, str], Default]] = Shelf("kb_defaults", _read, [ServiceDefault])


def default_of(service_id: int, channel: str) -> Default | None:
    """What the service's answers begin with in a channel: its own setting there, else the one for every channel."""
    known = _defaults()
    return known.get((service_id, channel)) or known.get((service_id, ""))


def all_defaults(service_id: int | None = None) -> list[ServiceDefault]:
    """The configuration, of one service or of all."""
    query = select(ServiceDefault).options(joinedload(ServiceDefault.service), joinedload(ServiceDefault.article))
    if service_id is not None:
        query = query.where(ServiceDefault.service_id == service_id)
    return list(db.session.scalars(query.order_by(ServiceDefault.service_id, ServiceDefault.channel)))


# --- configured --------------------------------------------------------------------------------------


def set_default(service_key: str, number: int, *, channel: str = "", section: str = "") -> ServiceDefault:
    """Let answers of a service begin with article ``number``; ``channel`` '' means every one.

    Raises ``Rejected``: ``service-unknown``, ``channel-unknown``, ``article-unknown``, ``article-not-published``, ``section-unknown``.
    """
    with transaction():
        service = _service(service_key)
        if channel and channel not in okno().channels:
            words = Text(f"There is no channel '{channel}'", f"Нет канала «{channel}»")
            raise Rejected(words, "channel-unknown")
        article = db.session.scalar(select(Article).where(Article.number == number))
        if article is None:
            raise Rejected(Text("There is no such article", "Такой статьи нет"), "article-unknown")
        if article.status != "published":
            raise Rejected(Text("The article is not published", "Статья не опубликована"), "article-not-published")
        usage.section_html(article, section or usage.reply_section(article))
        row = _row(service.id, channel)
        before = {"article": row.article.number, "section": row.section} if row else {}
        if row is None:
            row = ServiceDefault(service_id=service.id, channel=channel)
            db.session.add(row)
        row.article_id, row.article, row.section = article.id, article, section
        db.session.flush()
        after = {"article": number, "section": section}
        audit.record("kb.default.set", "service", f"{service.key}/{channel or '*'}", before, after)
        return row


def remove_default(service_key: str, channel: str = "") -> None:
    """Answers begin empty again; where there was nothing set, nothing happens."""
    with transaction():
        service = _service(service_key)
        row = _row(service.id, channel)
        if row is None:
            return
        before = {"article": row.article.number, "section": row.section}
        audit.record("kb.default.remove", "service", f"{service.key}/{channel or '*'}", before, {})
        db.session.delete(row)


def _row(service_id: int, channel: str) -> ServiceDefault | None:
    query = select(ServiceDefault).options(joinedload(ServiceDefault.article))
    query = query.where(ServiceDefault.service_id == service_id, ServiceDefault.channel == channel)
    found: ServiceDefault | None = db.session.scalar(query.with_for_update(of=ServiceDefault))
    return found


def _service(key: str) -> Service:
    service: Service | None = db.session.scalar(select(Service).where(Service.key == key))
    if service is None:
        raise Rejected(Text(f"There is no service '{key}'", f"Нет сервиса «{key}»"), "service-unknown")
    return service


# --- put into drafts ---------------------------------------------------------------------------------


def usable(article: Article | None) -> bool:
    """Whether contacts may get it."""
    return (
        article is not None
        and article.status == "published"
        and (article.expires_at is None or article.expires_at > now())
    )


def begin_answer(interaction: InteractionInfo) -> bool:
    """Put the service's article into the agent's draft, in the transaction that gives the agent the interaction.

    Never over a draft, never after somebody has answered, never twice for one agent. Returns whether it did.
    """
    if interaction.service_id is None or interaction.agent_id is None or interaction.case_id is None:
        return False
    wanted = default_of(interaction.service_id, interaction.channel)
    if wanted is None or interaction.channel not in okno().channels:
        return False
    article = db.session.get(Article, wanted.article_id)
    if article is None or not usable(article) or _answered(interaction.id):
        return False
    with transaction():
        if case_drafts.find(interaction.agent_id, interaction.case_id, "reply") is not None:
            return False
        if not _claim(interaction.id, interaction.agent_id, article.id):
            return False
        html = usage.section_html(article, wanted.section or usage.reply_section(article))
        filled = usage.fill(html, _context(interaction))
        case_drafts.save(interaction.agent_id, interaction.case_id, "reply", filled.html)
        return True


def _answered(interaction_id: int) -> bool:
    said = exists().where(Message.interaction_id == interaction_id, Message.author == "agent")
    return bool(db.session.scalar(select(said)))


def _claim(interaction_id: int, user_id: int, article_id: int) -> bool:
    insert = postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
    fresh = insert(BegunAnswer).values(interaction_id=interaction_id, user_id=user_id, article_id=article_id)
    fresh = fresh.on_conflict_do_nothing(index_elements=["interaction_id", "user_id"])
    return db.session.scalar(fresh.returning(BegunAnswer.user_id)) is not None


def _context(interaction: InteractionInfo) -> VariableContext:
    return VariableContext(
        user_id=interaction.agent_id,
        case_id=interaction.case_id,
        interaction_id=interaction.id,
        contact_id=interaction.contact_id,
        service_id=interaction.service_id,
    )


def count_sent(message: MessageInfo) -> None:
    """An answer is out: when it still carries the article it began with, that counts as a use. In the open transaction."""
    query = select(BegunAnswer, Article).join(Message, Message.user_id == BegunAnswer.user_id)
    query = query.join(Article, Article.id == BegunAnswer.article_id)
    query = query.where(Message.id == message.id, BegunAnswer.interaction_id == message.interaction_id)
    row = db.session.execute(query).first()
    if row is None or not _carries(row.Article, message.body_text):
        return
    begun = row.BegunAnswer
    about = VariableContext(user_id=begun.user_id, case_id=message.case_id, interaction_id=message.interaction_id)
    usage.count(row.Article, about)
    db.session.delete(begun)


def _carries(article: Article, text: str) -> bool:
    """Whether most lines of a section, those without variables, stand in the message: a greeting alone is every article's."""
    said = " ".join(text.split())
    for section in article.sections:
        lines = [line for line in markup.plain(section["html"]).splitlines() if "$(" not in line]
        lines = [line for line in lines if len(line) >= SHOWN_LEAST]
        if lines and 2 * sum(line in said for line in lines) > len(lines):
            return True
    return False


def health() -> HealthCheck:
    """Whether every service's article can still be sent."""
    rows = all_defaults()
    lost = [f"{row.service.key}: №{row.article.number}" for row in rows if not usable(row.article)]
    detail = f"not published any more: {', '.join(lost)}" if lost else f"{len(rows)} set, all published"
    return HealthCheck("kb default articles", not lost, detail, "choose another article on the service's page")
