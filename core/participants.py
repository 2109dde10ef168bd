"""Conferences: a colleague is invited into a conversation, joins, leaves or is sent off; the contact reads who comes and goes.

The interaction keeps exactly one owner, the agent who has it in hand. Who takes part reads and writes; when the owner leaves,
whoever joined first has it.
"""

from __future__ import annotations

import uuid
from html import escape

from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from core import casework, company, presence, timeline
from core.clock import now
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.events import log as events
from core.house import okno
from core.model import Interaction, Participant, User
from core.notifications import notify
from core.permissions import granted
from core.routing import hands, passing_on
from core.routing.queueing import NOT_YOURS, fresh

COMES = Text("{name} joins the conversation", "{name} присоединяется к разговору")
GOES = Text("{name} leaves the conversation", "{name} покидает разговор")
NO_INVITATION = Text("You are not invited to this conversation (any more)", "Вас (уже) не приглашают в этот разговор")


def shown_name(user: User) -> str:
    """What contacts may know of an agent: the nickname, else the first name."""
    return user.nickname or user.first_name or user.login


def invite(interaction_id: int, by_user_id: int, user_id: int) -> None:
    """Ask a colleague in. ``by_user_id`` has the conversation or takes part in it.

    Raises ``Rejected``: ``not-your-interaction``, ``no-conference``, ``user-disabled``, ``agent-offline``, ``takes-part-already``.
    """
    with transaction():
        interaction = _under_way(interaction_id)
        _check_inside(interaction, by_user_id)
        user = _colleague(user_id)
        if user_id == interaction.agent_id:
            raise Rejected(_already(user), "takes-part-already")
        if hands.state_of(user_id) == presence.OFFLINE:
            words = Text(f"{user.name} is not at the desk", f"{user.name} не на рабочем месте")
            raise Rejected(words, "agent-offline")
        asked = Participant(interaction_id=interaction_id, user_id=user_id, invited_by_id=by_user_id)
        already = Rejected(_already(user), "takes-part-already")
        try:
            with db.session.begin_nested():
                db.session.add(asked)
        except IntegrityError as same:
            raise already from same
        _note(interaction, "participant.invited", by_user_id, user)
        data = {"number": interaction.case.number, "subject": interaction.case.subject}
        notify([user_id], "participant.invited", f"/cases/{interaction.case_id}", data, by_user_id)
        _tell(interaction)


def join(interaction_id: int, user_id: int) -> None:
    """Accept the invitation; joining twice is joining once. Raises ``Rejected``: ``not-invited``, ``not-your-interaction``."""
    with transaction():
        interaction = _under_way(interaction_id)
        place = company.place_of(interaction_id, user_id)
        if place is not None and place.joined_at is not None:
            return
        statement = update(Participant).where(
            Participant.interaction_id == interaction_id,
            Participant.user_id == user_id,
            Participant.left_at.is_(None),
            Participant.joined_at.is_(None),
        )
        done = db.session.execute(statement.values(joined_at=now()).execution_options(synchronize_session=False))
        if done.rowcount != 1:  # type: ignore[attr-defined]
            raise Rejected(NO_INVITATION, "not-invited")
        user = db.session.get_one(User, user_id)
        _note(interaction, "participant.joined", user_id, user)
        _say(interaction, COMES, user)
        _tell(interaction)


def decline(interaction_id: int, user_id: int) -> None:
    """Refuse the invitation. Raises ``Rejected`` (``not-invited``)."""
    with transaction():
        place = company.place_of(interaction_id, user_id)
        if place is None or place.joined_at is not None or not passing_on.leave(interaction_id, user_id):
            raise Rejected(NO_INVITATION, "not-invited")
        interaction = fresh(interaction_id)
        _note(interaction, "participant.declined", user_id, db.session.get_one(User, user_id))
        _tell(interaction)


