"""Reasons for Not ready (причины): what agents may choose, what the system sets by itself. The only code that changes them.

Every operation owns its transaction, writes :mod:`core.audit` and raises :class:`core.contracts.Rejected` or
:class:`core.schemas.Invalid`. A reason of key "" is no row: plain Not ready, always allowed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from core import audit
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.model import Audit, Presence, PresenceChange, StateReason
from core.schemas import Invalid, ReasonForm, checked

NONE = Text("Not ready", "Не готов")
SIGNED_IN, NO_ANSWER, REJECTED, CONNECTION_LOST, FORCED, AWAY = (
    "signed_in",
    "no_answer",
    "rejected",
    "connection_lost",
    "forced",
    "away",
)


@dataclass(frozen=True, slots=True)
class Seed:
    """A reason that a new centre has."""

    key: str
    title: Text
    icon: str
    automatic: bool = False
    is_break: bool = False


SEEDS = (
    Seed("lunch", Text("Lunch", "Обед"), "soup", is_break=True),
    Seed("break", Text("Break", "Перерыв"), "coffee", is_break=True),
    Seed("meeting", Text("Meeting", "Совещание"), "users"),
    Seed("training", Text("Training", "Обучение"), "school"),
    # Agents choose it and idleness sets it: one word for both.
    Seed(AWAY, Text("Away", "Отошёл"), "user-off"),
    Seed(SIGNED_IN, Text("Just signed in", "Только вошёл"), "login", automatic=True),
    Seed(NO_ANSWER, Text("Did not answer", "Не ответил"), "phone-off", automatic=True),
    Seed(REJECTED, Text("Declined", "Отказался"), "thumb-down", automatic=True),
    Seed(CONNECTION_LOST, Text("Connection lost", "Связь потеряна"), "wifi-off", automatic=True),
    Seed(FORCED, Text("Set by the supervisor", "По решению супервизора"), "user-shield", automatic=True),
)
_SEEDED = {seed.key: seed for seed in SEEDS}


def ensure_reasons() -> list[str]:
    """Give the centre the reasons it has never had; a removed one stays removed. Returns the keys added. Safe to repeat."""
    introduced = select(Audit.after).where(Audit.object_type == "reason", Audit.action == "reason.introduce")
    seen = {key for after in db.session.scalars(introduced) for key in after["keys"]}
    new = [seed for seed in SEEDS if seed.key not in seen]
    if not new:
        return []
    with transaction():
        present = set(db.session.scalars(select(StateReason.key)))
        for position, seed in enumerate(SEEDS):
            if seed in new and seed.key not in present:
                db.session.add(_row(seed, position * 10))
        keys = [seed.key for seed in new]
        audit.record("reason.introduce", "reason", "default", after={"keys": keys})
    return keys


def _row(seed: Seed, position: int) -> StateReason:
    return StateReason(
        key=seed.key,
        title_en=seed.title.en,
        title_ru=seed.title.ru,
        icon=seed.icon,
        automatic=seed.automatic,
        is_break=seed.is_break,
        position=position,
    )


def list_reasons() -> list[StateReason]:
    """All reasons, in their order."""
    return list(db.session.scalars(select(StateReason).order_by(StateReason.position, StateReason.id)))


def choosable() -> list[StateReason]:
    """The reasons an agent may choose now: active and not automatic."""
    return [reason for reason in list_reasons() if reason.active and not reason.automatic]


def find_reason(key: str) -> StateReason | None:
    """The reason of that key."""
    found: StateReason | None = db.session.scalar(select(StateReason).where(StateReason.key == key))
    return found


def get_reason(key: str) -> StateReason:
    """:func:`find_reason`; raises ``Rejected`` (``not-found``)."""
    found = find_reason(key)
    if found is None:
        raise Rejected(Text(f"There is no reason «{key}».", f"Нет такой причины: «{key}»."), "not-found")
    return found


def labels() -> dict[str, Text]:
    """What to call each reason, the plain "" and those of a centre that has not been seeded included."""
    own = {row.key: Text(row.title_en, row.title_ru) for row in list_reasons()}
    return {"": NONE} | {key: seed.title for key, seed in _SEEDED.items()} | own


def label_of(key: str) -> Text:
    """What to call one reason; a removed one is called by its key."""
    row = find_reason(key) if key else None
    if row is not None:
        return Text(row.title_en, row.title_ru)
    if key in _SEEDED:
        return _SEEDED[key].title
    return Text(key, key) if key else NONE


def break_keys() -> set[str]:
    """The reasons whose time counts as break."""
    return set(db.session.scalars(select(StateReason.key).where(StateReason.is_break)))


def add_reason(key: str, title_en: str, title_ru: str, **fields: Any) -> StateReason:
    """A new reason that agents may choose.

    ``fields`` are icon, is_break, position, active. Codes: ``invalid``, ``exists``.
    """
    values = checked(ReasonForm, {"key": key, "title_en": title_en, "title_ru": title_ru, **fields})
    with transaction():
        if find_reason(values["key"]) is not None:
            taken = Text("A reason with this key exists.", "Причина с таким ключом уже есть.")
            raise Invalid({"key": taken}, "exists")
        reason = StateReason(**values)
        db.session.add(reason)
        db.session.flush()
        audit.record("reason.add", "reason", values["key"], after=values)
    return reason


def update_reason(reason_id: int, **fields: Any) -> StateReason:
    """Change titles, icon, is_break, position or active; the key stays, because the history names it.

    An automatic reason cannot be switched off (``automatic``): the system goes on setting it.
    """
    values = checked(ReasonForm, {name: value for name, value in fields.items() if name != "key"}, partial=True)
    with transaction():
        reason = _reason(reason_id)
        if reason.automatic and values.get("active") is False:
            raise _automatic(reason)
        before = {name: getattr(reason, name) for name in values}
        for name, value in values.items():
            setattr(reason, name, value)
        audit.record("reason.change", "reason", reason.key, before, values)
    return reason


def remove_reason(reason_id: int) -> None:
    """Delete a reason nobody has ever used; ``used`` otherwise: switch it off instead. Codes: ``automatic``, ``used``."""
    with transaction():
        reason = _reason(reason_id)
        if reason.automatic:
            raise _automatic(reason)
        if _used(reason.key):
            raise Rejected(
                Text(
                    f"«{reason.title_en}» is in the history of agents. Switch it off instead.",
                    f"«{reason.title_ru}» есть в истории операторов. Вместо удаления выключите причину.",
                ),
                "used",
            )
        db.session.delete(reason)
        audit.record("reason.remove", "reason", reason.key, before={"title_en": reason.title_en})


def _used(key: str) -> bool:
    now = select(Presence.user_id).where(Presence.reason == key).limit(1)
    ever = select(PresenceChange.id).where(PresenceChange.reason == key).limit(1)
    return db.session.scalar(select(func.coalesce(now.scalar_subquery(), ever.scalar_subquery()))) is not None


def _automatic(reason: StateReason) -> Rejected:
    return Rejected(
        Text(
            f"«{reason.title_en}» is set by the system; only its words can be changed.",
            f"«{reason.title_ru}» ставит система: изменить можно только название.",
        ),
        "automatic",
    )


def _reason(reason_id: int) -> StateReason:
    reason = db.session.get(StateReason, reason_id)
    if reason is None:
        raise Rejected(Text("There is no such reason.", "Такой причины нет."), "not-found")
    return reason
