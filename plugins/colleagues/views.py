"""The page «Chats» and its commands. Each view reads the form, calls one operation, and answers with fresh parts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from flask import Blueprint, Response, abort, jsonify, render_template, request, send_file, url_for

from core import storage, supervision
from core.contracts import FileIn, SearchHit, SearchQuery
from core.db import db
from core.model import User
from core.permissions import allowed, require
from core.web.desk_commands import done
from core.web.desk_frame import signed_in
from plugins.colleagues import finding, posts, reading, rooms
from plugins.colleagues.models import Post
from plugins.colleagues.reading import Entry, Line, Talk

blueprint = Blueprint("colleagues", __name__, template_folder="templates", static_folder="static")
FOUND = 50
PREVIEW = 140
# What a browser may show by itself: nothing that could run.
SHOWN = ("image/png", "image/jpeg", "image/gif", "image/webp")


@dataclass(slots=True)
class Shown:
    """What the page shows: a room with a stretch of its talk, a person without a room yet, hits, or marked posts."""

    lines: list[Line]
    line: Line | None = None
    talk: Talk = field(default_factory=lambda: Talk([]))
    at: int = 0
    person: User | None = None
    words: str = ""
    hits: list[tuple[SearchHit, Post]] = field(default_factory=list)
    starred: list[Entry] | None = None

    @property
    def unread(self) -> int:
        """What the viewer has not seen in all rooms."""
        return sum(line.unread for line in self.lines)

    @property
    def names(self) -> dict[int, str]:
        """What the rooms are called."""
        return {line.room.id: line.name for line in self.lines}


def _number(name: str) -> int:
    value = request.values.get(name, "")
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 10 else 0


def _shown() -> Shown:
    user = signed_in()
    room_id, at, other = _number("room"), _number("at"), _number("with")
    if at:
        room_id = posts.seen(at, user.id).room_id
    if other:
        person = db.session.get(User, other)
        if person is None or person.id == user.id:
            abort(404)
        room_id = reading.personal_room(user.id, other) or 0
        if not room_id:
            return Shown(reading.lines(user.id), person=person)
    shown = Shown(reading.lines(user.id))
    if room_id:
        shown.line, shown.at = reading.line(user.id, room_id), at
        shown.talk = reading.talk(shown.line.member, around=at)
    elif request.args.get("starred"):
        shown.starred = reading.starred(user.id)
    elif words := request.args.get("q", "").strip()[:200]:
        shown.words = words
        shown.hits = _hits(user.id, words)
    return shown


def _hits(user_id: int, words: str) -> list[tuple[SearchHit, Post]]:
    found = finding.find(user_id, SearchQuery(words, limit=FOUND, prefix=True)).hits
    ids = {hit.id: int(hit.id.partition(":")[2]) for hit in found}
    known = reading.posts_by_ids(list(ids.values()))
    return [(hit, known[ids[hit.id]]) for hit in found if ids[hit.id] in known]


@blueprint.get("")
@require("desk.use")
def page() -> str:
    """The tab: ``room``, ``with`` (a colleague's id), ``at`` (a post), ``q`` (words) or ``starred`` say what it shows."""
    return render_template("colleagues/page.html", shown=_shown(), may_tell_all=_may_tell_all())


def _may_tell_all() -> bool:
    return allowed(signed_in(), posts.BROADCASTS)


@blueprint.get("/rail")
@require("desk.use")
def rail() -> str:
    """The list of rooms anew; ``room`` is the one in view."""
    user = signed_in()
    return render_template("colleagues/rail.html", lines=reading.lines(user.id), current=_number("room"))


@blueprint.get("/<int:room_id>/head")
@require("desk.use")
def head(room_id: int) -> str:
    """The name of a room, who is in it and what may be done there, anew."""
    return render_template("colleagues/head.html", line=reading.line(signed_in().id, room_id))


@blueprint.get("/<int:room_id>/entries")
@require("desk.use")
def entries(room_id: int) -> str:
    """Posts after ``after`` or before ``before``."""
    line = reading.line(signed_in().id, room_id)
    talk = reading.talk(line.member, after=_number("after"), before=_number("before"))
    return render_template("colleagues/entries.html", line=line, talk=talk, before=_number("before"))


@blueprint.get("/news/<int:post_id>")
@require("desk.use")
def news(post_id: int) -> Response:
    """What a toast says of a post."""
    post = posts.seen(post_id, signed_in().id)
    name = post.user.name if post.user else ""
    return jsonify(name=name, text=post.text[:PREVIEW], room=post.room_id)


@blueprint.post("/<int:room_id>/posts")
@require("desk.use")
def say(room_id: int) -> Response:
    """Write into a room."""
    post = posts.say(room_id, signed_in().id, request.form.get("text", ""), files=_files(), command_key=_key())
    return jsonify(room=room_id, post=post.id)


@blueprint.post("/with/<int:user_id>/posts")
@require("desk.use")
def say_to(user_id: int) -> Response:
    """Write to a colleague; the first words make the room."""
    user = signed_in()
    room_id = rooms.open_personal(user.id, user_id)
    post = posts.say(room_id, user.id, request.form.get("text", ""), files=_files(), command_key=_key())
    return jsonify(room=room_id, post=post.id)


def _files() -> list[FileIn]:
    sent = [file for file in request.files.getlist("files") if file.filename]
    return [FileIn(file.filename or "file", file.mimetype or "", file.stream.read()) for file in sent]


def _key() -> str:
    return request.headers.get("Idempotency-Key", "")


@blueprint.post("/<int:room_id>/read")
@require("desk.use")
def mark_read(room_id: int) -> Response:
    """The posts up to ``up_to`` have been in view."""
    posts.mark_read(room_id, signed_in().id, _number("up_to"))
    return done()


@blueprint.post("/posts/<int:post_id>/star")
@require("desk.use")
def star(post_id: int) -> Response:
    """Mark a post (``on=1``) or take the mark away."""
    posts.star(post_id, signed_in().id, request.form.get("on") == "1")
    return done()


@blueprint.get("/files/<int:file_id>/<name>")
@require("desk.use")
def file(file_id: int, name: str) -> Response:
    """A file for who may see its post; pictures in the browser, everything else as a download, and nothing in it runs."""
    row = reading.file_of(file_id, signed_in().id)
    path = storage.path(row.sha256) if row is not None else None
    if row is None or path is None or not path.exists():
        abort(404)
    shown = row.content_type in SHOWN
    kind = row.content_type if shown else "application/octet-stream"
    answer = send_file(path, mimetype=kind, download_name=row.name, as_attachment=not shown, etag=row.sha256)
    answer.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cache-Control"] = "private, max-age=86400"
    return answer


# --- groups ------------------------------------------------------------------------------------------


@blueprint.get("/dialogs/group")
@require("desk.use")
def group_dialog() -> str:
    """Name and people of a new group; with ``room`` people to add to it."""
    user, room_id = signed_in(), _number("room")
    line = reading.line(user.id, room_id) if room_id else None
    inside = set(rooms.members(room_id)) if line else set()
    people = [person for person in reading.everybody(user.id) if person.id not in inside]
    return render_template("colleagues/group_dialog.html", people=people, line=line)


@blueprint.get("/<int:room_id>/people")
@require("desk.use")
def people_dialog(room_id: int) -> str:
    """Who is in a group, and what the organiser may do."""
    line = reading.line(signed_in().id, room_id)
    return render_template("colleagues/people_dialog.html", line=line, people=reading.people_of(room_id))


@blueprint.post("/groups")
@require("desk.use")
def create_group() -> Response:
    """A new group; it opens."""
    room_id = rooms.create_group(signed_in().id, request.form.get("name", ""), _people())
    return _opens(room_id)


def _people() -> list[int]:
    return [int(value) for value in request.form.getlist("people") if value.isascii() and value.isdecimal()]


def _opens(room_id: int) -> Response:
    return done(**{"okno:open": {"url": url_for("colleagues.page", room=room_id), "reload": True}})


@blueprint.post("/<int:room_id>/people")
@require("desk.use")
def add(room_id: int) -> Response:
    """Any member adds colleagues."""
    rooms.add(room_id, signed_in().id, _people())
    return _opens(room_id)


@blueprint.post("/<int:room_id>/people/<int:user_id>/remove")
@require("desk.use")
def remove(room_id: int, user_id: int) -> Response:
    """The organiser takes somebody out."""
    rooms.remove(room_id, signed_in().id, user_id)
    return _opens(room_id)


@blueprint.post("/<int:room_id>/name")
@require("desk.use")
def rename(room_id: int) -> Response:
    """The organiser renames the group."""
    rooms.rename(room_id, signed_in().id, request.form.get("name", ""))
    return _opens(room_id)


@blueprint.post("/<int:room_id>/leave")
@require("desk.use")
def leave(room_id: int) -> Response:
    """Go; with the organiser the group ends."""
    rooms.leave(room_id, signed_in().id)
    return _opens(room_id)


@blueprint.post("/<int:room_id>/return")
@require("desk.use")
def come_back(room_id: int) -> Response:
    """In again."""
    rooms.come_back(room_id, signed_in().id)
    return _opens(room_id)


# --- to a whole team ---------------------------------------------------------------------------------


@blueprint.get("/dialogs/broadcast")
@require("colleagues.broadcast")
def broadcast_dialog() -> str:
    """Words and the teams that may be told."""
    user = signed_in()
    return render_template(
        "colleagues/broadcast_dialog.html", teams=supervision.teams_of(user), everybody=allowed(user, "admin.users")
    )


@blueprint.post("/broadcast")
@require("colleagues.broadcast")
def broadcast() -> Response:
    """Tell a team or everybody; the room of these messages opens."""
    to = request.form.get("to", "")
    post = posts.broadcast(signed_in(), to, request.form.get("text", ""), files=_files(), command_key=_key())
    return _opens(post.room_id)


def event_words(entry: Entry) -> dict[str, Any]:
    """Who, whom and what of a line about an event."""
    post = entry.post
    return {
        "who": post.user.name if post.user else "",
        "people": ", ".join(person.name for person in entry.people),
        "name": str(post.data.get("name", "")),
    }


@blueprint.record_once
def _drawing(state: Any) -> None:
    state.app.jinja_env.globals.update(chat_event=event_words)
