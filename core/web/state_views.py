"""How the agent's state looks: words, colours, the menu's choices and the banner that tells why the state has changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import request
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from core import presence, reasons, states_away
from core.contracts import Text
from core.db import db
from core.model import Interaction, Offer, Presence, PresenceChange, StateReason, User

STATES: dict[str, tuple[Text, str, str]] = {
    "ready": (Text("Ready", "Готов"), "good", "circle-check"),
    "ringing": (Text("Offer", "Предложение"), "accent", "bell"),
    "busy": (Text("Busy", "Занят"), "warn", "headset"),
    "wrap_up": (Text("Wrap-up", "Постобработка"), "violet", "clipboard-check"),
    "not_ready": (Text("Not ready", "Не готов"), "bad", "clock-pause"),
    "offline": (Text("Offline", "Не в сети"), "", "wifi-off"),
}
READY_BUTTON = (Text("Ready", "Готов"), "/desk/state")
BACK_BUTTON = (Text("I am here", "Я здесь"), "/desk/back")
MISSED = {
    reasons.NO_ANSWER: (
        Text("You did not answer in time: {} is back in the queue.", "Вы не ответили вовремя: {} снова в очереди."),
        "phone-off",
    ),
    reasons.REJECTED: (
        Text("You declined: {} is back in the queue.", "Вы отказались: {} снова в очереди."),
        "thumb-down",
    ),
}
NO_MORE = Text("Nothing new is offered until you press Ready.", "Новые не предлагаются, пока вы не нажмёте «Готов».")


@dataclass(frozen=True, slots=True)
class Banner:
    """A line under the status bar. ``key`` tells one happening from the next; ``button`` is a label and where it POSTs to."""

    key: str
    text: Text
    tone: str
    icon: str
    button: tuple[Text, str] | None = None


def state_view(state: str) -> dict[str, Any]:
    """Label, tone and icon of an agent's state."""
    label, tone, icon = STATES.get(state, STATES["offline"])
    return {"label": label, "tone": tone, "icon": icon}


def _reasons() -> list[StateReason]:
    """All reasons, read once a request."""
    kept = request.environ
    if "okno.reasons" not in kept:
        kept["okno.reasons"] = reasons.list_reasons()
    found: list[StateReason] = kept["okno.reasons"]
    return found


def choices() -> list[tuple[str, Text, str]]:
    """The reasons an agent may choose: key, label, icon; plain Not ready first."""
    chosen = [row for row in _reasons() if row.active and not row.automatic]
    return [("", reasons.NONE, "clock-pause"), *((r.key, Text(r.title_en, r.title_ru), r.icon) for r in chosen)]


def reason_text(reason: str) -> Text:
    """The label of any reason, the automatic ones included."""
    found = next((row for row in _reasons() if row.key == reason), None)
    return Text(found.title_en, found.title_ru) if found else reasons.label_of(reason)


def state_words(state: str, reason: str = "") -> Text:
    """«Не готов: обед» in one text; the reason alone says enough where there is one."""
    return reason_text(reason) if state == presence.NOT_READY and reason else STATES[state][0]


def short_name(user: User | None) -> str:
    """«Е. Орлова»."""
    if user is None:
        return ""
    return f"{user.first_name[:1]}. {user.last_name}" if user.first_name and user.last_name else user.name


def banner(row: Presence | None) -> Banner | None:
    """Why the state is what it is, where the agent did not choose it; None where there is nothing to say."""
    if row is None or row.state == presence.OFFLINE:
        return None
    if row.state in presence.WORKING:
        return _coming(row)
    if row.state == presence.NOT_READY and row.reason in MISSED:
        return _missed(row, row.reason)
    change = presence.last_change(row.user_id)
    if change is None:
        return None
    if change.cause == "supervisor":
        return _forced(row, change)
    if row.reason == reasons.AWAY and change.cause == states_away.IDLE:
        text = Text(
            "You seem to be away, so nothing is offered to you.",
            "Похоже, вы отошли: новые обращения вам не предлагаются.",
        )
        return Banner(f"change-{change.id}", text, "warn", "user-off", BACK_BUTTON)
    if row.reason == reasons.CONNECTION_LOST:
        text = Text(
            "The connection to your desk was lost. Live conversations went back to the queue, letters stayed with you.",
            "Связь с рабочим местом прерывалась. Живые разговоры вернулись в очередь, письма остались у вас.",
        )
        return Banner(f"change-{change.id}", text, "warn", "wifi-off", READY_BUTTON)
    return None


def _coming(row: Presence) -> Banner | None:
    """What has been decided for the time after the work in hand."""
    if row.next_reason in MISSED:
        return _missed(row, row.next_reason)
    if row.next_by_id is None:
        return None
    who, words = short_name(db.session.get(User, row.next_by_id)), state_words(row.next_state, row.next_reason)
    text = Text(
        f"Supervisor {who}: after the work in hand your state will be «{words.en}».",
        f"Супервизор {who}: после текущих обращений вы перейдёте в состояние «{words.ru}».",
    )
    return Banner(f"next-{row.user_id}-{row.version}", text, "info", "user-shield")


def _forced(row: Presence, change: PresenceChange) -> Banner:
    who = short_name(db.session.get(User, change.actor_id)) if change.actor_id else ""
    words = state_words(row.state, row.reason)
    text = Text(
        f"Supervisor {who} has set your state to «{words.en}».",
        f"Супервизор {who} перевёл вас в состояние «{words.ru}».",
    )
    button = READY_BUTTON if row.state == presence.NOT_READY else None
    return Banner(f"change-{change.id}", text, "info", "user-shield", button)


def _missed(row: Presence, how: str) -> Banner:
    offer = db.session.scalar(
        select(Offer)
        .where(Offer.agent_id == row.user_id, Offer.outcome == how)
        .options(joinedload(Offer.interaction).joinedload(Interaction.case))
        .order_by(Offer.offered_at.desc())
        .limit(1)
    )
    case = offer.interaction.case if offer else None
    about, icon = MISSED[how]
    name = f"№ {case.number} «{case.subject[:80]}»" if case else ""
    text = Text(
        f"{about.en.format(name or 'the interaction')} {NO_MORE.en}",
        f"{about.ru.format(name or 'обращение')} {NO_MORE.ru}",
    )
    return Banner(f"offer-{offer.id if offer else row.version}", text, "warn", icon, READY_BUTTON)
