"""How good the connections of calls were, call by call and by agent. A call is poor when any party's loss or jitter was once over
the limits of :func:`plugins.voice.calls.talk.is_poor`; who only listened in is left out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.orm import joinedload

from core.contracts import Text
from core.db import db
from core.model import Case, User
from plugins.voice.calls.book import PEOPLE
from plugins.voice.calls.talk import FIGURES, MEANS, MOST_JITTER, MOST_LOSS, is_poor
from plugins.voice.models.calls import VoiceCall, VoiceLeg
from plugins.voice.models.quality import SoundReport
from plugins.voice.quality import sound_reports
from plugins.voice.quality.looks import Looks
from plugins.voice.registration import report
from plugins.voice.sheets import sheet

PAGE, EXPORTED_AT_ONCE = 50, 500
MOST_EXPORTED = 20_000
NOTHING = Looks(0, 0.0, 0.0)
POOR = or_(VoiceLeg.worst_loss > MOST_LOSS, VoiceLeg.worst_jitter > MOST_JITTER)


@dataclass(frozen=True, slots=True)
class Asked(report.Asked):
    """Also ``poor``: only those; ``said``: only those with words of an agent."""

    poor: bool = False
    said: bool = False


@dataclass(frozen=True, slots=True)
class Side:
    """What was measured at one side of a call: percent lost and milliseconds, last, worst and in the mean of all looks (None: of
    calls before means were kept)."""

    loss_percent: float
    jitter_ms: float
    rtt_ms: float
    worst_loss: float
    worst_jitter: float
    mean_loss: float | None
    mean_jitter: float | None
    samples: int

    @property
    def poor(self) -> bool:
        """Whether people noticed."""
        return is_poor(self.worst_loss, self.worst_jitter)


@dataclass(frozen=True, slots=True)
class Measured:
    """A call as the page shows it; a side that nothing was measured of is None."""

    call: VoiceCall
    case_number: str
    agent: Side | None
    other: Side | None
    reports: Sequence[SoundReport]

    @property
    def poor(self) -> bool:
        """Whether one of the sides was."""
        return any(side is not None and side.poor for side in (self.agent, self.other))


@dataclass(frozen=True, slots=True)
class Line:
    """The calls of an agent, or of all: how many were measured, poor, complained about; the worst of them, the mean of all looks."""

    title: str
    measured: int
    poor: int
    said: int
    worst_loss: float | None
    worst_jitter: float | None
    mean_loss: float | None = None
    mean_jitter: float | None = None
    id: int = 0

    @property
    def percent(self) -> float | None:
        """How many of 100 were poor; None when nothing was measured."""
        return round(100 * self.poor / self.measured, 1) if self.measured else None


# --- call by call ------------------------------------------------------------------------------------


def _conditions(asked: Asked) -> list[ColumnElement[bool]]:
    conditions = report.answered(asked)
    if asked.poor:
        legs = select(VoiceLeg.id).where(VoiceLeg.call_id == VoiceCall.id, VoiceLeg.kind.in_(PEOPLE), POOR)
        conditions.append(legs.exists())
    if asked.said:
        conditions.append(select(SoundReport.call_id).where(SoundReport.call_id == VoiceCall.id).exists())
    return conditions


def page(asked: Asked, *, before: int | None = None, limit: int = PAGE) -> list[Measured]:
    """Answered calls, the newest first; ``before`` pages on by id. Three statements."""
    query = select(VoiceCall, Case.number).outerjoin(Case, Case.id == VoiceCall.case_id).where(*_conditions(asked))
    if before is not None:
        query = query.where(VoiceCall.id < before)
    query = query.options(joinedload(VoiceCall.agent)).order_by(VoiceCall.id.desc()).limit(limit)
    rows = db.session.execute(query).all()
    ids = [call.id for call, _ in rows]
    sides, said = _sides(ids), sound_reports.of_calls(ids)
    return [
        Measured(call, number or "", sides.get((call.id, True)), sides.get((call.id, False)), said.get(call.id, ()))
        for call, number in rows
    ]


def _sides(call_ids: Collection[int]) -> dict[tuple[int, bool], Side]:
    """By call and whether it is the agents' side: the last figures of who came last, the worst and the mean of all there."""
    columns: list[Any] = [getattr(VoiceLeg, name) for name in (*FIGURES, *MEANS)]
    query = select(VoiceLeg.call_id, VoiceLeg.kind == "agent", *columns).where(
        VoiceLeg.call_id.in_(call_ids), VoiceLeg.kind.in_(PEOPLE), VoiceLeg.worst_loss.is_not(None)
    )
    found: dict[tuple[int, bool], Side] = {}
    for call_id, own, *figures in db.session.execute(query.order_by(VoiceLeg.id)):
        side, before = Side(*figures), found.get((call_id, bool(own)))
        if before is not None:
            worst = {name: max(getattr(side, name), getattr(before, name)) for name in ("worst_loss", "worst_jitter")}
            side = replace(side, **worst, **_together(side, before))
        found[call_id, bool(own)] = side
    return found


