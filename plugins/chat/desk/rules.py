"""The rules by which a service chats: when the bar turns orange, inactivity, the greeting. The only code that changes them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from sqlalchemy import select

from core import audit, services
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.plain_text import plain_text
from core.shelf import Shelf
from plugins.chat.models import GREETINGS, ServiceRule

LEAST, MOST = 5, 24 * 3600
WARNING = Text(
    "Are you still there? If you do not write, the chat will be closed soon.",
    "Вы ещё здесь? Если вы не напишете, чат скоро закроется.",
)
CLOSING = Text(
    "The chat was closed because nobody wrote. Write again whenever you like.",
    "Чат закрыт: сообщений не было. Напишите снова, когда будет удобно.",
)


@dataclass(frozen=True, slots=True)
class Rule:
    """A service's rules as plain data; seconds, None for never (``answer_seconds``: for the setting ``desk.answer_seconds``)."""

    answer_seconds: int | None = None
    warn_seconds: int | None = None
    warning_en: str = ""
    warning_ru: str = ""
    close_seconds: int | None = None
    closing_en: str = ""
    closing_ru: str = ""
    greeting: str = "none"
    greeting_en: str = ""
    greeting_ru: str = ""

    @property
    def warning(self) -> Text:
        """What a silent visitor reads; the built-in words where none are set."""
        return Text(self.warning_en or WARNING.en, self.warning_ru or WARNING.ru)

    @property
    def closing(self) -> Text:
        """What is said at the end."""
        return Text(self.closing_en or CLOSING.en, self.closing_ru or CLOSING.ru)

    @property
    def greeting_html(self) -> Text:
        """The greeting, each language standing in for the other."""
        return Text(self.greeting_en or self.greeting_ru, self.greeting_ru or self.greeting_en)


NAMES = tuple(field.name for field in fields(Rule))
TIMES = ("answer_seconds", "warn_seconds", "close_seconds")


def _read() -> dict[int, Rule]:
    rows = db.session.scalars(select(ServiceRule))
    return {row.service_id: Rule(**{name: getattr(row, name) for name in NAMES}) for row in rows}


_rules: Shelf[dict[int, Rule]] = Shelf("chat_rules", _read, [ServiceRule])


def all_rules() -> dict[int, Rule]:
    """The rules by service id; services without any have those of ``Rule()``."""
    return _rules()


def rule_of(service_id: int) -> Rule:
    """The rules of a service."""
    return _rules().get(service_id, Rule())


def set_rule(service_key: str, **values: Any) -> Rule:
    """Change some of a service's rules.

    Raises ``Rejected``: ``not-found``, ``chat-rule-seconds``, ``chat-rule-close``, ``chat-rule-greeting``, ``greeting-empty``.
    """
    with transaction():
        service = services.get_service(service_key).id
        row = db.session.get(ServiceRule, service, with_for_update=True)
        before = Rule(**{name: getattr(row, name) for name in NAMES}) if row is not None else Rule()
        after = replace(before, **values)
        _check(after)
        if row is None:
            row = ServiceRule(service_id=service)
            db.session.add(row)
        for name, value in asdict(after).items():
            setattr(row, name, value)
        db.session.flush()
        audit.record("chat.rule", "service", service_key, asdict(before), asdict(after))
        return after


def _check(rule: Rule) -> None:
    for name in TIMES:
        seconds = getattr(rule, name)
        if seconds is not None and not LEAST <= seconds <= MOST:
            words = Text(f"Times are {LEAST} to {MOST} seconds", f"Время — от {LEAST} до {MOST} секунд")
            raise Rejected(words, "chat-rule-seconds")
    if rule.close_seconds is not None and rule.warn_seconds is None:
        words = Text(
            "A chat is closed after a warning: set its time too",
            "Чат закрывается после предупреждения: задайте и его время",
        )
        raise Rejected(words, "chat-rule-close")
    if rule.greeting not in GREETINGS:
        raise Rejected(Text("There is no such kind of greeting", "Такого вида приветствия нет"), "chat-rule-greeting")
    if rule.greeting != "none" and not plain_text(rule.greeting_html.en):
        raise Rejected(Text("Write the greeting", "Напишите приветствие"), "greeting-empty")
