"""How the calls of a service are treated: recording, announcements, music, callback, voicemail."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import select

from core import audit, calendars
from core.contracts import Text
from core.db import db, transaction
from core.directory import missing
from core.model import Service
from core.schemas import Invalid
from core.shelf import Shelf
from plugins.voice.models.messages import VoiceMessage, VoiceRule

RECORD = ("never", "ask", "always")
MOST_DAYS, MOST_SECONDS = 3650, 7200


@dataclass(frozen=True, slots=True)
class Rule:
    """``record``: never, ask (the agent begins it), always. ``…_id`` are central messages: ``consent_id`` is announced before a recording,
    ``welcome_id`` to who begins to wait, ``music_id`` is played in between (None: the house's music).

    ``keep_days`` of recordings, 0 for ever. ``voicemail_seconds``: how long to wait before voicemail is offered, 0 never;
    ``closed_voicemail``: callers outside of the hours leave a message. ``callback``: who waits may ask to be called back.
    """

    record: str = "never"
    consent_id: int | None = None
    keep_days: int = 90
    welcome_id: int | None = None
    music_id: int | None = None
    callback: bool = True
    voicemail_seconds: int = 0
    closed_voicemail: bool = False


def _read() -> dict[int, Rule]:
    names = list(asdict(Rule()))
    return {
        row.service_id: Rule(**{name: getattr(row, name) for name in names})
        for row in db.session.scalars(select(VoiceRule))
    }


_rules: Shelf[dict[int, Rule]] = Shelf("voice_rules", _read, [VoiceRule, VoiceMessage])


def rule_of(service_id: int | None) -> Rule:
    """The rule of a service; without one of its own, the defaults."""
    return _rules().get(service_id or 0, Rule())


def any_recorded() -> bool:
    """Whether calls of any service are recorded at all."""
    return any(rule.record != "never" for rule in _rules().values())


def takes_message(service_id: int | None, calendar_key: str, waited: float, at: datetime) -> bool:
    """Whether a caller who has ``waited`` so many seconds leaves a message: it is long enough, or the service is closed."""
    rule = rule_of(service_id)
    if rule.voicemail_seconds and waited >= rule.voicemail_seconds:
        return True
    return rule.closed_voicemail and not calendars.is_open(calendar_key, at)


def set_rule(service_key: str, rule: Rule) -> None:
    """Keep the rule of a service. Raises ``Rejected`` (``not-found``) and ``Invalid`` by field."""
    with transaction():
        service = db.session.scalar(select(Service).where(Service.key == service_key))
        if service is None:
            raise missing("service", "сервис", service_key)
        _check(rule)
        before = rule_of(service.id)
        db.session.merge(VoiceRule(service_id=service.id, **asdict(rule)))
        audit.record("voice.rule", "service", service_key, asdict(before), asdict(rule))


def _check(rule: Rule) -> None:
    if rule.record not in RECORD:
        raise Invalid(
            {"record": Text("Choose whether calls are recorded", "Выберите, записывать ли звонки")}, "voice-rule"
        )
    for name, most in (("keep_days", MOST_DAYS), ("voicemail_seconds", MOST_SECONDS)):
        if not 0 <= getattr(rule, name) <= most:
            raise Invalid({name: Text(f"A whole number from 0 to {most}", f"Целое число от 0 до {most}")}, "voice-rule")
    chosen = {name: value for name in ("consent_id", "welcome_id", "music_id") if (value := getattr(rule, name))}
    central = select(VoiceMessage.id).where(VoiceMessage.id.in_(chosen.values()), VoiceMessage.owner_id.is_(None))
    known = set(db.session.scalars(central)) if chosen else set()
    for name, value in chosen.items():
        if value not in known:
            raise Invalid({name: Text("There is no such central message", "Такого общего сообщения нет")}, "voice-rule")