def _together(one: Side, other: Side) -> dict[str, Any]:
    """The means of two people at one side."""
    both = _looks(one).added(_looks(other))
    return {**_means(both), "samples": both.count}


def _looks(side: Side) -> Looks:
    return Looks(side.samples, side.mean_loss or 0.0, side.mean_jitter or 0.0)


def every(asked: Asked) -> Iterator[Measured]:
    """All of them for a file, at most :data:`MOST_EXPORTED`, read in pages."""
    before: int | None = None
    for _ in range(MOST_EXPORTED // EXPORTED_AT_ONCE):
        rows = page(asked, before=before, limit=EXPORTED_AT_ONCE)
        yield from rows
        if len(rows) < EXPORTED_AT_ONCE:
            return
        before = rows[-1].call.id


# --- by agent ----------------------------------------------------------------------------------------


def by_agent(asked: Asked, language: str) -> tuple[list[Line], Line]:
    """A row for each agent with measured calls or words about them, worst first, and all of them as one. Three statements."""
    asked = replace(asked, poor=False, said=False)
    rows, looks = [row for row in _sums(asked) if row[1] or row[3]], _looks_by_agent(asked)
    users = {
        user.id: user.name for user in db.session.scalars(select(User).where(User.id.in_([row[0] for row in rows])))
    }
    lines = [_line(row, users[row[0]], looks.get(row[0], NOTHING)) for row in rows]
    lines.sort(key=lambda line: (-(line.percent or 0), -line.said, line.title))
    measured, poor, said = (sum(getattr(line, name) for line in lines) for name in ("measured", "poor", "said"))
    loss, jitter = (
        max((value for line in lines if (value := getattr(line, name)) is not None), default=None)
        for name in ("worst_loss", "worst_jitter")
    )
    whole = NOTHING
    for line in lines:
        whole = whole.added(looks.get(line.id, NOTHING))
    return lines, Line(Text("All", "Всего").to(language), measured, poor, said, loss, jitter, **_means(whole))


def _line(row: tuple[Any, ...], title: str, looks: Looks) -> Line:
    agent_id, measured, poor, said, loss, jitter = row
    return Line(title, measured, poor, said, loss, jitter, id=agent_id, **_means(looks))


def _means(looks: Looks) -> dict[str, Any]:
    known = looks.count > 0
    return {
        "mean_loss": round(looks.loss, 2) if known else None,
        "mean_jitter": round(looks.jitter, 1) if known else None,
    }


def _looks_by_agent(asked: Asked) -> dict[int, Looks]:
    """All looks at both sides of the calls of each agent."""
    loss, jitter = VoiceLeg.mean_loss * VoiceLeg.samples, VoiceLeg.mean_jitter * VoiceLeg.samples
    sums: list[Any] = [VoiceCall.agent_id, func.sum(VoiceLeg.samples), func.sum(loss), func.sum(jitter)]
    query = (
        select(*sums)
        .join(VoiceCall, VoiceCall.id == VoiceLeg.call_id)
        .where(*_conditions(asked), VoiceCall.agent_id.is_not(None), VoiceLeg.kind.in_(PEOPLE), VoiceLeg.samples > 0)
        .group_by(VoiceCall.agent_id)
    )
    return {
        agent_id: Looks(int(count), float(lost) / count, float(shook) / count)
        for agent_id, count, lost, shook in db.session.execute(query)
    }


def _sums(asked: Asked) -> list[tuple[Any, ...]]:
    """(agent, measured calls, poor ones, those with words, worst loss, worst jitter); each call counts once."""

    def any_of(condition: ColumnElement[bool]) -> ColumnElement[int]:
        return func.max(case((condition, 1), else_=0))

    columns: list[Any] = [
        VoiceCall.agent_id.label("agent_id"),
        any_of(VoiceLeg.worst_loss.is_not(None)).label("measured"),
        any_of(POOR).label("poor"),
        any_of(SoundReport.call_id.is_not(None)).label("said"),
        func.max(VoiceLeg.worst_loss).label("loss"),
        func.max(VoiceLeg.worst_jitter).label("jitter"),
    ]
    calls = (
        select(*columns)
        .select_from(VoiceCall)
        .outerjoin(VoiceLeg, (VoiceLeg.call_id == VoiceCall.id) & VoiceLeg.kind.in_(PEOPLE))
        .outerjoin(SoundReport, SoundReport.call_id == VoiceCall.id)
        .where(*_conditions(asked), VoiceCall.agent_id.is_not(None))
        .group_by(VoiceCall.id, VoiceCall.agent_id)
        .subquery()
    )
    sums: list[Any] = [func.sum(calls.c[name]) for name in ("measured", "poor", "said")]
    sums += [func.max(calls.c[name]) for name in ("loss", "jitter")]
    query = select(calls.c.agent_id, *sums).group_by(calls.c.agent_id)
    return [tuple(row) for row in db.session.execute(query)]


# --- for a spreadsheet -------------------------------------------------------------------------------

AGENT, OTHER = Text("agent", "оператор"), Text("caller", "собеседник")
SHOWN = {
    "worst_loss": Text("worst loss, %", "худшие потери, %"),
    "worst_jitter": Text("worst jitter, ms", "худший джиттер, мс"),
    "mean_loss": Text("mean loss, %", "средние потери, %"),
    "mean_jitter": Text("mean jitter, ms", "средний джиттер, мс"),
    "loss_percent": Text("last loss, %", "последние потери, %"),
    "jitter_ms": Text("last jitter, ms", "последний джиттер, мс"),
    "rtt_ms": Text("round trip, ms", "туда и обратно, мс"),
}


def calls_csv(rows: Iterable[Measured], language: str) -> str:
    """The calls, a column for each figure of each side."""
    head = [
        Text("Call", "Звонок"),
        Text("Began", "Начало"),
        Text("Number", "Номер"),
        Text("Agent", "Оператор"),
        Text("Case", "Запрос"),
        Text("Talk, s", "Разговор, с"),
        Text("Poor connection", "Плохая связь"),
        *(Text(f"{who.en}: {what.en}", f"{who.ru}: {what.ru}") for who in (AGENT, OTHER) for what in SHOWN.values()),
        Text("Agent's words", "Слова оператора"),
    ]
    yes, no = Text("yes", "да").to(language), Text("no", "нет").to(language)
    lines = [
        [
            row.call.id,
            f"{row.call.started_at:%Y-%m-%d %H:%M:%S}Z",
            number_of(row.call),
            row.call.agent.name if row.call.agent else "",
            row.case_number,
            row.call.talk_seconds,
            (yes if row.poor else no) if row.agent or row.other else "",
            *(_shown(side, name) for side in (row.agent, row.other) for name in SHOWN),
            "; ".join(f"{one.user.name}: {sound_reports.title_of(one, language)}" for one in row.reports),
        ]
        for row in rows
    ]
    return sheet([text.to(language) for text in head], lines)


def _shown(side: Side | None, name: str) -> Any:
    value = getattr(side, name) if side is not None else None
    return "" if value is None else value


def number_of(call: VoiceCall) -> str:
    """The number of who is not at the desk."""
    return call.from_number if call.direction == "in" else call.to_number


def agents_csv(lines: Iterable[Line], total: Line, language: str) -> str:
    """The table by agent."""
    head = [
        Text("Agent", "Оператор"),
        Text("Calls measured", "Звонков измерено"),
        Text("Poor", "Плохих"),
        Text("% poor", "% плохих"),
        Text("Worst loss, %", "Худшие потери, %"),
        Text("Worst jitter, ms", "Худший джиттер, мс"),
        Text("Mean loss, %", "Средние потери, %"),
        Text("Mean jitter, ms", "Средний джиттер, мс"),
        Text("With an agent's words", "С замечанием оператора"),
    ]
    rows = [
        [
            *(line.title, line.measured, line.poor, "" if line.percent is None else f"{line.percent:g}"),
            *("" if value is None else value for value in _figures_of(line)),
            line.said,
        ]
        for line in (*lines, total)
    ]
    return sheet([text.to(language) for text in head], rows)


def _figures_of(line: Line) -> tuple[float | None, ...]:
    return (line.worst_loss, line.worst_jitter, line.mean_loss, line.mean_jitter)
