"""How urgent a case is, and what is promised for it (S-01, S-02)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from core.calendars.field_reading import FieldError, choice_in, joined, mapping_in, refuse_unknown, text_in
from core.calendars.working_duration import WorkingDuration

IMMEDIATELY = WorkingDuration()


class Priority(StrEnum):
    """Most urgent first."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Measure(StrEnum):
    """What a promise counts: the service's opening hours, or every hour."""

    BUSINESS = "business"
    CALENDAR = "calendar"


class UnknownLevel(ValueError):
    """The matrix has no such impact or scope."""


@dataclass(frozen=True)
class PriorityMatrix:
    """Impact × scope → priority. The names of both are the administrator's; every impact has every scope."""

    rows: Mapping[str, Mapping[str, Priority]] = field(hash=False)

    @property
    def impacts(self) -> tuple[str, ...]:
        """In the order given."""
        return tuple(self.rows)

    @property
    def scopes(self) -> tuple[str, ...]:
        """In the order given."""
        return tuple(next(iter(self.rows.values())))

    def priority(self, impact: str, scope: str) -> Priority:
        """The priority of a case; `UnknownLevel` when the matrix has no such impact or scope."""
        if impact not in self.rows:
            raise UnknownLevel(f"no impact {impact!r}; known: {', '.join(self.impacts)}")
        if scope not in self.rows[impact]:
            raise UnknownLevel(f"no scope {scope!r}; known: {', '.join(self.scopes)}")
        return self.rows[impact][scope]

    @classmethod
    def from_dict(cls, given: object, field: str = "matrix") -> PriorityMatrix:
        """Read `{"high": {"organisation": "critical", …}, …}`; a hole in the matrix is a `FieldError`."""
        rows = {
            text_in(impact, field): _row_in(row, joined(field, str(impact)))
            for impact, row in mapping_in(given, field).items()
        }
        scopes = list(dict.fromkeys(scope for row in rows.values() for scope in row))
        if not scopes:
            raise FieldError(field, "the matrix is empty")
        for impact, row in rows.items():
            for scope in scopes:
                if scope not in row:
                    raise FieldError(joined(joined(field, impact), scope), "has no priority")
        return cls({impact: {scope: row[scope] for scope in scopes} for impact, row in rows.items()})

    def to_dict(self) -> dict[str, dict[str, str]]:
        """What `from_dict` reads."""
        return {impact: {scope: str(priority) for scope, priority in row.items()} for impact, row in self.rows.items()}


@dataclass(frozen=True)
class Target:
    """What is promised for one priority, both counted from the registration of the case.

    A `resolution` of `IMMEDIATELY` means that work goes on without a stop from the first response: it has no time of
    its own and is due together with the response.
    """

    response: WorkingDuration
    resolution: WorkingDuration

    @classmethod
    def from_dict(cls, given: object, field: str) -> Target:
        """Read `{"response": "30m", "resolution": "1d"}`; the resolution may be `immediately`."""
        table = mapping_in(given, field)
        refuse_unknown(table, ("response", "resolution"), field)
        response = WorkingDuration.parse(table.get("response"), joined(field, "response"))
        if response == IMMEDIATELY:
            raise FieldError(joined(field, "response"), "nobody can respond in no time")
        own = joined(field, "resolution")
        if table.get("resolution") == "immediately":
            return cls(response, IMMEDIATELY)
        resolution = WorkingDuration.parse(table.get("resolution"), own)
        if resolution == IMMEDIATELY:
            raise FieldError(own, "nobody can resolve in no time; to be due with the response write immediately")
        return cls(response, resolution)

    def to_dict(self) -> dict[str, str]:
        """What `from_dict` reads."""
        resolution = "immediately" if self.resolution == IMMEDIATELY else str(self.resolution)
        return {"response": str(self.response), "resolution": resolution}


@dataclass(frozen=True)
class Terms:
    """The promise that a case's clock runs by, in open time: days are already made hours of one calendar.

    `calendar` is the name under which the caller knows the calendar, kept so that a changed one finds its cases.
    `warn_percent` is the share of a target after which its warning is due.
    """

    priority: Priority
    calendar: str
    response: timedelta
    resolution: timedelta
    warn_percent: int = 80

    def __post_init__(self) -> None:
        if not timedelta(0) < self.response <= self.resolution:
            raise ValueError(f"expected 0 < response ≤ resolution, got {self.response} and {self.resolution}")
        if not 1 <= self.warn_percent <= 99:
            raise ValueError(f"expected a warning at 1 to 99 percent, got {self.warn_percent}")


@dataclass(frozen=True)
class Policy:
    """The promises of a service or contract: a target for each priority, how they are measured, when to warn."""

    targets: Mapping[Priority, Target] = field(hash=False)
    measure: Measure = Measure.BUSINESS
    warn_percent: int = 80

    def terms(self, priority: Priority, calendar: str, day_length: timedelta) -> Terms:
        """The terms for one case, by the `day_length` of the working time that will measure it."""
        target = self.targets[priority]
        response = target.response.lasting(day_length)
        resolution = max(target.resolution.lasting(day_length), response)
        return Terms(priority, calendar, response, resolution, self.warn_percent)

    @classmethod
    def from_dict(cls, given: object, field: str = "") -> Policy:
        """Read `{"measure": "business", "warn_percent": 80, "targets": {"critical": {…}, …}}`.

        What is absent has its default; what can't be understood is a `FieldError`.
        """
        table = mapping_in(given, field)
        refuse_unknown(table, ("measure", "warn_percent", "targets"), field)
        own = joined(field, "targets")
        targets = dict(DEFAULT_TARGETS)
        for name, target in mapping_in(table.get("targets", {}), own).items():
            priority = choice_in(Priority, name, joined(own, str(name)))
            targets[priority] = Target.from_dict(target, joined(own, str(name)))
        measure = choice_in(Measure, table.get("measure", Measure.BUSINESS), joined(field, "measure"))
        return cls(targets, measure, _percent_in(table.get("warn_percent", 80), joined(field, "warn_percent")))

    def to_dict(self) -> dict[str, object]:
        """What `from_dict` reads."""
        targets = {str(priority): target.to_dict() for priority, target in self.targets.items()}
        return {"measure": str(self.measure), "warn_percent": self.warn_percent, "targets": targets}


def _row_in(value: object, field: str) -> dict[str, Priority]:
    return {
        text_in(scope, field): choice_in(Priority, priority, joined(field, str(scope)))
        for scope, priority in mapping_in(value, field).items()
    }


def _percent_in(value: object, field: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 99:
        raise FieldError(field, f"expected a whole number from 1 to 99, got {value!r}")
    return value


DEFAULT_TARGETS: Mapping[Priority, Target] = {
    Priority.CRITICAL: Target(WorkingDuration(time=timedelta(minutes=30)), IMMEDIATELY),
    Priority.HIGH: Target(WorkingDuration(time=timedelta(minutes=45)), WorkingDuration(days=1)),
    Priority.MEDIUM: Target(WorkingDuration(days=1), WorkingDuration(days=7)),
    Priority.LOW: Target(WorkingDuration(days=1), WorkingDuration(days=14)),
}
DEFAULT_POLICY = Policy(DEFAULT_TARGETS)
DEFAULT_MATRIX = PriorityMatrix.from_dict(
    {
        "high": {"organisation": "critical", "team": "high", "person": "medium"},
        "medium": {"organisation": "high", "team": "medium", "person": "low"},
        "low": {"organisation": "medium", "team": "low", "person": "low"},
    }
)
