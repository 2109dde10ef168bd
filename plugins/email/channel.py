"""A letter on its way in: whose it is, which case it joins, whether a machine may answer it."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import func, select

from core import casework, intake, outbox, timeline, variables
from core.clock import now
from core.contracts import Address, Delivery, FileIn, Inbound, Initiation, IntakeItem, Rejected, Text, VariableContext
from core.db import db
from core.entrances import entrances
from core.events import log as events
from core.house import okno
from core.model import Case, ContactAddress, Interaction, Message
from plugins.email import threads
from plugins.email.headers import normalise_address
from plugins.email.loops import automatic_reason, is_own_mail
from plugins.email.markup import html_to_text, sanitise, text_to_html
from plugins.email.mime import ParsedMail, parse

CHANNEL = "email"
KIND = "email.send"
NOBODY = "unknown@invalid"
_MAILBOX = re.compile(r"(?=.{3,254}\Z)[^\s<>\",;:()@]{1,64}@[^\s<>\",;:()@]+")
MAX_ID = 300
ANSWER_LIMIT, ANSWER_WINDOW = 5, timedelta(minutes=10)
_UNFILLED = re.compile(rf"(?m)^{variables.PATTERN.pattern},?[ \t]*|(?:,?[ \t]+)?{variables.PATTERN.pattern}")
log = structlog.get_logger("okno.email")


def message_domain() -> str:
    """The domain of our Message-IDs."""
    return str(okno().config.get("email.domain"))


def token_prefix() -> str:
    """The word before the thread token in subjects."""
    return str(okno().config.get("email.token_prefix"))


def take_in(raw: bytes, **meta: Any) -> int:
    """Store a letter durably, once however often and by however many ways it comes; returns the intake id."""
    return intake.accept(CHANNEL, threads.source_key(raw, parse(raw)), raw, meta)


def process(item: IntakeItem) -> None:
    """Turn a stored letter into a message of a case; our own mail that came back is put aside."""
    parsed = parse(item.raw)
    if is_own_mail(parsed, message_domain(), message_domain()):
        log.warning("own mail came back", intake=item.id, subject=parsed.subject[:80])
        return
    case = find_case(parsed)
    if parsed.is_bounce and _bounced(parsed):
        return
    reason = automatic_reason(parsed, item.meta.get("envelope_from"))
    received = intake.receive(_inbound(item, parsed, case, reason))
    if received.new_case and not reason:
        acknowledge(received.interaction_id, parsed)


def _inbound(item: IntakeItem, parsed: ParsedMail, case: Case | None, reason: str) -> Inbound:
    senders = (parsed.answer_address, parsed.from_address, str(item.meta.get("envelope_from") or ""))
    answer_to = next((address.lower() for address in senders if _MAILBOX.fullmatch(address)), NOBODY)
    html = sanitise(parsed.html, inline_image=lambda identifier: f"cid:{identifier}") if parsed.html else ""
    return Inbound(
        channel=CHANNEL,
        source_key=item.source_key,
        sender=Address("email", answer_to, parsed.from_name),
        entry=_entry(parsed, item.meta),
        subject=threads.normalise_subject(parsed.subject, token_prefix())
        or ("" if parsed.text or parsed.html else "(без темы)"),
        body_text=parsed.text or html_to_text(parsed.html),
        body_html=html or text_to_html(parsed.text),
        files=tuple(FileIn(f.name, f.content_type, f.content, f.content_id, f.inline) for f in parsed.attachments),
        at=item.received_at,
        case_id=case.id if case else None,
        language=parsed.language if parsed.language in ("ru", "en") else "",
        automatic=bool(reason),
        raw_sha="",
        external_id=parsed.message_id if len(parsed.message_id) <= MAX_ID else "",
        extra={
            "intake_id": item.id,
            "references": list(parsed.references),
            "automatic": reason,
            "defects": list(parsed.defects),
            "to": [address.address for address in parsed.to],
            "cc": [address.address for address in parsed.cc],
        },
    )


def _entry(parsed: ParsedMail, meta: Any) -> str:
    """The address of ours that was written to: the envelope first, then the headers."""
    named = [*meta.get("recipients", ()), *parsed.delivered_to, *(a.address for a in (*parsed.to, *parsed.cc))]
    candidates = list(
        dict.fromkeys(spelling for address in named for spelling in (address.lower(), normalise_address(address)))
    )
    ours = entrances().leads_to
    return next((one for one in candidates if (CHANNEL, one) in ours), candidates[0] if candidates else "")


# --- threading ---------------------------------------------------------------------------------------


def find_case(parsed: ParsedMail) -> Case | None:
    """The case a letter belongs to: by the token in its subject, else by what it answers.

    A Message-ID of ours cannot be guessed and is proof enough. Somebody else's is proof only from a person who is part of that
    conversation, so that strangers who quote the same mail stay apart.
    """
    tokens = threads.find_tokens(parsed.subject, token_prefix())
    if tokens and (case := db.session.scalar(select(Case).where(Case.thread_token.in_(tokens)).limit(1))):
        return case
    references = [identifier for identifier in threads.reference_ids(parsed) if len(identifier) <= MAX_ID][:50]
    if not references:
        return None
    rows = db.session.execute(
        select(Message.external_id, Message.case_id, Message.direction).where(Message.external_id.in_(references))
    )
    known = {row.external_id: row for row in rows}
    for reference in references:
        row = known.get(reference)
        if row is not None and (row.direction == "out" or _takes_part(parsed, row.case_id)):
            return db.session.get(Case, row.case_id)
    return None


def _takes_part(parsed: ParsedMail, case_id: int) -> bool:
    case = db.session.get_one(Case, case_id)
    address = parsed.answer_address.lower()
    query = select(ContactAddress.contact_id).where(ContactAddress.kind == "email", ContactAddress.value == address)
    if case.contact_id is not None and case.contact_id in set(db.session.scalars(query)):
        return True
    said = select(Message.data).where(Message.case_id == case_id, Message.direction == "in").limit(100)
    return any(
        address in (data.get("from"), *data.get("to", ()), *data.get("cc", ())) for data in db.session.scalars(said)
    )


def _bounced(parsed: ParsedMail) -> bool:
    """Tell the case that a letter of ours did not arrive; False when the report is about none of ours."""
    ids = (parsed.bounced_message_id, *threads.reference_ids(parsed))
    query = select(Message).where(Message.external_id.in_([one for one in ids if one]), Message.direction == "out")
    message = db.session.scalar(query.limit(1))
    if message is None:
        return False
    permanent = any(bounce.permanent for bounce in parsed.bounces) or not parsed.bounces
    if permanent:
        message.delivery = "failed"
    what = "; ".join(f"{b.final_recipient}: {b.status} {b.diagnostic}".strip() for b in parsed.bounces)[:500]
    title = (
        Text("The letter did not arrive", "Письмо не дошло")
        if permanent
        else Text("The letter is delayed", "Письмо задерживается")
    )
    tell(message, "email.bounced", title, what)
    casework.touch(db.session.get_one(Case, message.case_id), cause="bounce")
    data = {"case_id": message.case_id, "message_id": message.id, "delivery": message.delivery}
    events.publish("desk", "outbox.changed", data)
    return True


def tell(message: Message, kind: str, title: Text, detail: str) -> None:
    """Write into the case's history what became of a letter."""
    words = {"title_en": f"{title.en}: {detail}".rstrip(": "), "title_ru": f"{title.ru}: {detail}".rstrip(": ")}
    timeline.write(
        message.case_id, kind, interaction_id=message.interaction_id, message_id=message.id, detail=detail, **words
    )


