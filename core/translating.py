"""What contacts and agents write, in the other's language: asked of plugins (hook ``choose_translation``), kept with the message."""

from __future__ import annotations

from sqlalchemy import select

from core.contracts import Rejected, Text
from core.db import db, transaction
from core.events import log as events
from core.house import okno
from core.model import Case, Message

HOOK = "choose_translation"
LONGEST = 20_000
LANGUAGES = ("ru", "en")


def is_offered() -> bool:
    """Whether any plugin translates."""
    return bool(okno().plugins.implementations(HOOK))


def kept(message: Message, target: str) -> str:
    """The translation that is there already, "" for none."""
    return str(message.data.get("translations", {}).get(target, ""))


def wanted_by_contact(case: Case, own: str) -> str:
    """Into which language a draft goes: the contact's; if the agent writes in that already, the other one of the house."""
    spoken = case.language or (case.service.language if case.service else "")
    return spoken if spoken and spoken != own else next(one for one in LANGUAGES if one != own)


def message(message_id: int, target: str) -> str:
    """The message's text in ``target``. Raises ``Rejected`` (``message-unknown``, ``no-translation``, ``too-long-to-translate``)."""
    row = db.session.get(Message, message_id)
    if row is None:
        raise Rejected(Text("There is no such message", "Такого сообщения нет"), "message-unknown")
    if found := kept(row, target):
        return found
    text, case_id = row.body_text, row.case_id
    spoken = db.session.scalar(select(Case.language).where(Case.id == case_id)) or ""
    translated = words(text, spoken if spoken != target else "", target)
    with transaction():
        query = select(Message).where(Message.id == message_id).with_for_update(of=Message)
        fresh: Message = db.session.scalars(query.execution_options(populate_existing=True)).one()
        # What the contact has corrected meanwhile says something else.
        if fresh.body_text == text:
            fresh.data = {**fresh.data, "translations": {**fresh.data.get("translations", {}), target: translated}}
            events.publish("desk", "case.changed", {"case_id": case_id, "changes": ["message"]})
    return translated


def words(text: str, source: str, target: str) -> str:
    """Any text in ``target``; ends the open reading, because a translator may take its time.

    Raises ``Rejected`` (``no-translation``, ``too-long-to-translate``).
    """
    text = text.strip()
    if len(text) > LONGEST:
        said = Text(
            f"Texts of up to {LONGEST} characters are translated: choose a part.",
            f"Переводятся тексты до {LONGEST} знаков: выберите часть.",
        )
        raise Rejected(said, "too-long-to-translate")
    db.session.rollback()
    found = okno().hooks.choose_translation(text, source, target) if text else None
    if not found or not found.strip():
        raise Rejected(Text("There is no translation of this now", "Сейчас перевести это не удалось"), "no-translation")
    return found.strip()
