"""What a case's clock remembers, and how it is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from core.calendars.field_reading import FieldError, choice_in, joined, list_in, mapping_in, refuse_unknown, text_in
from plugins.sla.priority import Priority, Terms

VERSION = 1
_MICROSECOND = timedelta(microseconds=1)


class PhaseKind(StrEnum):
    """What a case is doing. The clock runs in reaction and solution, and stands in waiting and resolved."""

    REACTION = "reaction"
    SOLUTION = "solution"
    WAITING = "waiting"
    RESOLVED = "resolved"

    @property
    def runs(self) -> bool:
        """Whether open time counts."""
        return self in (PhaseKind.REACTION, PhaseKind.SOLUTION)


class Flag(StrEnum):
    """What a clock has warned of or missed; each is raised once."""

    RESPONSE_WARNED = "response_warned"
    RESPONSE_BREACHED = "response_breached"
    RESOLUTION_WARNED = "resolution_warned"
    RESOLUTION_BREACHED = "resolution_breached"


@dataclass(frozen=True)
class Phase:
    """One stretch of a case's life with one holder.

    `ended` is None for the last one. `spent` is the open time in it, set when it ends; zero where the clock stands.
    """

    kind: PhaseKind
    started: datetime
    ended: datetime | None = None
    spent: timedelta = timedelta(0)
    holder: str = ""
    reason: str = ""


@dataclass(frozen=True)
class ClockState:
    """The clock of one promise on one case. Moments are UTC; spans of time are open time.

    A due moment is None while nobody can tell it: the clock stands and the target isn't used up. `flags` are those
    raised so far.
    """

    terms: Terms
    phases: tuple[Phase, ...]
    responded_at: datetime | None = None
    resolved_at: datetime | None = None
    response_due: datetime | None = None
    resolution_due: datetime | None = None
    response_warn_at: datetime | None = None
    resolution_warn_at: datetime | None = None
    flags: frozenset[Flag] = frozenset()
    reopened: int = 0

    @property
    def phase(self) -> Phase:
        """The one that lasts."""
        return self.phases[-1]

    @property
    def started_at(self) -> datetime:
        """When the case was registered."""
        return self.phases[0].started

    @property
    def running(self) -> bool:
        """Whether open time counts now."""
        return self.phase.kind.runs

    def to_dict(self) -> dict[str, object]:
        """A JSON-ready form: moments in ISO 8601, spans of time in whole microseconds."""
        return {
            "version": VERSION,
            "terms": _terms_out(self.terms),
            "phases": [_phase_out(phase) for phase in self.phases],
            "flags": sorted(self.flags),
            "reopened": self.reopened,
            **{name: _moment_out(getattr(self, name)) for name in _MOMENTS},
        }

    @classmethod
    def from_dict(cls, given: object, field: str = "") -> ClockState:
        """Read what `to_dict` wrote; another version or a damaged field is a `FieldError`."""
        table = mapping_in(given, field)
        if table.get("version") != VERSION:
            raise FieldError(joined(field, "version"), f"expected {VERSION}, got {table.get('version')!r}")
        refuse_unknown(table, ("version", "terms", "phases", "flags", "reopened", *_MOMENTS), field)
        own = joined(field, "phases")
        stored = list_in(table.get("phases"), own)
        phases = tuple(_phase_in(phase, f"{own}[{place}]") for place, phase in enumerate(stored))
        if not phases:
            raise FieldError(own, "a clock has at least one phase")
        flags = joined(field, "flags")
        return cls(
            terms=_terms_in(table.get("terms"), joined(field, "terms")),
            phases=phases,
            flags=frozenset(choice_in(Flag, flag, flags) for flag in list_in(table.get("flags"), flags)),
            reopened=_whole_in(table.get("reopened"), joined(field, "reopened")),
            **{name: _optional_moment_in(table.get(name), joined(field, name)) for name in _MOMENTS},
        )


_MOMENTS = ("responded_at", "resolved_at", "response_due", "resolution_due", "response_warn_at", "resolution_warn_at")
_PHASE_FIELDS = ("kind", "started", "ended", "spent", "holder", "reason")
_TERMS_FIELDS = ("priority", "calendar", "response", "resolution", "warn_percent")


def _phase_out(phase: Phase) -> dict[str, object]:
    return {
        "kind": str(phase.kind),
        "started": _moment_out(phase.started),
        "ended": _moment_out(phase.ended),
        "spent": phase.spent // _MICROSECOND,
        "holder": phase.holder,
        "reason": phase.reason,
    }


def _phase_in(value: object, field: str) -> Phase:
    table = mapping_in(value, field)
    refuse_unknown(table, _PHASE_FIELDS, field)
    return Phase(
        kind=choice_in(PhaseKind, table.get("kind"), joined(field, "kind")),
        started=_moment_in(table.get("started"), joined(field, "started")),
        ended=_optional_moment_in(table.get("ended"), joined(field, "ended")),
        spent=_duration_in(table, "spent", field),
        holder=str(table.get("holder", "")),
        reason=str(table.get("reason", "")),
    )


def _terms_out(terms: Terms) -> dict[str, object]:
    return {
        "priority": str(terms.priority),
        "calendar": terms.calendar,
        "response": terms.response // _MICROSECOND,
        "resolution": terms.resolution // _MICROSECOND,
        "warn_percent": terms.warn_percent,
    }


def _terms_in(value: object, field: str) -> Terms:
    table = mapping_in(value, field)
    refuse_unknown(table, _TERMS_FIELDS, field)
    try:
        return Terms(
            priority=choice_in(Priority, table.get("priority"), joined(field, "priority")),
            calendar=str(table.get("calendar", "")),
            response=_duration_in(table, "response", field),
            resolution=_duration_in(table, "resolution", field),
            warn_percent=_whole_in(table.get("warn_percent"), joined(field, "warn_percent")),
        )
    except FieldError:
        raise
    except ValueError as error:
        raise FieldError(field, str(error)) from None


def _moment_out(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat()


def _moment_in(value: object, field: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text_in(value, field))
    except FieldError:
        raise
    except ValueError:
        raise FieldError(field, f"expected a moment in ISO 8601, got {value!r}") from None
    if moment.tzinfo is None:
        raise FieldError(field, f"the moment has no time zone: {value!r}")
    return moment.astimezone(UTC)


def _optional_moment_in(value: object, field: str) -> datetime | None:
    return None if value is None else _moment_in(value, field)


def _duration_in(table: Mapping[object, object], name: str, field: str) -> timedelta:
    return timedelta(microseconds=_whole_in(table.get(name), joined(field, name)))


def _whole_in(value: object, field: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise FieldError(field, f"expected a whole number, got {value!r}")
    return value
