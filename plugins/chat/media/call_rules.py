"""What a service allows beside the text of its chats: audio, video, recording, a look at the visitor's page."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from sqlalchemy import select

from core import audit
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.model import Service
from core.shelf import Shelf
from plugins.chat.models import CallRule


@dataclass(frozen=True, slots=True)
class Rule:
    """``recorded``: calls are recorded, and the visitor must agree to it before one begins."""

    audio: bool = True
    video: bool = True
    recorded: bool = False
    cobrowse: bool = True

    def allows(self, media: str) -> bool:
        """Whether a call of this kind ("audio" or "video") may be made."""
        return self.video if media == "video" else self.audio


def _read() -> dict[int, Rule]:
    rows = db.session.scalars(select(CallRule))
    return {row.service_id: Rule(row.audio, row.video, row.recorded, row.cobrowse) for row in rows}


_rules: Shelf[dict[int, Rule]] = Shelf("chat_call_rules", _read, [CallRule])


def rule_of(service_id: int) -> Rule:
    """The rule of a service; without one of its own, everything but recording."""
    return _rules().get(service_id, Rule())


def set_rule(service_key: str, rule: Rule) -> None:
    """Keep the rule of a service. Raises ``Rejected``: ``service-unknown``."""
    with transaction():
        service_id = db.session.scalar(select(Service.id).where(Service.key == service_key))
        if service_id is None:
            words = Text(f"There is no service '{service_key}'", f"Нет сервиса «{service_key}»")
            raise Rejected(words, "service-unknown")
        before = rule_of(service_id)
        db.session.merge(CallRule(service_id=service_id, **asdict(rule)))
        audit.record("chat.call_rule", "service", service_key, asdict(before), asdict(rule))
