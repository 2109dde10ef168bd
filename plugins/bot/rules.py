"""The bot's rules by service: read by every new conversation, changed by administrators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass

from sqlalchemy import select

from core import audit, services
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.shelf import Shelf
from plugins.bot.models import BotRule

MOST_ATTEMPTS, LONGEST = 5, 500


@dataclass(frozen=True, slots=True)
class Rule:
    """``greeting`` is said before the first answer, ``attempts`` how often articles are offered before an agent is called."""

    active: bool = False
    greeting_ru: str = ""
    greeting_en: str = ""
    attempts: int = 2

    def greeting(self, language: str) -> str:
        """In the contact's language, else in the other one."""
        ordered = (self.greeting_ru, self.greeting_en) if language == "ru" else (self.greeting_en, self.greeting_ru)
        return ordered[0] or ordered[1]


def _read() -> dict[int, Rule]:
    rows = db.session.scalars(select(BotRule))
    return {row.service_id: Rule(row.active, row.greeting_ru, row.greeting_en, row.attempts) for row in rows}


_rules: Shelf[Mapping[int, Rule]] = Shelf("bot_rules", _read, (BotRule,))


def rule_of(service_id: int | None) -> Rule:
    """The rule of a service; switched off where nobody has set one."""
    return _rules().get(service_id or 0, Rule())


def set_rule(service_key: str, rule: Rule) -> None:
    """Set how the bot behaves in a service. Raises ``Rejected``: ``not-found``, ``bot-attempts``, ``bot-greeting-long``."""
    if not 1 <= rule.attempts <= MOST_ATTEMPTS:
        words = Text(f"From 1 to {MOST_ATTEMPTS} attempts", f"Попыток может быть от 1 до {MOST_ATTEMPTS}")
        raise Rejected(words, "bot-attempts")
    if max(len(rule.greeting_ru), len(rule.greeting_en)) > LONGEST:
        words = Text(f"At most {LONGEST} characters in a greeting", f"В приветствии не больше {LONGEST} знаков")
        raise Rejected(words, "bot-greeting-long")
    with transaction():
        service = services.get_service(service_key)
        row = db.session.get(BotRule, service.id) or BotRule(service_id=service.id)
        before = {name: getattr(row, name) for name in asdict(rule)}
        for name, value in asdict(rule).items():
            setattr(row, name, value)
        db.session.add(row)
        db.session.flush()
        audit.record("bot.change", "service", service_key, before, asdict(rule))
