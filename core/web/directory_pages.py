"""The directory's pages: the tab with its groups, the results, the picker of dialogs, favourites, the dial pad, beginning something."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass, field
from typing import Any

from flask import Response, abort, jsonify, render_template, request, url_for
from markupsafe import Markup, escape

from core import directory_book, favourites, outgoing, own_settings
from core.contracts import Channel
from core.db import db
from core.directory_book import Asked, Listed
from core.house import okno
from core.model import Organisation, Team, User
from core.permissions import allowed, require
from core.schemas import INTERNAL
from core.web.desk_commands import done
from core.web.desk_frame import signed_in
from core.web.presence_marks import mark_of

GROUPS = ("colleagues", "favourites", "recents", "services", "contacts", "organisations")
FIRST_FEW = {"colleagues": 8, "services": 5, "contacts": 12, "organisations": 5}
PURPOSES = ("transfer", "conference")
DIAL = re.compile(r"[\d+*#]")


@dataclass(slots=True)
class Shown:
    """What the results show: groups in order, each with its page; what is pinned; what may be begun by kind of address."""

    question: Asked
    group: str
    groups: dict[str, Listed] = field(default_factory=dict)
    pinned: set[tuple[str, int]] = field(default_factory=set)
    starters: dict[str, list[Channel]] = field(default_factory=dict)
    organisation: Organisation | None = None
    team: Team | None = None


def _shown() -> Shown:
    user = signed_in()
    question = directory_book.asked(request.args.get("q", ""))
    group = request.args.get("group", "")
    shown = Shown(question, group if group in GROUPS else "" if question else "colleagues")
    shown.pinned = {(row.kind, row.object_id) for row in favourites.of(user.id)}
    shown.starters = outgoing.starters() if allowed(user, "case.reply") else {}
    organisation, team = request.args.get("organisation", type=int), request.args.get("team", type=int)
    shown.organisation = db.session.get(Organisation, organisation) if organisation else None
    shown.team = db.session.get(Team, team) if team else None
    after = request.args.get("after", "")[:300]
    names = [shown.group] if shown.group else list(FIRST_FEW)
    if not allowed(user, "contact.view"):
        names = [name for name in names if name not in ("contacts", "organisations")]
    for name in names:
        limit = directory_book.PAGE if shown.group else FIRST_FEW[name]
        shown.groups[name] = _listed(name, shown, user, after, limit)
    return shown


def _listed(name: str, shown: Shown, user: User, after: str, limit: int) -> Listed:
    question = shown.question
    if name == "colleagues":
        team_id = shown.team.id if shown.team else None
        return directory_book.people(question, team_id=team_id, after=after, limit=limit)
    if name == "contacts":
        organisation_id = shown.organisation.id if shown.organisation else None
        return directory_book.contacts(question, organisation_id=organisation_id, after=after, limit=limit)
    if name == "organisations":
        return directory_book.organisations(question, after=after, limit=limit)
    if name == "services":
        return directory_book.services(question, limit=limit)
    if name == "recents":
        return Listed(directory_book.recents(user.id))
    return Listed(_favourites(user.id))


def _favourites(user_id: int) -> list[tuple[str, Any]]:
    rows = favourites.of(user_id)
    ids = {kind: [row.object_id for row in rows if row.kind == kind] for kind in favourites.KINDS}
    known = {kind: directory_book.by_ids(kind, found) for kind, found in ids.items()}
    return [(row.kind, known[row.kind][row.object_id]) for row in rows if row.object_id in known[row.kind]]


@require("desk.use")
def directory() -> str:
    """The tab."""
    return render_template("desk/directory.html", shown=_shown(), groups=_groups(), channels=_beginnings())


def _groups() -> tuple[str, ...]:
    hidden = () if allowed(signed_in(), "contact.view") else ("contacts", "organisations")
    return tuple(name for name in GROUPS if name not in hidden)


def _beginnings() -> list[Channel]:
    """Channels whose beginning asks for more than an address, such as a subject."""
    found = outgoing.starters() if allowed(signed_in(), "case.reply") else {}
    return [channel for channels in found.values() for channel in channels if not channel.capabilities.live]


@require("desk.use")
def results() -> str:
    """What is found; with ``after`` only the further rows."""
    further = bool(request.args.get("after"))
    return render_template(f"desk/directory_{'rows' if further else 'results'}.html", shown=_shown())


@require("desk.use")
def pick() -> str:
    """A compact list to choose from inside another dialog's form: radio buttons ``name`` (default target) with values
    ``user:3``, ``team:1``, ``service:2``, ``contact:7``. ``for``: transfer or conference."""
    purpose = request.args.get("for", "")
    purpose = purpose if purpose in PURPOSES else PURPOSES[0]
    field_name = re.sub(r"[^a-z_]", "", request.args.get("name", ""))[:40] or "target"
    question = directory_book.asked(request.args.get("q", ""))
    me = signed_in()
    people = [person for person in directory_book.people(question, limit=31).rows if person.user.id != me.id][:30]
    order = {"available": 0, "busy": 1, "wrap": 1, "ringing": 1, "dnd": 2, "away": 3, "offline": 4}
    people.sort(key=lambda person: order[mark_of(person).key])
    transfer = purpose == "transfer"
    with_contacts = not transfer and bool(question) and allowed(me, "contact.view")
    return render_template(
        "desk/directory_picked.html" if request.args.get("list") else "desk/directory_pick.html",
        purpose=purpose,
        field_name=field_name,
        question=question,
        people=people,
        teams=directory_book.teams(question, limit=12) if transfer else [],
        services=directory_book.services(question, limit=12).rows if transfer else [],
        contacts=directory_book.contacts(question, limit=10).rows if with_contacts else [],
    )


@require("desk.use")
def presence() -> str:
    """The marks of these colleagues (``ids``) as they are now."""
    ids = [int(word) for word in request.args.get("ids", "").split(",") if word.isdigit()][:200]
    people = directory_book.by_ids("user", ids).values()
    return render_template("desk/presence_marks.html", people=people)


@require("desk.use")
def person(user_id: int) -> str:
    """A colleague's card."""
    found = directory_book.by_ids("user", [user_id]).get(user_id)
    if found is None:
        abort(404)
    pinned = any((row.kind, row.object_id) == ("user", user_id) for row in favourites.of(signed_in().id))
    starters = outgoing.starters() if allowed(signed_in(), "case.reply") else {}
    return render_template("desk/person.html", person=found, pinned=pinned, starters=starters)


