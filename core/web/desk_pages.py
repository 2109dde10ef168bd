"""Panels of the desk: home, group queue, cases, search, a contact; and the frame's own refresh."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from flask import abort, render_template, request
from flask_babel import get_timezone

from core.clock import now
from core.contracts import SearchQuery, SearchResult, SearchSource
from core.house import okno
from core.permissions import require
from core.web import case_files, case_queries, case_views, desk_frame, desk_indicators, desk_queries, home

SORTS = ("queue", "oldest", "newest")
STATUSES = ("active", "open", "pending", "closed", "all")


def midnight() -> datetime:
    """When the viewer's day began."""
    zone = get_timezone() or ZoneInfo("UTC")
    return now().astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)


@require("desk.use")
def shell() -> str:
    """The home page; asked for by a browser, with the whole desk around it."""
    user = desk_frame.signed_in()
    context = desk_frame.context_of(user, None)
    return render_template(
        "desk/home.html",
        home=home.home(user),
        tiles=[tile for tile in okno().hooks.home_tiles(context) if desk_frame.permitted(user, tile.permission)],
        channels=list(okno().channels.values()),
        user=user,
    )


def _number(name: str) -> int | None:
    value = request.args.get(name, "")
    return int(value) if value.isdigit() else None


def _one_of(name: str, choices: tuple[str, ...]) -> str:
    value = request.args.get(name, "")
    return value if value in choices else choices[0]


@require("case.view")
def queue() -> str:
    """The group queue, a page of 50; ``after`` continues it."""
    user = desk_frame.signed_in()
    service_id, channel, sort = _number("service"), request.args.get("channel", ""), _one_of("sort", SORTS)
    after = request.args.get("after", "")
    page = desk_queries.queue_page(user, service_id=service_id, channel=channel, sort=sort, after=after)
    return render_template(
        "desk/queue_rows.html" if after else "desk/queue.html",
        page=page,
        services=desk_queries.services_to_choose(user),
        channels=okno().channels,
        chosen={"service": service_id, "channel": channel, "sort": sort},
    )


@require("case.view")
def cases() -> str:
    """The agent's own cases, or all that may be seen."""
    user = desk_frame.signed_in()
    scope, status, service_id = _one_of("scope", ("mine", "all")), _one_of("status", STATUSES), _number("service")
    after = request.args.get("after", "")
    page = desk_queries.case_page(user, scope=scope, status=status, service_id=service_id, after=after)
    return render_template(
        "desk/cases_rows.html" if after else "desk/cases.html",
        page=page,
        services=desk_queries.services_to_choose(user),
        chosen={"scope": scope, "status": status, "service": service_id},
    )


def _results(limit: int, prefix: bool) -> list[tuple[SearchSource, SearchResult]]:
    text, kind = request.args.get("q", "").strip()[:200], request.args.get("kind", "")
    user = desk_frame.signed_in()
    if not text:
        return []
    sources = [
        source
        for source in okno().search_sources.values()
        if desk_frame.permitted(user, source.permission) and kind in ("", source.kind)
    ]
    return [(source, source.search(SearchQuery(text, limit=limit, prefix=prefix))) for source in sources]


@require("case.view")
def documents() -> str:
    """The files of a case, for instance of the one in focus."""
    case = case_views.seen_case(_number("case") or 0)
    return render_template("desk/documents.html", case=case, files=case_files.files_of(case.id))


@require("desk.use")
def search() -> str:
    """Everything found, by source."""
    results = _results(40, prefix=False)
    words = {"q": request.args.get("q", ""), "kind": request.args.get("kind", "")}
    return render_template("desk/search.html", results=results, sources=okno().search_sources, **words)


@require("desk.use")
def quick_search() -> str:
    """The first of each source, as you type."""
    return render_template("desk/search_quick.html", results=_results(6, prefix=True), q=request.args.get("q", ""))


@require("contact.view")
def contact(contact_id: int) -> str:
    """A contact with addresses and cases."""
    found = case_queries.contact_card(contact_id)
    if found is None:
        abort(404)
    return render_template("desk/contact.html", contact=found, cases=case_queries.cases_of(contact_id))


@require("desk.use")
def around() -> str:
    """Fresh status bar, function bar and active interactions, swapped out of band."""
    return render_template("desk/around.html")


@require("desk.use")
def indicators() -> str:
    """Fresh numbers of the status bar."""
    return render_template("desk/indicators.html", shown=desk_indicators.indicators(desk_frame.signed_in()))


@require("desk.use")
def offers() -> str:
    """What rings now."""
    return render_template("desk/offers.html", offers=desk_queries.open_offers(desk_frame.signed_in()))
