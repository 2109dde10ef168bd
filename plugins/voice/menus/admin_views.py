"""The administrator's pages of voice menus: list, editor with an outline, export, import, the simulator."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask_babel import get_timezone
from flask_babel import gettext as _

from core.contracts import Rejected, Text
from core.permissions import require
from core.web.admin_frame import Answer, FormState, attempt, found, refused
from core.web.language import here
from plugins.voice.feature_frame import draw_admin, feature_blueprint, plain_number
from plugins.voice.menus import example, operations, simulator
from plugins.voice.menus.course import Moment, State
from plugins.voice.menus.document import KINDS, Menu, read
from plugins.voice.messages import operations as messages
from plugins.voice.models.menus import VoiceMenu

blueprint = feature_blueprint("menus", url_prefix="/admin/voice-menus")
KEYPAD = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "0", "#")
ICONS = {
    "say": "speakerphone",
    "message": "microphone",
    "digits": "dialpad",
    "hours": "clock",
    "queue": "users",
    "voicemail": "mailbox",
    "callback": "phone-calling",
    "number": "phone-outgoing",
    "menu": "list-tree",
    "hangup": "phone-off",
}
NAMES = {
    "say": Text("Says", "Говорит"),
    "message": Text("Plays a message", "Проигрывает сообщение"),
    "digits": Text("Asks for a key", "Ждёт нажатия"),
    "hours": Text("Looks at the hours", "Смотрит на часы работы"),
    "queue": Text("To the queue", "В очередь"),
    "voicemail": Text("Voicemail", "Голосовая почта"),
    "callback": Text("Call back", "Обратный звонок"),
    "number": Text("To a number", "На номер"),
    "menu": Text("Another menu", "Другое меню"),
    "hangup": Text("Hangs up", "Кладёт трубку"),
}
WHYS = {
    "next": Text("then", "затем"),
    "open": Text("open", "открыто"),
    "closed": Text("closed", "закрыто"),
    "wrong": Text("wrong key", "неверная клавиша"),
    "otherwise": Text("no answer", "нет ответа"),
}


@blueprint.get("")
@require("admin.services")
def index() -> Answer:
    """All menus with their numbers."""
    return draw_admin("menus", rows=operations.list_menus(), unspoken=operations.unspoken(), speaks=messages.speaks())


@blueprint.route("/new", methods=["GET", "POST"])
@require("admin.services")
def new() -> Answer:
    """Add one."""
    if request.method == "POST":
        return _save(None)
    return _page(None, FormState({"key": "", "document": example.document(), "active": True}))


@blueprint.route("/<key>", methods=["GET", "POST"])
@require("admin.services")
def one(key: str) -> Answer:
    """One menu."""
    row = found(lambda: operations.get_menu(key))
    if request.method == "POST":
        return _save(row)
    values = {"document": operations.as_yaml(row.document), "active": row.active, "version": row.version}
    return _page(row, FormState(values))


def _save(row: VoiceMenu | None) -> Answer:
    text, active = request.form.get("document", ""), "active" in request.form
    key = row.key if row else request.form.get("key", "").strip().lower()
    version = plain_number("version") if row else None

    def save() -> None:
        if row is None and any(other.key == key for other in operations.list_menus()):
            raise Rejected(Text(f"There is a menu '{key}' already", f"Меню «{key}» уже есть"), "menu-exists")
        operations.save_menu(key, operations.from_yaml(text), active=active, version=version)

    errors = attempt(save)
    if errors:
        values = {"key": key, "document": text, "active": active, "version": version or 0}
        return _page(operations.get_menu(key) if row else None, FormState(values, errors))
    flash(_("Saved. Calls that come in from now on follow it."), "good")
    return redirect(url_for("voice_menus.one", key=key), 303)


def _page(row: VoiceMenu | None, form: FormState) -> Answer:
    outline = _outline(row.key, row.document) if row else None
    names = {key: text.to(here()) for key, text in NAMES.items()}
    whys = {key: text.to(here()) for key, text in WHYS.items()}
    return draw_admin(
        "menu",
        form,
        menu=row,
        outline=outline,
        icons=ICONS,
        names=names,
        whys=whys,
        kinds=KINDS,
        speaks=messages.speaks(),
        unspoken=operations.unspoken_of(outline) if outline else [],
    )


def _outline(key: str, document: object) -> Menu | None:
    try:
        return read(key, document)
    except Rejected:
        return None


@blueprint.get("/<key>.yaml")
@require("admin.services")
def export(key: str) -> Response:
    """The menu as a file."""
    row = found(lambda: operations.get_menu(key))
    answer = Response(operations.as_yaml(row.document), mimetype="application/yaml")
    answer.headers.set("Content-Disposition", "attachment", filename=f"voice-menu-{row.key}.yaml")
    return answer


@blueprint.post("/<key>/remove")
@require("admin.services")
def remove(key: str) -> Answer:
    """Take one away."""
    errors = attempt(lambda: found(lambda: operations.remove_menu(key)))
    if errors:
        return refused(errors, "voice_menus.one", key=key)
    flash(_("Removed"), "good")
    return redirect(url_for("voice_menus.index"), 303)


# --- the simulator -----------------------------------------------------------------------------------


@blueprint.route("/<key>/try", methods=["GET", "POST"])
@require("admin.services")
def try_menu(key: str) -> Answer | str:
    """A call to the menu; each key is a POST that gives the conversation back, with all it needs to go on."""
    row = found(lambda: operations.get_menu(key))
    menu = _outline(row.key, row.document)
    if menu is None:
        abort(404)
    at = request.values.get("at", "")
    moment = _moment(menu, at)
    if request.method == "GET" or "again" in request.form:
        turn, lines = simulator.start(menu, moment, here()), []
    else:
        lines = simulator.read_lines(_json(request.form.get("lines", "")))
        turn = _press(moment)
    lines += turn.lines
    values: dict[str, Any] = {
        "menu": row,
        "lines": lines,
        "state": json.dumps(turn.state.plain()) if turn.state else "",
        "kept": json.dumps([line.plain() for line in lines], ensure_ascii=False),
        "keypad": KEYPAD,
        "at": at,
        "shown_at": moment.at,
    }
    if request.method == "POST":
        return render_template("voice/menu_conversation.html", **values)
    return draw_admin("menu_try", **values)


def _press(moment: Moment) -> simulator.Turn:
    try:
        state = State.read(_json(request.form.get("state", "")) or {})
    except ValueError:
        return simulator.Turn((), None)
    key = request.form.get("key", "")
    return simulator.press(state, key if key in KEYPAD else "", moment, here())


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _moment(menu: Menu, at: str) -> Moment:
    """The time that the page names, in the viewer's zone; the menu itself is tried even when it is switched off."""
    try:
        naive = datetime.fromisoformat(at)
        when = naive if naive.tzinfo else naive.replace(tzinfo=ZoneInfo(str(get_timezone() or "UTC")))
    except ValueError:
        when = None
    usual = operations.moment(when)
    return Moment(usual.at, usual.is_open, lambda key: menu if key == menu.key else usual.menu(key))
