"""The end of a conversation from the visitor's side: they leave, rate it, or write when nobody is there."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from core import assignment, calendars, intake, timeline
from core.clock import now
from core.contracts import Address, Inbound, Rejected, Text
from core.db import db, transaction
from core.events import log as events
from core.house import okno
from core.live import talk
from core.model import Presence, ServiceEntry, TeamMember
from core.model import Service as ServiceRow
from core.schemas import EMAIL
from plugins.chat import conversations, telling
from plugins.chat.models import Rating, Widget
from plugins.chat.visitor import visits
from plugins.chat.visitor.messages import CLIENT_ID, checked_text
from plugins.chat.visitor.visitors import Visitor

COMMENT_MOST = 2000
LEFT = Text("The visitor ended the chat", "Посетитель завершил чат")


def end(visitor: Visitor) -> None:
    """The visitor ends the conversation: wrap-up for the agent who has it; one that still waits closes unanswered."""
    with transaction():
        interaction = conversations.under_way(visitor.id)
        if interaction is None:
            return
        if interaction.state == "active" and interaction.agent_id is not None:
            timeline.write(
                interaction.case_id,
                "chat.left",
                interaction_id=interaction.id,
                title_en=LEFT.en,
                title_ru=LEFT.ru,
            )
            telling.tell_agent(interaction, "chat.left")
            assignment.finish(interaction.id, interaction.agent_id)
        else:
            talk.gone(conversations.CHANNEL, visitor.id, LEFT, "chat.left")
        telling.tell_state(interaction.id)


def rate(visitor: Visitor, score: int, comment: str = "") -> None:
    """Rate the newest conversation, which is over; again changes it. Raises ``Rejected`` (``rating-range``, ``nothing-to-rate``)."""
    if not 1 <= score <= 5:
        raise Rejected(Text("A rating is 1 to 5", "Оценка — от 1 до 5"), "rating-range")
    with transaction():
        interaction = conversations.latest(visitor.id)
        if interaction is None or interaction.state in conversations.UNDER_WAY or interaction.accepted_at is None:
            words = Text("There is no finished conversation to rate", "Нет завершённого разговора, чтобы его оценить")
            raise Rejected(words, "nothing-to-rate")
        row = db.session.get(Rating, interaction.id, populate_existing=True)
        fresh = row is None
        if row is None:
            row = Rating(interaction_id=interaction.id)
            db.session.add(row)
        row.score, row.comment, row.at = score, comment.strip()[:COMMENT_MOST], now()
        db.session.flush()
        if fresh:
            timeline.write(
                interaction.case_id,
                "chat.rated",
                interaction_id=interaction.id,
                title_en=f"The visitor rated the chat: {score} out of 5",
                title_ru=f"Посетитель оценил чат: {score} из 5",
            )
        events.publish("desk", "chat.rated", {"interaction_id": interaction.id, "score": score})


# --- when nobody is there ----------------------------------------------------------------------------


def service_of(key: str) -> ServiceRow | None:
    """The service that a widget leads to, else the default one."""
    entered = select(ServiceEntry.service_id).where(
        ServiceEntry.channel == conversations.CHANNEL, ServiceEntry.address == key
    )
    query = select(ServiceRow).where(ServiceRow.active)
    own = db.session.scalar(query.where(ServiceRow.id.in_(entered)))
    return own or db.session.scalar(query.order_by(ServiceRow.is_default.desc(), ServiceRow.id).limit(1))


def is_offline(widget: Widget) -> bool:
    """Whether the form stands in for the chat now: by the service's hours, and by who is at work where the widget says so."""
    service = service_of(widget.key)
    if widget.offline == "never" or service is None:
        return False
    if not calendars.is_open(service.calendar_key, now()):
        return True
    return widget.offline == "agents" and not _anybody_there(service)


def _anybody_there(service: ServiceRow) -> bool:
    members = select(TeamMember.user_id).where(TeamMember.team_id.in_([team.id for team in service.teams]))
    there = select(Presence.user_id).where(Presence.state != "offline", Presence.user_id.in_(members)).limit(1)
    return db.session.scalar(there) is not None


@dataclass(frozen=True, slots=True)
class Left:
    """What a visitor writes when nobody is there. ``client_id``: the same one again changes nothing."""

    client_id: str
    text: str
    email: str
    name: str = ""
    language: str = ""
    page: str = ""


def leave_message(visitor: Visitor, left: Left) -> int:
    """A case of the visitor's message, answered by email where the service has an address; returns the case.

    Raises ``Rejected`` (``client-id``, ``email-missing``, and what :func:`checked_text` says).
    """
    text, email = checked_text(left.text), left.email.strip().lower()[:254]
    if not CLIENT_ID.fullmatch(left.client_id):
        raise Rejected(Text("The message has no valid id", "У сообщения нет правильного номера"), "client-id")
    if not EMAIL.fullmatch(email):
        words = Text("Say where to answer: an email address", "Укажите почту, чтобы мы могли ответить")
        raise Rejected(words, "email-missing")
    channel, entry, kind = _way_of_answering(visitor.entry)
    address = email if kind == "email" else visitor.id
    inbound = Inbound(
        channel=channel,
        source_key=f"chat-form:{visitor.id}:{left.client_id}",
        sender=Address(kind, address, visits.clean(left.name, 80)),
        entry=entry,
        subject=talk.subject_of(text),
        body_text=text if kind == "email" else f"{text}\n\n{email}",
        language=left.language,
        extra={"form": True, "email": email, "page": left.page[:300]},
    )
    with transaction():
        told = {"email": email, "name": left.name}
        visits.note(visitor, visits.Seen(url=left.page, language=left.language, told=told))
        return intake.receive(inbound).case_id


def _way_of_answering(key: str) -> tuple[str, str, str]:
    """Channel, entry and kind of address of the answer: by mail where the service has an address, else in the chat."""
    service = service_of(key)
    by_mail = [name for name, one in okno().channels.items() if one.address_kind == "email"]
    query = select(ServiceEntry).where(ServiceEntry.channel.in_(by_mail))
    query = query.where(ServiceEntry.service_id == (service.id if service else None))
    entry = db.session.scalar(query.order_by(ServiceEntry.primary.desc(), ServiceEntry.id).limit(1))
    if entry is None:
        return conversations.CHANNEL, key, conversations.CHANNEL
    return entry.channel, entry.address, "email"