def leave(interaction_id: int, user_id: int) -> None:
    """Go out of the conversation; of its owner it passes to whoever joined first.

    Raises ``Rejected``: ``not-your-interaction``, ``nobody-else`` when the owner is alone in it.
    """
    with transaction():
        interaction = _under_way(interaction_id)
        if interaction.agent_id == user_id:
            if passing_on.pass_to_heir(interaction_id, user_id) is None:
                words = Text(
                    "Nobody else is in this conversation: pass it on or end it",
                    "В разговоре больше никого нет: передайте или завершите его",
                )
                raise Rejected(words, "nobody-else")
            hands.rest_from(user_id)
            presence.settle(user_id, "transferred")
        elif not passing_on.leave(interaction_id, user_id):
            raise Rejected(NOT_YOURS, "not-your-interaction")
        _gone(fresh(interaction_id), user_id, user_id, "participant.left")


def remove(interaction_id: int, by_user_id: int, user_id: int) -> None:
    """The owner sends a participant off, or takes an invitation back. Raises ``Rejected``: ``not-your-interaction``, ``not-invited``."""
    with transaction():
        interaction = _under_way(interaction_id)
        if interaction.agent_id != by_user_id:
            raise Rejected(NOT_YOURS, "not-your-interaction")
        place = company.place_of(interaction_id, user_id)
        joined = place is not None and place.joined_at is not None
        if not passing_on.leave(interaction_id, user_id):
            raise Rejected(
                Text("This colleague is not in the conversation", "Этого коллеги нет в разговоре"), "not-invited"
            )
        if joined:
            _gone(interaction, user_id, by_user_id, "participant.removed")
        else:
            _note(interaction, "participant.removed", by_user_id, db.session.get_one(User, user_id))
            _tell(interaction)


# --- inside ------------------------------------------------------------------------------------------


def _under_way(interaction_id: int) -> Interaction:
    interaction = fresh(interaction_id)
    if interaction.state != "active":
        raise Rejected(NOT_YOURS, "not-your-interaction")
    channel = okno().channels.get(interaction.channel)
    if channel is None or not channel.capabilities.live or channel.capabilities.media:
        words = Text("Colleagues can only be invited into chats", "Коллег можно приглашать только в чаты")
        raise Rejected(words, "no-conference")
    return interaction


def _check_inside(interaction: Interaction, user_id: int) -> None:
    if interaction.agent_id != user_id and not company.takes_part(interaction.id, user_id):
        raise Rejected(NOT_YOURS, "not-your-interaction")


def _colleague(user_id: int) -> User:
    user = db.session.get(User, user_id)
    if user is None or user.disabled_at is not None or "case.reply" not in granted(user):
        raise Rejected(Text("There is no such agent (any more)", "Такого оператора (уже) нет"), "user-disabled")
    return user


def _already(user: User) -> Text:
    return Text(f"{user.name} is invited already", f"Приглашение уже есть: {user.name}")


def _gone(interaction: Interaction, user_id: int, by_user_id: int, kind: str) -> None:
    user = db.session.get_one(User, user_id)
    _note(interaction, kind, by_user_id, user)
    _say(interaction, GOES, user)
    _tell(interaction)


def _note(interaction: Interaction, kind: str, actor_id: int, user: User) -> None:
    timeline.write(
        interaction.case_id,
        kind,
        actor_id=actor_id,
        interaction_id=interaction.id,
        title_en=user.name,
        title_ru=user.name,
    )


def _say(interaction: Interaction, words: Text, user: User) -> None:
    """Tell the contact, in the contact's language."""
    language = interaction.case.language or interaction.service.language
    text = words.to(language).format(name=shown_name(user))
    key = f"participant:{interaction.id}:{uuid.uuid4()}"
    casework.post(interaction, key, author="system", html=escape(text), text=text, automatic=True)


def _tell(interaction: Interaction) -> None:
    told = {"interaction_id": interaction.id, "case_id": interaction.case_id, "agent_id": interaction.agent_id}
    events.publish("desk", "participants.changed", told)
