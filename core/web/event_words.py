"""The timeline's events in words and with icons, in the viewer's language."""

from __future__ import annotations

from flask_babel import gettext as _

from core.web.case_queries import Entry
from core.web.language import here

ICONS = {
    "case.opened": "plus",
    "case.closed": "circle-check",
    "case.followed_up": "link",
    "case.priority": "flag",
    "case.subject": "pencil",
    "case.assignee_id": "user-check",
    "disposition": "checks",
    "offer.made": "bell",
    "offer.rejected": "user-minus",
    "offer.no_answer": "clock",
    "offer.lost": "wifi-off",
    "interaction.accepted": "user-check",
    "interaction.taken": "user-check",
    "interaction.finished": "clipboard-check",
    "interaction.released": "arrow-back-up",
    "interaction.returned": "arrow-back-up",
    "message": "mail",
    "note": "note",
    "ping.asked": "message-question",
    "ping.taken": "user-check",
    "ping.withdrawn": "x",
}


def icon_of(kind: str) -> str:
    """The icon of a kind of event; a plain dot for those of plugins."""
    return ICONS.get(kind, "point-filled")


def words_of(entry: Entry) -> str:
    """One line that says what happened, who did it where somebody did."""
    who = entry.actor.name if entry.actor else ""
    data = entry.row.data
    if entry.row.kind == "disposition":
        return _disposition(who, data)
    if entry.row.kind == "case.opened":
        number = data.get("follow_up_of")
        return str(_("Case opened as a follow-up of %(number)s", number=number) if number else _("Case opened"))
    if entry.row.kind == "case.followed_up":
        return str(_("Continued in case %(number)s", number=data.get("number", "")))
    if entry.row.kind.startswith("case.") and "after" in data:
        return _changed(entry.row.kind.removeprefix("case."), who, data)
    if entry.row.kind == "ping.asked":
        target = data["target"]["title_ru" if here() == "ru" else "title_en"]
        return str(_("%(who)s asked «%(target)s»: %(text)s", who=who, target=target, text=data["text"]))
    plain = _PLAIN.get(entry.row.kind)
    if plain is None:
        return str(data.get("title_ru" if here() == "ru" else "title_en") or data.get("text") or entry.row.kind)
    return str(plain(who))


def _disposition(who: str, data: dict[str, str]) -> str:
    title = data.get("title_ru" if here() == "ru" else "title_en") or _("no disposition")
    words = _("%(who)s closed the interaction: %(title)s") if who else _("Interaction closed: %(title)s")
    line = words % {"who": who, "title": title}
    return f"{line} — {data['comment']}" if data.get("comment") else line


def _changed(field: str, who: str, data: dict[str, str]) -> str:
    names = {
        "priority": _("the priority"),
        "subject": _("the subject"),
        "status": _("the status"),
        "assignee_id": _("the agent"),
    }
    values = {"critical": _("Critical"), "high": _("High"), "medium": _("Medium"), "low": _("Low")}
    after = str(data.get("after") or "—")
    shown = {"field": names.get(field, field), "value": values.get(after, after)}
    return str(_("%(who)s changed %(field)s: %(value)s", who=who or _("Automation"), **shown))


_PLAIN = {
    "case.closed": lambda who: _("%(who)s closed the case", who=who) if who else _("Case closed"),
    "case.reopened": lambda who: _("Case reopened"),
    "offer.made": lambda who: _("Offered to %(who)s", who=who),
    "offer.rejected": lambda who: _("%(who)s declined", who=who),
    "offer.no_answer": lambda who: _("%(who)s did not answer in time", who=who),
    "offer.lost": lambda who: _("%(who)s lost the connection; back in the queue", who=who),
    "interaction.opened": lambda who: _("Interaction put into the queue"),
    "interaction.accepted": lambda who: _("%(who)s accepted the interaction", who=who),
    "interaction.taken": lambda who: _("%(who)s took the interaction from the queue", who=who),
    "interaction.finished": lambda who: _("%(who)s went on to wrap-up", who=who),
    "interaction.released": lambda who: _("%(who)s put the interaction back into the queue", who=who),
    "interaction.returned": lambda who: _("The interaction went back to the queue"),
    "message": lambda who: _("%(who)s wrote to the contact", who=who) if who else _("The contact wrote"),
    "ping.taken": lambda who: _("%(who)s is answering the question", who=who),
    "ping.withdrawn": lambda who: _("%(who)s withdrew the question", who=who),
    "note": lambda who: _("%(who)s left a note", who=who or _("Automation")),
}
