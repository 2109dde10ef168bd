"""Calls that come in: from a page or from a telephone line, into a menu, into the queue of a service, to a colleague."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core import casework, intake
from core.contracts import Address, Inbound, Rejected, Text
from core.db import db, transaction
from core.events import log as events
from core.house import okno
from core.model import Interaction, Service
from core.snapshots import interaction_info, service_info
from plugins.voice import switchboard
from plugins.voice.calls import book, menus, waiting
from plugins.voice.menus.operations import menu_of_number
from plugins.voice.models.calls import VoiceCall

CHANNEL = "voice"
# What a caller from a page is known by: short enough to stand where a number stands.
WEB, WEB_DIGITS = "site-", 10
# Of the lines a third is kept for those who answer: callers alone on all of them would wait for ever.
KEPT_SHARE = 3


def from_page(entry: str, sdp: str, *, name: str = "", number: str = "", language: str = "") -> tuple[VoiceCall, str]:
    """A visitor of a page calls: gives the call and the answer to the browser's offer.

    Raises ``Rejected``: ``voice-unavailable``, ``voice-bad-sdp``, ``voice-full``, ``number-invalid``.
    """
    from plugins.voice.operations import normalise

    caller = normalise(number) if number.strip() else ""
    key = book.new_key()
    media = f"c-{key}"
    status = switchboard.require()
    _check_room(status)
    process = str(status["process"])
    # Where no line leads out nobody can be called back.
    course: dict[str, object] = (
        {"visitor": True} if status["abilities"]["sip"] else {"visitor": True, "unreachable": True}
    )
    answer = str(switchboard.command("offer", leg=media, sdp=sdp))
    try:
        with transaction():
            shown = name.strip()[:80]
            call = _open(key, media, caller or f"{WEB}{key[:WEB_DIGITS]}", entry, shown, process, course, language)
    except BaseException:
        switchboard.command("hangup", leg=media, cause="failed")
        raise
    return call, answer


def _check_room(status: Mapping[str, Any]) -> None:
    most = int(status["abilities"]["most_legs"])
    if most and status["legs"] >= most - most // KEPT_SHARE:
        raise Rejected(switchboard.WORDS["full"], "voice-full")


def from_line(media: str, caller: str, entry: str, name: str, process: str) -> None:
    """A call comes in on a telephone line (the backend's event). Needs an open transaction."""
    known = db.session.scalar(db.select(VoiceCall.id).where(VoiceCall.customer_leg == media).limit(1))
    if known is None:
        _open(book.new_key(), media, caller, entry, name[:80], process, {"answer": True}, "")


def _open(
    key: str, media: str, caller: str, entry: str, name: str, process: str, course: dict[str, object], language: str
) -> VoiceCall:
    call = VoiceCall(
        key=key,
        direction="in",
        state="menu",
        customer_leg=media,
        from_number=caller[:80],
        to_number=entry.strip().lower()[:80],
        name=name,
        process=process,
        course=dict(course),
    )
    db.session.add(call)
    db.session.flush()
    address = "" if caller.startswith(WEB) else caller
    book.add(call, "customer", media=media, address=address, name=name, state="up")
    found = menu_of_number(entry)
    if found is not None:
        menus.begin(call, found)
    else:
        queue(call, language=language)
    return call


def queue(call: VoiceCall, service_id: int | None = None, *, priority: int | None = None, language: str = "") -> None:
    """The call waits for an agent, for ``service_id`` or whatever its entry leads to. Needs an open transaction.

    A number outside cannot be dialled from a page, so a web caller is known by an address of its own.
    """
    web = call.from_number.startswith(WEB)
    words = Text(f"Call from {call.from_number}", f"Звонок с {call.from_number}")
    if web:
        words = Text("Call from the website", "Звонок с сайта")
    received = intake.receive(
        Inbound(
            channel=CHANNEL,
            source_key=f"voice:{call.key}",
            sender=Address("web" if web else "phone", call.from_number, call.name),
            entry=call.to_number,
            subject=words.to(okno().config.get("core.language")),
            interaction_key=f"voice:{call.key}",
            language=language,
            extra={"call": call.key},
            unread=False,
        )
    )
    interaction = db.session.get_one(Interaction, received.interaction_id, populate_existing=True)
    if service_id is not None and service_id != interaction.service_id:
        _reach(interaction, service_id)
    if priority is not None:
        interaction.priority = priority
    call.interaction_id, call.case_id, call.service_id = interaction.id, interaction.case_id, interaction.service_id
    contact = interaction.case.contact
    call.name = call.name or (contact.name if contact else "")
    db.session.flush()
    waiting.begin(call)


def _reach(interaction: Interaction, service_id: int) -> None:
    """A menu leads to another service than the number that was dialled."""
    service = db.session.get_one(Service, service_id)
    interaction.service_id, interaction.line = service_id, 1
    casework.touch(interaction.case, service_id=service_id, cause="menu")
    db.session.flush()
    place = okno().hooks.choose_queue(interaction_info(interaction), service_info(service))
    if place is not None:
        interaction.priority = place.priority
    events.publish("desk", "queue.changed", {"service_id": service_id, "interaction_id": interaction.id})
