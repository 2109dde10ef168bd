"""Callbacks as people look at them: who waits and whose turn it is, what was promised, what became of the others."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select, true
from sqlalchemy.orm import joinedload

from core.contracts import Text
from core.db import db
from core.model import Case, Contact, Interaction, User
from plugins.voice.calls import waiting
from plugins.voice.models.registration import VoiceCallback
from plugins.voice.registration.callbacks import OPEN
from plugins.voice.sheets import sheet

PAGE = 50
MOST_EXPORTED, EXPORTED_AT_ONCE = 20_000, 500
TITLES = {
    "waiting": Text("Waiting", "Ждут"),
    "promised": Text("Promised", "Обещаны"),
    "paused": Text("To be tried again", "Ждут новой попытки"),
    "calling": Text("Being called", "Звоним"),
    "done": Text("Called back", "Перезвонили"),
    "failed": Text("Not reached", "Не дозвонились"),
    "cancelled": Text("Cancelled", "Отменены"),
}
# Of one callback, and its colour.
WORDS = {
    "waiting": (Text("Waiting", "Ждёт"), "warn"),
    "promised": (Text("Promised", "Обещан"), "accent"),
    "paused": (Text("To be tried again", "Ждёт новой попытки"), "warn"),
    "calling": (Text("Being called", "Звоним"), "accent"),
    "done": (Text("Called back", "Перезвонили"), "good"),
    "failed": (Text("Not reached", "Не дозвонились"), "bad"),
    "cancelled": (Text("Cancelled", "Отменён"), ""),
}
ENDED = ("done", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class Asked:
    """Of which services (None: of all), and the time in which those that are over ended. ``state`` "" is all that are open."""

    since: datetime
    until: datetime
    state: str = ""
    service_ids: Sequence[int] | None = None

    @property
    def ended(self) -> bool:
        """Whether what is over is asked for: the newest first then, else the oldest."""
        return self.state in ENDED


@dataclass(frozen=True, slots=True)
class Row:
    """A callback. ``place`` in the queue from 1, 0 when it does not stand in it; ``wait`` in seconds, None when it is not known."""

    callback: VoiceCallback
    case_number: str
    name: str
    place: int
    wait: int | None

    @property
    def state(self) -> str:
        """One of :data:`TITLES`."""
        if self.callback.state != "waiting" or self.callback.due_at is None:
            return self.callback.state
        return "promised" if self.callback.by_id is not None else "paused"

    @property
    def who(self) -> User | None:
        """Who calls, has promised it, rings for it or has ended it."""
        agent: User | None = self.callback.interaction.agent
        return self.callback.by if self.state in (*ENDED, "promised") else agent

    @property
    def missed(self) -> int:
        """How often nobody was reached."""
        return self.callback.attempts - (self.callback.state in ("calling", "done"))


def _visible(service_ids: Sequence[int] | None) -> ColumnElement[bool]:
    return true() if service_ids is None else VoiceCallback.service_id.in_(service_ids)


def _when(asked: Asked) -> ColumnElement[bool]:
    return and_(VoiceCallback.ended_at >= asked.since, VoiceCallback.ended_at < asked.until)


def counts(asked: Asked) -> dict[str, int]:
    """How many there are in each state; one statement."""
    state = case(*((and_(*_of_open(name)), name) for name in ("promised", "paused")), else_=VoiceCallback.state)
    query = (
        select(state, func.count())
        .where(_visible(asked.service_ids), or_(VoiceCallback.state.in_(OPEN), _when(asked)))
        .group_by(state)
    )
    found = {row[0]: row[1] for row in db.session.execute(query)}
    return {name: found.get(name, 0) for name in TITLES}


def page(asked: Asked, *, beyond: int | None = None, limit: int = PAGE) -> list[Row]:
    """Callbacks by id: the open ones from the oldest on, the others from the newest back; ``beyond`` pages on. Three statements."""
    query = (
        select(VoiceCallback, Case.number, Contact.name)
        .join(Interaction, Interaction.id == VoiceCallback.interaction_id)
        .join(Case, Case.id == Interaction.case_id)
        .outerjoin(Contact, Contact.id == Interaction.contact_id)
        .where(_visible(asked.service_ids), *_of_state(asked))
        .options(
            joinedload(VoiceCallback.interaction).joinedload(Interaction.agent),
            joinedload(VoiceCallback.service),
            joinedload(VoiceCallback.by),
        )
    )
    key = VoiceCallback.id
    if beyond is not None:
        query = query.where(key < beyond if asked.ended else key > beyond)
    rows = db.session.execute(query.order_by(key.desc() if asked.ended else key).limit(limit)).all()
    return _placed(rows)


def _of_state(asked: Asked) -> list[ColumnElement[bool]]:
    if asked.ended:
        return [VoiceCallback.state == asked.state, _when(asked)]
    if asked.state in ("waiting", "promised", "paused"):
        return _of_open(asked.state)
    return [VoiceCallback.state == asked.state] if asked.state else [VoiceCallback.state.in_(OPEN)]


def _of_open(state: str) -> list[ColumnElement[bool]]:
    """What waits: in the queue, until a time that was promised, or until the next try."""
    waits, due, by = VoiceCallback.state == "waiting", VoiceCallback.due_at, VoiceCallback.by_id
    if state == "waiting":
        return [waits, due.is_(None)]
    return [waits, due.is_not(None), by.is_not(None) if state == "promised" else by.is_(None)]


def _placed(rows: Sequence[Any]) -> list[Row]:
    queued: Collection[int] = [
        one.interaction_id for one, _, _ in rows if one.state == "waiting" and one.due_at is None
    ]
    places = waiting.places(queued)
    paces = waiting.paces({one.service_id for one, _, _ in rows}) if places else {}
    found = []
    for one, number, name in rows:
        place = places.get(one.interaction_id, 0)
        found.append(Row(one, number, name or "", place, waiting.wait_seconds(place, paces.get(one.service_id))))
    return found


def every(asked: Asked) -> Iterator[Row]:
    """All of them for a file, at most :data:`MOST_EXPORTED`, read in pages."""
    beyond: int | None = None
    for _ in range(MOST_EXPORTED // EXPORTED_AT_ONCE):
        rows = page(asked, beyond=beyond, limit=EXPORTED_AT_ONCE)
        yield from rows
        if len(rows) < EXPORTED_AT_ONCE:
            return
        beyond = rows[-1].callback.id


def callbacks_csv(rows: Iterable[Row], language: str) -> str:
    """The list for a spreadsheet; times in UTC."""
    head = (
        Text("Id", "№"),
        Text("Number", "Номер"),
        Text("Contact", "Клиент"),
        Text("Service", "Сервис"),
        Text("State", "Состояние"),
        Text("Asked at", "Заказан"),
        Text("Call at", "Позвонить в"),
        Text("Ended at", "Завершён"),
        Text("Failed attempts", "Неудачных попыток"),
        Text("Agent", "Оператор"),
        Text("Reason", "Причина"),
        Text("Case", "Запрос"),
    )
    return sheet(
        [title.to(language) for title in head],
        (
            (
                row.callback.id,
                row.callback.number,
                row.name,
                row.callback.service.title_ru if language == "ru" else row.callback.service.title_en,
                WORDS[row.state][0].to(language),
                *(_moment(at) for at in (row.callback.wanted_at, row.callback.due_at, row.callback.ended_at)),
                row.missed,
                row.who.name if row.who else "",
                row.callback.reason,
                row.case_number,
            )
            for row in rows
        ),
    )


def _moment(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S") if at else ""