# --- favourites ---------------------------------------------------------------------------------------


@require("desk.use")
def star(kind: str, object_id: int) -> Response:
    """Pin or unpin; ``on=1`` pins."""
    act = favourites.add if request.form.get("on") == "1" else favourites.remove
    act(signed_in().id, kind, object_id)
    return done()


@require("desk.use")
def arrange() -> Response:
    """The order after a drag: ``order`` holds ``kind:id`` words; or one entry (``entry``) moved ``by`` places."""
    me = signed_in().id
    if entry := request.form.get("entry"):
        kind, object_id = _key(entry)
        by = request.form.get("by", 0, type=int)
        favourites.move(me, kind, object_id, by)
    else:
        favourites.arrange(me, [_key(word) for word in request.form.get("order", "").split()[: favourites.LIMIT]])
    return done()


def _key(word: str) -> tuple[str, int]:
    kind, _, object_id = word.partition(":")
    return kind, int(object_id) if object_id.isdigit() else 0


# --- dial pad, beginning something --------------------------------------------------------------------


@require("desk.use")
def number() -> Response:
    """What has been dialled, as people write it, and whose it is: ``{"formatted", "number", "valid", "name", "url"}``."""
    typed = "".join(DIAL.findall(request.args.get("value", "")))[:30]
    known = own_settings.number_of(typed) if len(typed) > 4 else None
    name, url = _owner(known or typed)
    return jsonify(
        formatted=own_settings.formatted(known) if known else typed,
        number=known or typed,
        valid=bool(known),
        name=name,
        url=url,
    )


