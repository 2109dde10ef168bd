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
    "case.reopened": "refresh",
    "case.status": "circle-check",
    "case.category": "category",
    "case.service_id": "headset",
    "case.organisation_id": "building",
    "case.is_candidate": "bulb",
    "case.field": "forms",
    "case.linked": "link",
    "case.unlinked": "link-off",
    "case.line": "stairs",
    "interaction.transferred": "transfer",
    "interaction.passed": "transfer",
    "interaction.assigned": "user-check",
    "interaction.postponed": "clock-pause",
    "line.moved": "stairs",
    "message.recalled": "arrow-back-up",
    "message": "mail",
    "note": "note",
    "help.wanted": "lifebuoy",
    "help.withdrawn": "lifebuoy",
    "help.coming": "run",
    "interaction.begun": "arrow-up-right",
    "ping.asked": "message-question",
    "ping.taken": "user-check",
    "ping.withdrawn": "x",
    "participant.invited": "user-plus",
    "participant.joined": "login-2",
    "participant.declined": "user-minus",
    "participant.left": "logout",
    "participant.removed": "user-minus",
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
    if entry.row.kind in ("case.linked", "case.unlinked"):
        return _linked(entry.row.kind == "case.linked", who, data)
    if entry.row.kind == "case.field":
        return _field(who, data)
    if entry.row.kind.startswith("case.") and "after" in data:
        return _changed(entry.row.kind.removeprefix("case."), who, data)
    if entry.row.kind == "ping.asked":
        target = data["target"]["title_ru" if here() == "ru" else "title_en"]
        return str(_("%(who)s asked «%(target)s»: %(text)s", who=who, target=target, text=data["text"]))
    if entry.row.kind in _MOVES:
        return _moved(entry.row.kind, who, data)
    if entry.row.kind == "participant.invited":
        return _invited(_("%(who)s invited %(whom)s to the conversation"), who, data)
    if entry.row.kind == "participant.removed":
        return _invited(_("%(who)s took %(whom)s out of the conversation"), who, data)
    plain = _PLAIN.get(entry.row.kind)
    if plain is None:
        return str(data.get("title_ru" if here() == "ru" else "title_en") or data.get("text") or entry.row.kind)
    return str(plain(who))


def _disposition(who: str, data: dict[str, str]) -> str:
    title = data.get("title_ru" if here() == "ru" else "title_en") or _("no disposition")
    words = _("%(who)s closed the interaction: %(title)s") if who else _("Interaction closed: %(title)s")
    line = words % {"who": who, "title": title}
    return f"{line} — {data['comment']}" if data.get("comment") else line


def _linked(made: bool, who: str, data: dict[str, str]) -> str:
    ways = {
        "related": _("related to № %(number)s", number=data["number"]),
        "duplicate_of": _("a duplicate of № %(number)s", number=data["number"]),
        "duplicated_by": _("№ %(number)s is a duplicate of this", number=data["number"]),
        "parent": _("part of № %(number)s", number=data["number"]),
        "child": _("№ %(number)s is part of this", number=data["number"]),
    }
    words = _("%(who)s linked: %(link)s") if made else _("%(who)s removed the link: %(link)s")
    return str(words) % {"who": who or _("Automation"), "link": ways.get(data.get("seen_as", ""), data["number"])}


def _field(who: str, data: dict[str, object]) -> str:
    after = data.get("after")
    shown = after if after not in (True, False, "", None) else _("yes") if after is True else _("empty")
    title = data.get("title_ru" if here() == "ru" else "title_en")
    words = _("%(who)s filled in «%(field)s»: %(value)s")
    return str(words) % {"who": who or _("Automation"), "field": title, "value": str(shown)[:200]}


_MOVES = ("interaction.transferred", "interaction.passed", "interaction.assigned", "line.moved")


