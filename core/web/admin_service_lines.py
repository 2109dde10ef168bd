"""The support lines of a service, and trying its route."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from flask import request
from flask_babel import get_timezone

from core import clock, lines, route_check
from core import services as operations
from core.calendars.field_reading import FieldError
from core.calendars.working_duration import WorkingDuration
from core.contracts import Rejected, Text
from core.house import okno
from core.model import SupportLine
from core.permissions import require
from core.schemas import Invalid
from core.web.admin_frame import Answer, FormState, attempt, blueprint, done, draw, found, posted_rows

LINE = ("number", "title_ru", "title_en", "take", "solve")


@blueprint.get("/services/<key>/lines")
@require("admin.services")
def service_lines(key: str) -> Answer:
    """The lines of a service with their targets."""
    shown = found(lambda: operations.get_service(key))
    rows = [line_row(line) for line in lines.lines_of([shown.id])[shown.id]]
    return draw("service_lines", FormState({"rows": rows}), service=shown)


@blueprint.post("/services/<key>/lines")
@require("admin.services")
def set_service_lines(key: str) -> Answer:
    """Let a service have exactly the lines of the form."""
    service_id = found(lambda: operations.get_service(key)).id
    rows = posted_rows("lines", *LINE)
    errors = attempt(lambda: lines.set_lines(service_id, [_line(row) for row in rows]))
    if errors:
        return draw("service_lines", FormState({"rows": rows}, errors), service=operations.get_service(key))
    return done("admin.service_lines", key=key)


@blueprint.get("/services/<key>/route")
@require("admin.services")
def try_route(key: str) -> Answer:
    """Who would get an interaction now, and why the others would not."""
    shown = found(lambda: operations.get_service(key))
    asked = {name: request.args.get(name, "").strip() for name in ("channel", "at", "line", "waited")}
    try:
        result = route_check.check(
            key,
            asked["channel"],
            at=_moment(asked["at"]),
            line=_whole(asked["line"], 1),
            waited=_whole(asked["waited"], 0),
        )
        problem = None
    except Rejected as refusal:
        result, problem = None, refusal.text
    return draw("route", service=shown, result=result, problem=problem, asked=asked, channels=okno().channels)


def line_row(line: SupportLine) -> dict[str, str]:
    """A line as its form shows it; spans as 15m, 4h."""
    return {
        "number": str(line.number),
        "title_ru": line.title_ru,
        "title_en": line.title_en,
        "take": span_text(line.take_seconds),
        "solve": span_text(line.solve_seconds),
    }


def span_text(seconds: int) -> str:
    """Seconds as they are typed: "1h 30m", "" for none."""
    parts = ((seconds // 3600, "h"), (seconds % 3600 // 60, "m"), (seconds % 60, "s"))
    return " ".join(f"{amount}{unit}" for amount, unit in parts if amount)


def _line(row: dict[str, str]) -> lines.Line:
    if not row.get("number", "").isdecimal():
        raise Invalid({"lines": Text("Each line has a number from 1 to 9.", "У каждой линии есть номер от 1 до 9.")})
    number = int(row["number"])
    take, solve = _seconds(number, row.get("take", "")), _seconds(number, row.get("solve", ""))
    return lines.Line(number, row.get("title_en", ""), row.get("title_ru", ""), take, solve)


def _seconds(number: int, text: str) -> int:
    if not text:
        return 0
    try:
        duration = WorkingDuration.parse(text)
    except FieldError:
        duration = None
    if duration is None or duration.days:
        words = Text(
            f"Line {number}: write a target as 15m or 1h 30m, in hours of the service.",
            f"Линия {number}: пишите срок так: 15m или 1h 30m, в рабочем времени сервиса.",
        )
        raise Invalid({"lines": words})
    return int(duration.time.total_seconds())


def _whole(text: str, default: int) -> int:
    if not text:
        return default
    if not text.isdecimal() or int(text) > 10_000_000:
        words = Text("Please enter a whole number, not below zero.", "Введите целое число, не меньше нуля.")
        raise Rejected(words, "invalid")
    return int(text)


def _moment(text: str) -> datetime:
    if not text:
        return clock.now()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Rejected(
            Text("Write a time as 2026-12-31 18:30.", "Пишите время так: 2026-12-31 18:30."), "invalid"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=get_timezone() or ZoneInfo("UTC"))