def _owner(digits: str) -> tuple[str, str]:
    question = directory_book.asked(digits.lstrip("+"))
    if len(digits) < 3 or not question:
        return "", ""
    for found in directory_book.people(question, limit=1).rows:
        return found.user.name, url_for("people.person", user_id=found.user.id)
    if allowed(signed_in(), "contact.view"):
        for contact in directory_book.contacts(question, limit=1).rows:
            return contact.name, url_for("desk.contact", contact_id=contact.id)
    return "", ""


@require("case.reply")
def beginning() -> str:
    """The dialog that asks for what is missing: address, subject, service."""
    channel = next((one for one in _beginnings() if one.name == request.args.get("channel", "")), None)
    if channel is None:
        abort(404)
    return render_template(
        "desk/begin.html",
        channel=channel,
        address=request.args.get("address", "")[:254],
        services=outgoing.services_for(signed_in().id, channel.name),
    )


@require("case.reply")
def begin() -> Response:
    """Open a case towards an address; its page opens with the answer's editor. A colleague's internal number opens the channel's
    page of colleagues."""
    user = signed_in()
    if url := _colleague_page(request.form.get("channel", ""), request.form.get("address", "").strip()):
        return done(**{"okno:open": {"url": url}})
    key = request.headers.get("Idempotency-Key") or str(uuid.uuid4())
    started = outgoing.start(
        request.form.get("channel", ""),
        user.id,
        request.form.get("address", ""),
        command_key=f"{user.id}:{key}",
        service_id=request.form.get("service", type=int),
        subject=request.form.get("subject", ""),
    )
    url = url_for("desk.case", case_id=started.case_id)
    return done(**{"okno:open": {"url": url, "focus": started.interaction_id}, "okno:around": {}})


def _colleague_page(channel: str, address: str) -> str:
    """Where ``channel`` reaches the colleague whose internal number this is, "" for any other address."""
    begun = okno().channels.get(channel)
    if begun is None or not begun.colleague_url or not INTERNAL.fullmatch(address):
        return ""
    user_id = directory_book.user_of_number(address)
    return begun.colleague_url.replace("{id}", str(user_id)) if user_id is not None else ""


@require("contact.view")
def addresses() -> str:
    """Completion: up to ten addresses of the kind that the channel needs."""
    kind, question = request.args.get("kind", ""), directory_book.asked(request.args.get("address", ""))
    rows = directory_book.contacts(question, limit=10).rows if question else []
    found = [(contact, one.value) for contact in rows for one in contact.addresses if one.kind == kind]
    return render_template("desk/addresses.html", found=found[:10])


# --- drawing ------------------------------------------------------------------------------------------


def highlighted(text: str, question: Asked) -> Markup:
    """``text`` with ``<mark>`` around the beginnings of word parts that were asked for; digits across any punctuation."""
    if not question or not text:
        return escape(text)
    found: list[tuple[int, int]] = []
    folded = text.casefold().replace("ё", "е")
    if len(folded) != len(text):
        return escape(text)
    for token in question.tokens:
        if token.isdigit() and len(token) > 2:
            found += _digits(text, token)
        found += [match.span() for match in re.finditer(rf"(?<![^\W_]){re.escape(token)}", folded)]
    return _marked(text, found)


def _digits(text: str, token: str) -> list[tuple[int, int]]:
    """Where the digits stand; a trunk prefix (8, 0) or a country code that the number writes otherwise is forgiven."""
    for digits in (token, token[1:]):
        if len(digits) < 3:
            break
        pattern = r"[\s().\-]*".join(digits)
        if spans := [match.span() for match in re.finditer(pattern, text)]:
            return spans[:1]
    return []


def _marked(text: str, spans: list[tuple[int, int]]) -> Markup:
    parts: list[Markup] = []
    at = 0
    for start, end in sorted(spans):
        if end <= at:
            continue
        start = max(start, at)
        parts += [escape(text[at:start]), Markup("<mark>{}</mark>").format(text[start:end])]
        at = end
    return Markup("").join([*parts, escape(text[at:])])