def _moved(kind: str, who: str, data: dict[str, object]) -> str:
    """Passed on, assigned, up or down a line; with the note that went along."""
    title = data.get("title_ru" if here() == "ru" else "title_en") or ""
    if kind == "line.moved":
        words = _("%(who)s moved the case from line %(before)s to line %(after)s")
        line = words % {"who": who, "before": data.get("before"), "after": data.get("after")}
    elif kind == "interaction.assigned":
        line = _("%(who)s assigned the interaction to %(whom)s") % {"who": who, "whom": title}
    else:
        line = _("%(who)s passed the interaction on: %(whom)s") % {"who": who, "whom": title}
    return f"{line} — {data['note']}" if data.get("note") else str(line)


def other_case(entry: Entry) -> int | None:
    """The case that an event leads to."""
    found = entry.row.data.get("other_id")
    return found if isinstance(found, int) else None


def _changed(field: str, who: str, data: dict[str, str]) -> str:
    names = {
        "priority": _("the priority"),
        "subject": _("the subject"),
        "status": _("the status"),
        "assignee_id": _("the agent"),
        "service_id": _("the service"),
        "organisation_id": _("the organisation"),
        "category": _("the category"),
        "is_candidate": _("the mark «worth an article»"),
    }
    values = {"critical": _("Critical"), "high": _("High"), "medium": _("Medium"), "low": _("Low")}
    values |= {"open": _("Open"), "pending": _("Waiting"), "closed": _("Closed"), "True": _("yes"), "False": _("no")}
    titled = data.get("title") or data.get("title_ru" if here() == "ru" else "title_en")
    after = str(titled or ("—" if data.get("after") in (None, "") else data["after"]))
    shown = {"field": names.get(field, field), "value": values.get(after, after)}
    return str(_("%(who)s changed %(field)s: %(value)s", who=who or _("Automation"), **shown))


def _invited(words: str, who: str, data: dict[str, str]) -> str:
    return words % {"who": who or _("Automation"), "whom": data.get("title_en", "")}


_PLAIN = {
    "participant.joined": lambda who: _("%(who)s joined the conversation", who=who),
    "participant.declined": lambda who: _("%(who)s declined the invitation to the conversation", who=who),
    "participant.left": lambda who: _("%(who)s left the conversation", who=who),
    "help.wanted": lambda who: _("%(who)s asked for help", who=who),
    "help.withdrawn": lambda who: _("%(who)s needs no help any more", who=who),
    "help.coming": lambda who: _("%(who)s is coming to help", who=who),
    "interaction.begun": lambda who: _("%(who)s began the interaction", who=who),
    "case.closed": lambda who: _("%(who)s closed the case", who=who) if who else _("Case closed"),
    "case.reopened": lambda who: _("Case reopened"),
    "offer.made": lambda who: _("Offered to %(who)s", who=who),
    "offer.rejected": lambda who: _("%(who)s declined", who=who),
    "offer.no_answer": lambda who: _("%(who)s did not answer in time", who=who),
    "offer.lost": lambda who: _("%(who)s lost the connection; back in the queue", who=who),
    "interaction.opened": lambda who: _("Interaction put into the queue"),
    "interaction.accepted": lambda who: _("%(who)s accepted the interaction", who=who),
    "interaction.postponed": lambda who: _("%(who)s put the interaction off for later", who=who),
    "interaction.taken": lambda who: _("%(who)s took the interaction from the queue", who=who),
    "interaction.finished": lambda who: _("%(who)s went on to wrap-up", who=who),
    "interaction.released": lambda who: _("%(who)s put the interaction back into the queue", who=who),
    "interaction.returned": lambda who: _("The interaction went back to the queue"),
    "message.recalled": lambda who: _("%(who)s undid the sending", who=who),
    "message": lambda who: _("%(who)s wrote to the contact", who=who) if who else _("The contact wrote"),
    "ping.taken": lambda who: _("%(who)s is answering the question", who=who),
    "ping.withdrawn": lambda who: _("%(who)s withdrew the question", who=who),
    "note": lambda who: _("%(who)s left a note", who=who or _("Automation")),
}