# --- acknowledging -----------------------------------------------------------------------------------


def acknowledge(interaction_id: int, parsed: ParsedMail) -> None:
    """Tell the sender the number of the new case, once, unless machines seem to be talking to each other."""
    interaction = db.session.get_one(Interaction, interaction_id)
    case = interaction.case
    text = interaction.service.texts.get("acknowledgement") or ""
    body = text.get("body", "") if isinstance(text, dict) else str(text)
    if not body or case.acknowledged_at is not None or interaction.address == NOBODY or _too_many_answers(interaction):
        return
    about = VariableContext(None, case.id, interaction.id, case.contact_id, case.service_id)
    filled = without_unfilled(variables.fill(body, about).text)
    html = text_to_html(filled)
    casework.post(interaction, f"ack:{case.id}", author="system", html=html, text=filled, automatic=True)
    casework.touch(case, acknowledged_at=now(), cause="acknowledgement")


def without_unfilled(text: str) -> str:
    """What a machine sends holds no raw variables: the empty ones go, with the comma or blank that tied them in."""
    return _UNFILLED.sub("", text)


def _too_many_answers(interaction: Interaction) -> bool:
    recent = select(func.count()).where(
        Case.contact_id == interaction.contact_id,
        Case.created_at > now() - ANSWER_WINDOW,
        Case.acknowledged_at.is_not(None),
    )
    return (db.session.scalar(recent) or 0) >= ANSWER_LIMIT


# --- on the way out ----------------------------------------------------------------------------------


def begin_letter(initiation: Initiation) -> None:
    """An agent begins a letter to somebody: the address has to be one that mail can be sent to."""
    if not _MAILBOX.fullmatch(initiation.address):
        text = Text(
            f"«{initiation.address}» is not an email address; write it like name@example.com.",
            f"«{initiation.address}» не похоже на адрес почты; пишите так: name@example.com.",
        )
        raise Rejected(text, "address-invalid")


def deliver(delivery: Delivery) -> None:
    """Put the letter into the outbox; its Message-ID is known from now on, so that an answer finds its case.

    The Message-ID is made from the key, so the key holds the case's secret token: nobody can guess the id of a letter he never got.
    """
    token = db.session.get_one(Case, delivery.case_id).thread_token
    key = f"email:{delivery.message_id}:{token}"
    db.session.get_one(Message, delivery.message_id).external_id = threads.message_id(key, message_domain())
    outbox.enqueue(KIND, key, {"message_id": delivery.message_id, "to": delivery.to}, delivery.message_id)
