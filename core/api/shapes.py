"""What the API answers with: one schema for each kind of thing, the same in lists, answers and webhooks."""

from __future__ import annotations

from marshmallow import Schema, fields

from core.api import fields as f
from core.contracts import Text


class PersonRefShape(Schema):
    """A user by name."""

    id = f.out_number()
    login = f.out_text()
    name = f.out_text()


class TitledRefShape(Schema):
    """A service or team by key."""

    id = f.out_number()
    key = f.out_text()
    title_en = f.out_text()
    title_ru = f.out_text()


class OrganisationShape(Schema):
    id = f.out_number()
    name = f.out_text()
    tax_id = f.out_text()


class ContactRefShape(Schema):
    id = f.out_number()
    name = f.out_text()


class AddressShape(Schema):
    id = f.out_number()
    kind = f.out_text(Text("email, phone, chat…", "email, phone, chat…"))
    value = f.out_text()


class ContactShape(Schema):
    id = f.out_number()
    name = f.out_text()
    organisation = f.out(OrganisationShape, null=True)
    language = f.out_text()
    timezone = f.out_text()
    status = f.out_text()
    note = f.out_text()
    fields_ = f.out_object(Text("Further facts by key", "Прочие сведения по ключу"))
    fields_.attribute = fields_.data_key = "fields"
    addresses = f.out(AddressShape, many=True)
    created_at = f.out_moment()


class CaseShape(Schema):
    id = f.out_number()
    number = f.out_text()
    subject = f.out_text()
    category = f.out_text()
    status = f.out_text(Text("open, pending or closed", "open, pending или closed"))
    priority = f.out_text(Text("low, medium, high or critical", "low, medium, high или critical"))
    language = f.out_text()
    line = f.out_number()
    service = f.out(TitledRefShape, null=True)
    contact = f.out(ContactRefShape, null=True)
    organisation = f.out(OrganisationShape, null=True)
    assignee = f.out(PersonRefShape, null=True)
    follow_up_of_id = f.out_number(null=True)
    is_duplicate = f.out_flag()
    is_candidate = f.out_flag(Text("Worth an article", "Кандидат в знания"))
    fields_ = f.out_object(Text("Values of the case form by key", "Значения формы запроса по ключу"))
    fields_.attribute = fields_.data_key = "fields"
    created_at = f.out_moment()
    updated_at = f.out_moment()
    last_contact_at = f.out_moment(null=True)
    first_reply_at = f.out_moment(null=True)
    closed_at = f.out_moment(null=True)


class CaseRefShape(Schema):
    id = f.out_number()
    number = f.out_text()
    subject = f.out_text()
    status = f.out_text()


class InteractionShape(Schema):
    id = f.out_number()
    channel = f.out_text()
    direction = f.out_text(Text("in or out", "in или out"))
    state = f.out_text(
        Text(
            "bot, put_off, queued, offered, active, wrap_up or closed",
            "bot, put_off, queued, offered, active, wrap_up или closed",
        )
    )
    case = f.out(CaseRefShape)
    service = f.out(TitledRefShape)
    contact_id = f.out_number(null=True)
    address = f.out_text()
    agent = f.out(PersonRefShape, null=True)
    line = f.out_number()
    priority = f.out_number()
    unread = f.out_number()
    comment = f.out_text()
    disposition_id = f.out_number(null=True)
    created_at = f.out_moment()
    queued_at = f.out_moment()
    accepted_at = f.out_moment(null=True)
    ended_at = f.out_moment(null=True)
    closed_at = f.out_moment(null=True)


class OfferShape(Schema):
    """An interaction that rings for the token's user."""

    id = f.out_number()
    interaction = f.out(InteractionShape)
    offered_at = f.out_moment()
    expires_at = f.out_moment()


class AttachmentShape(Schema):
    id = f.out_number()
    name = f.out_text()
    content_type = f.out_text()
    size = fields.Integer(required=True, attribute="file.size")
    inline = f.out_flag()


class MessageShape(Schema):
    id = f.out_number()
    case_id = f.out_number()
    interaction_id = f.out_number()
    author = f.out_text(Text("contact, agent, system or bot", "contact, agent, system или bot"))
    direction = f.out_text(Text("in or out", "in или out"))
    user = f.out(PersonRefShape, null=True)
    subject = f.out_text()
    text = fields.String(required=True, attribute="body_text")
    html = fields.String(required=True, attribute="body_html")
    automatic = f.out_flag()
    delivery = f.out_text(Text('waiting, sent, failed, recalled or ""', "waiting, sent, failed, recalled или пусто"))
    attachments = f.out(AttachmentShape, many=True)
    at = f.out_moment()


class NoteFileShape(Schema):
    id = f.out_number()
    name = f.out_text()
    content_type = f.out_text()
    size = fields.Integer(required=True, attribute="file.size")


class EntryShape(Schema):
    """Something that happened to a case; ``kind`` says what ``data`` holds."""

    id = f.out_number()
    case_id = f.out_number()
    kind = f.out_text()
    interaction_id = f.out_number(null=True)
    message_id = f.out_number(null=True)
    actor_id = f.out_number(null=True)
    data = f.out_object()
    files = f.out(NoteFileShape, Text("Of a note", "Файлы заметки"), many=True)
    at = f.out_moment()


