"""Before an agent: a bot holds a conversation in state ``bot``, answers, and hands over to the queue.

A bot's turn is a row with a due time, taken by the worker: a crash repeats it, and an answer is keyed by the message it answers.
What the bot thinks of is outside of any transaction. Whoever writes one of :data:`PERSON_WORDS` gets a person without the bot.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, select, update

from core import assignment, casework, timeline
from core.clock import now
from core.contracts import BotReply, BotTurn, Inbound, Rejected, Text
from core.db import db, on_commit, transaction
from core.events.wake import wake
from core.house import okno
from core.model import BotTalk, Interaction, Message, Service
from core.routing import queueing
from core.snapshots import interaction_info, service_info

LOOP = "bots"
PERSON = Text("Talk to a person", "Позвать оператора")
PERSON_WORDS = frozenset(
    word.casefold()
    for word in (PERSON.en, PERSON.ru, "/operator", "operator", "agent", "оператор", "позовите оператора", "человек")
)


def person_words(language: str) -> str:
    """What a button that calls a person says."""
    return PERSON.to("ru" if language != "en" else "en")


def wants_person(text: str) -> bool:
    """Whether the contact asks for a person in so many words."""
    return text.strip().strip(".!").casefold() in PERSON_WORDS


# --- in the transaction of a message -----------------------------------------------------------------


def chosen(inbound: Inbound, service: Service) -> str:
    """Which bot begins a new conversation, "" for none: live text channels only."""
    channel = okno().channels.get(inbound.channel)
    if channel is None or not channel.capabilities.live or channel.capabilities.media or inbound.automatic:
        return ""
    return okno().hooks.choose_bot(inbound, service_info(service)) or ""


def begin(interaction_id: int, bot: str) -> None:
    """The bot has a new conversation."""
    db.session.add(BotTalk(interaction_id=interaction_id, bot=bot))
    db.session.flush()


def heard(interaction_id: int) -> None:
    """The contact wrote while a bot has the conversation: its turn."""
    moment = now()
    talk = update(BotTalk).where(BotTalk.interaction_id == interaction_id)
    db.session.execute(talk.values(due_at=moment, heard_at=moment).execution_options(synchronize_session=False))
    on_commit(lambda: wake(LOOP))


def forget(interaction_id: int) -> None:
    """No bot has the conversation any more."""
    talk = delete(BotTalk).where(BotTalk.interaction_id == interaction_id)
    db.session.execute(talk.execution_options(synchronize_session=False))


# --- over to people ----------------------------------------------------------------------------------


def hand_over(interaction_id: int, why: Text, actor_id: int | None = None) -> bool:
    """From the bot into the queue, where the wait begins now. False when no bot has it."""
    with transaction():
        moment = now()
        if not queueing.swap(interaction_id, "bot", "queued", queued_at=moment, waiting_since=moment):
            return False
        forget(interaction_id)
        interaction = queueing.fresh(interaction_id)
        timeline.write(
            interaction.case_id,
            "bot.handed_over",
            actor_id=actor_id,
            interaction_id=interaction_id,
            title_en=why.en,
            title_ru=why.ru,
        )
        queueing.tell(interaction)
        queueing.look_again()
        info = interaction_info(interaction)
        on_commit(lambda: okno().hooks.after_interaction_opened(info))
        return True


def take(interaction_id: int, user_id: int) -> None:
    """An agent takes a conversation from the bot, or one that was put off. Raises what :func:`core.assignment.take` does."""
    with transaction():
        if not assignment.come_back(interaction_id):
            hand_over(interaction_id, Text("An agent took over from the bot", "Оператор забрал диалог у бота"), user_id)
        assignment.take(interaction_id, user_id)


# --- the worker --------------------------------------------------------------------------------------


def think_due(limit: int = 20) -> int:
    """Let bots answer where it is their turn; returns in how many conversations."""
    due = select(BotTalk.interaction_id).where(BotTalk.due_at <= now()).order_by(BotTalk.due_at).limit(limit)
    ids = list(db.session.scalars(due))
    db.session.rollback()
    for interaction_id in ids:
        think(interaction_id)
    return len(ids)


def think(interaction_id: int) -> None:
    """One turn: read what the contact wrote, ask the bot, post what it says unless somebody was faster."""
    talk = db.session.get(BotTalk, interaction_id, populate_existing=True)
    interaction = db.session.get(Interaction, interaction_id, populate_existing=True)
    if talk is None or interaction is None:
        db.session.rollback()
        return
    turn = _turn(talk, interaction)
    before = talk.answered_up_to
    db.session.rollback()  # a bot may think for long: nothing stays open meanwhile
    asked = turn is not None and wants_person(turn.text)
    reply = okno().hooks.choose_bot_reply(turn) if turn is not None and not asked else None
    with transaction():
        if not _claim(interaction_id, before, turn, reply):
            return
        if reply is not None:
            _say(interaction_id, turn, reply)
        if asked:
            hand_over(interaction_id, Text("The contact asked for a person", "Клиент попросил оператора"))
        elif reply is None and turn is not None:
            hand_over(interaction_id, Text("The bot had no answer", "У бота нет ответа"))


def _turn(talk: BotTalk, interaction: Interaction) -> BotTurn | None:
    said = select(Message).where(
        Message.interaction_id == interaction.id, Message.id > talk.answered_up_to, Message.author == "contact"
    )
    fresh = list(db.session.scalars(said.order_by(Message.id).limit(50)))
    if not fresh or interaction.state != "bot":
        return None
    case = interaction.case
    return BotTurn(
        bot=talk.bot,
        interaction=interaction_info(interaction),
        service=service_info(interaction.service),
        message_id=fresh[-1].id,
        text="\n".join(message.body_text for message in fresh if message.body_text),
        has_files=any(message.attachments or message.data.get("files") for message in fresh),
        language=case.language or interaction.service.language,
        first=talk.answered_up_to == 0,
        memory=dict(talk.memory),
    )


def _claim(interaction_id: int, before: int, turn: BotTurn | None, reply: BotReply | None) -> bool:
    """Note that the turn is taken; False when another worker was faster, or an agent has taken over."""
    mine = update(BotTalk).where(BotTalk.interaction_id == interaction_id, BotTalk.answered_up_to == before)
    values: dict[str, object] = {"due_at": None}
    if turn is not None:
        values["answered_up_to"] = turn.message_id
        later = select(Message.id).where(
            Message.interaction_id == interaction_id, Message.author == "contact", Message.id > turn.message_id
        )
        if db.session.scalar(later.limit(1)) is not None:
            values["due_at"] = now()
    if reply is not None:
        values["memory"] = dict(reply.memory)
    changed = db.session.execute(mine.values(**values).execution_options(synchronize_session=False))
    held = select(Interaction.state).where(Interaction.id == interaction_id).with_for_update()
    return bool(changed.rowcount == 1) and db.session.scalar(held) == "bot"  # type: ignore[attr-defined]


def _say(interaction_id: int, turn: BotTurn | None, reply: BotReply) -> None:
    assert turn is not None
    interaction = queueing.fresh(interaction_id)
    goes_on = not (reply.hand_over or reply.ends)
    buttons = [*reply.buttons, person_words(turn.language)] if goes_on else []
    if reply.text:
        casework.post(
            interaction,
            f"bot:{turn.message_id}",
            author="bot",
            html="",
            text=reply.text,
            automatic=True,
            data={"bot": turn.bot, "buttons": buttons},
        )
    if reply.hand_over:
        hand_over(interaction_id, reply.why or Text("The bot handed over", "Бот передал диалог"))
    elif reply.ends:
        end(interaction_id, reply.why or Text("The bot has answered", "Бот ответил на вопрос"))


# --- the end -----------------------------------------------------------------------------------------


def end(interaction_id: int, why: Text) -> None:
    """The bot has helped, or nobody writes any more: the conversation and its case are closed."""
    with transaction():
        moment = now()
        if not queueing.swap(interaction_id, "bot", "closed", ended_at=moment, closed_at=moment, unread=0):
            raise Rejected(Text("The bot does not have it any more", "Диалог уже не у бота"), "moved-on")
        forget(interaction_id)
        interaction = queueing.fresh(interaction_id)
        timeline.write(
            interaction.case_id, "bot.ended", interaction_id=interaction_id, title_en=why.en, title_ru=why.ru
        )
        others = select(Interaction.id).where(Interaction.case_id == interaction.case_id, Interaction.state != "closed")
        if interaction.case.status != "closed" and db.session.scalar(others.limit(1)) is None:
            casework.close(interaction.case, cause="bot")
        queueing.tell(interaction)
        info = interaction_info(interaction)
        on_commit(lambda: okno().hooks.after_interaction_closed(info))


def end_silent() -> None:
    """Close conversations in which the contact has not written for ``live.bot_silence_minutes``."""
    since = now() - timedelta(minutes=okno().config.get("live.bot_silence_minutes"))
    silent = select(BotTalk.interaction_id).where(BotTalk.heard_at < since, BotTalk.due_at.is_(None)).limit(200)
    ids = list(db.session.scalars(silent))
    db.session.rollback()
    for interaction_id in ids:
        try:
            end(interaction_id, Text("The contact wrote no more", "Клиент больше не писал"))
        except Rejected:
            # An agent or another worker was faster between the question and the lock.
            continue
