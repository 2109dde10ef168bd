"""The words of notifications: the core's kinds here, those of plugins by the hook ``register_notices``.

Another part of the core that sends a new kind with :func:`core.notifications.notify` adds its line to ``TABLE``. The second line
of a notification, ``data["text"]`` or the case's subject, is drawn by the panel.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from core.contracts import NoticeKind, Text
from core.house import okno
from core.model import Notification
from core.web.language import here
from core.web.state_views import reason_text

SOMEBODY = Text("The system", "Система")
STATES = {
    "ready": Text("Ready", "Готов"),
    "not_ready": Text("Not ready", "Не готов"),
    "offline": Text("Offline", "Не в сети"),
}
Words = Callable[[Mapping[str, Any], str], Text]


@dataclass(frozen=True, slots=True)
class Notice:
    """A notification ready to be shown."""

    row: Notification
    icon: str
    tone: str
    title: str
    text: str
    who: str
    toast: bool


def _line(en: str, ru: str) -> Words:
    """Words with ``{who}``, ``{number}`` and whatever else ``data`` holds."""

    def words(data: Mapping[str, Any], who: str) -> Text:
        facts = defaultdict(str, {key: str(value) for key, value in data.items()})
        return Text(
            en.format_map(facts | {"who": who or SOMEBODY.en}), ru.format_map(facts | {"who": who or SOMEBODY.ru})
        )

    return words


def _forced(data: Mapping[str, Any], who: str) -> Text:
    state = STATES.get(str(data.get("state")), Text(str(data.get("state", "")), str(data.get("state", ""))))
    reason = reason_text(str(data["reason"])) if data.get("reason") else None
    en, ru = (f"{state.en}, {reason.en}", f"{state.ru}, {reason.ru}") if reason else (state.en, state.ru)
    return Text(f"{who or SOMEBODY.en} changed your state: {en}", f"{who or SOMEBODY.ru} меняет ваше состояние: {ru}")


TABLE: tuple[tuple[str, str, str, Words], ...] = (
    ("webhook.disabled", "webhook", "bad", _line("A webhook was switched off after failures: {url}", "Вебхук отключён после неудач: {url}")),
    ("case.mention", "at", "info", _line("{who} mentions you in case {number}", "{who} упоминает вас в запросе № {number}")),
    ("case.message", "message", "info", _line("The contact wrote in case {number}", "Клиент пишет в запросе № {number}")),
    ("case.reply", "arrow-back-up", "neutral", _line("{who} answers in case {number}", "{who} отвечает в запросе № {number}")),
    ("case.note", "note", "neutral", _line("{who} leaves a note in case {number}", "{who} оставляет заметку в запросе № {number}")),
    ("case.closed", "circle-check", "good", _line("Case {number} is closed: {who}", "Запрос № {number} закрыт: {who}")),
    ("case.reopened", "refresh", "warn", _line("Case {number} is open again", "Запрос № {number} снова открыт")),
    ("case.watched", "eye", "neutral", _line("Case {number} has changed", "Запрос № {number} изменился")),
    ("case.assigned", "user-check", "info", _line("Case {number} is assigned to you", "Запрос № {number} назначен вам")),
    ("case.transferred", "transfer", "info", _line("{who} transfers case {number} to you", "{who} передаёт вам запрос № {number}")),
    ("help.wanted", "lifebuoy", "bad", _line("{who} asks for help with case {number}", "{who} просит помощи по запросу № {number}")),
    ("help.coming", "run", "good", _line("{who} is coming to help: case {number}", "{who} идёт на помощь: запрос № {number}")),
    ("ping.asked", "message-question", "info", _line("{who} asks about case {number}", "{who} спрашивает по запросу № {number}")),
    ("ping.answered", "message-check", "good", _line("{who} answers your question on case {number}", "{who} отвечает на ваш вопрос по запросу № {number}")),
    ("ping.withdrawn", "message-off", "neutral", _line("{who} withdraws the question on case {number}", "{who} снимает вопрос по запросу № {number}")),
    ("state.forced", "user-cog", "warn", _forced),
    ("interaction.assigned", "user-check", "info", _line("{who} assigns you an interaction of case {number}", "{who} назначает вам обращение по запросу № {number}")),
    ("interaction.passed", "transfer", "info", _line("{who} passes an interaction of case {number} on to you", "{who} передаёт вам обращение по запросу № {number}")),
    ("interaction.returned", "arrow-back-up", "warn", _line("The interaction of case {number} went back to the queue", "Обращение по запросу № {number} вернулось в очередь")),
    ("participant.invited", "user-plus", "info", _line("{who} invites you to the conversation of case {number}", "{who} приглашает вас в разговор по запросу № {number}")),
    ("outbox.dead", "mail-off", "bad", _line("A message was not delivered: case {number}", "Сообщение не доставлено: запрос № {number}")),
    ("problem.reported", "bug", "warn", _line("{who} reports a problem", "{who} сообщает о проблеме")),
)  # fmt: skip
CORE = {kind: NoticeKind(kind, icon, words, tone) for kind, icon, tone, words in TABLE}  # type: ignore[arg-type]


def kind_of(kind: str) -> NoticeKind:
    """How a kind is shown; one that nobody words any more (its plugin is off) shows its name."""
    return CORE.get(kind) or okno().notices.get(kind) or NoticeKind(kind, "bell", lambda _data, _who: Text(kind, kind))


def notice_of(row: Notification) -> Notice:
    """A notification in the viewer's language."""
    kind, who = kind_of(row.kind), row.actor.name if row.actor else ""
    data = row.data
    return Notice(
        row=row,
        icon=kind.icon,
        tone=kind.tone,
        title=kind.words(data, who).to(here()),
        text=str(data.get("text") or data.get("subject") or ""),
        who=who,
        toast=kind.toast,
    )