class LinkShape(Schema):
    id = fields.Integer(required=True, attribute="link_id")
    seen_as = f.out_text(
        Text(
            "related, duplicate_of, duplicated_by, parent or child",
            "related, duplicate_of, duplicated_by, parent или child",
        )
    )
    case = f.out(CaseRefShape)


class DraftShape(Schema):
    kind = f.out_text(Text("reply or note", "reply или note"))
    html = fields.String(required=True, attribute="body_html")
    data = f.out_object()
    saved_at = f.out_moment()


class PresenceShape(Schema):
    state = f.out_text(
        Text(
            "offline, ready, ringing, busy, wrap_up or not_ready",
            "offline, ready, ringing, busy, wrap_up или not_ready",
        )
    )
    reason = f.out_text()
    since = f.out_moment()
    next_state = f.out_text(Text("What comes after the work in hand", "Что наступит после текущей работы"))
    next_reason = f.out_text()


class AgentShape(Schema):
    id = f.out_number()
    login = f.out_text()
    name = f.out_text()
    email = f.out_text()
    phone = f.out_text()
    location = f.out_text()
    language = f.out_text()
    timezone = f.out_text()
    teams = f.out(TitledRefShape, many=True)
    presence = f.out(PresenceShape, null=True)


class MeShape(AgentShape):
    privileges = f.out_list(fields.String())
    scopes = f.out_list(fields.String())


class MemberShape(Schema):
    user = f.out(PersonRefShape)
    supervisor = f.out_flag()


class TeamShape(TitledRefShape):
    members = f.out(MemberShape, many=True)


class ServiceEntryShape(Schema):
    id = f.out_number()
    channel = f.out_text()
    address = f.out_text()
    primary = f.out_flag()


class ServiceShape(TitledRefShape):
    language = f.out_text()
    timezone = f.out_text()
    priority = f.out_number()
    offer_seconds = f.out_number()
    wrap_up_seconds = f.out_number()
    disposition_required = f.out_flag()
    push = f.out_flag()
    is_default = f.out_flag()
    active = f.out_flag()
    calendar_key = f.out_text()
    teams = f.out(TitledRefShape, many=True)
    entries = f.out(ServiceEntryShape, many=True)


class DispositionShape(TitledRefShape):
    service_id = f.out_number(null=True)
    parent_id = f.out_number(null=True)
    closes_case = f.out_flag()
    success = f.out_text(Text("success, failure or neutral", "success, failure или neutral"))
    workflow_key = f.out_text()
    position = f.out_number()
    active = f.out_flag()


class HitShape(Schema):
    """Something found; the two texts are HTML with ``<mark>`` around what was looked for."""

    kind = f.out_text()
    key = f.out_text(Text("The id, or the number of an article", "Id или номер статьи"))
    title_html = f.out_text()
    snippet_html = f.out_text()
    score = fields.Float(required=True)


class NotificationShape(Schema):
    id = f.out_number()
    kind = f.out_text()
    url = f.out_text()
    data = f.out_object()
    actor = f.out(PersonRefShape, null=True)
    at = f.out_moment()
    read_at = f.out_moment(null=True)


class FavouriteShape(Schema):
    kind = f.out_text(Text("user, contact or service", "user, contact или service"))
    object_id = f.out_number()
    position = f.out_number()


class PingTargetShape(Schema):
    """Whom a question may reach, and what it asks for."""

    id = f.out_number()
    key = f.out_text()
    kind = f.out_text(Text("expert, supervisor or expert_support", "expert, supervisor или expert_support"))
    title_en = f.out_text()
    title_ru = f.out_text()
    fields_ = f.out_list(fields.Dict(keys=fields.String()))
    fields_.attribute = fields_.data_key = "fields"
    target_seconds = f.out_number()


class PingShape(Schema):
    id = f.out_number()
    case = f.out(CaseRefShape)
    target = f.out(TitledRefShape)
    state = f.out_text(Text("waiting, taken, answered or withdrawn", "waiting, taken, answered или withdrawn"))
    question = f.out_text()
    values = f.out_object()
    answer = f.out_text()
    asked_by = f.out(PersonRefShape)
    answered_by = f.out(PersonRefShape, null=True)
    asked_at = f.out_moment()
    taken_at = f.out_moment(null=True)
    answered_at = f.out_moment(null=True)


class TokenShape(Schema):
    id = f.out_number()
    name = f.out_text()
    prefix = f.out_text()
    service = f.out_flag(Text("Belongs to a program, not to a person", "Принадлежит программе, а не человеку"))
    user = f.out(PersonRefShape)
    scopes = f.out_list(fields.String())
    created_at = f.out_moment()
    expires_at = f.out_moment(null=True)
    used_at = f.out_moment(null=True)


class NewTokenShape(TokenShape):
    secret = fields.String(
        required=True, allow_none=True, metadata={"description": Text("Shown this once", "Показывается один раз")}
    )


class WebhookShape(Schema):
    id = f.out_number()
    url = f.out_text()
    events = f.out_list(fields.String())
    active = f.out_flag()
    failures = f.out_number(Text("Failed attempts since the last success", "Неудач с последнего успеха"))
    last_status = f.out_text()
    last_at = f.out_moment(null=True)
    created_at = f.out_moment()


class NewWebhookShape(WebhookShape):
    secret = fields.String(
        required=True, allow_none=True, metadata={"description": Text("Shown this once", "Показывается один раз")}
    )


class CountShape(Schema):
    count = f.out_number()
