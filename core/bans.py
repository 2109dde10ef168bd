"""Contacts who are not served any more: no channel takes anything in from any of their addresses until the ban is lifted."""

from __future__ import annotations

from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload

from core import audit
from core.clock import now
from core.contracts import Address, Rejected, Text
from core.db import current_work, db, transaction
from core.model import Ban, Contact, ContactAddress, Interaction

PAGE = 50
CODE = "banned"
_OF_ADDRESS = (
    select(Ban.id)
    .join(ContactAddress, ContactAddress.contact_id == Ban.contact_id)
    .where(
        ContactAddress.kind == bindparam("kind"),
        ContactAddress.value == bindparam("value"),
        Ban.lifted_at.is_(None),
    )
)


def refuse(sender: Address) -> None:
    """Raise ``Rejected`` (``banned``) when the contact behind the address is not served; in the open transaction."""
    found = current_work().connection.execute(_OF_ADDRESS, {"kind": sender.kind, "value": sender.value[:254]}).first()
    if found is not None:
        raise Rejected(
            Text("Your messages are not accepted here", "Ваши сообщения здесь не принимаются"),
            CODE,
        )


def is_banned(contact_id: int | None) -> bool:
    """Whether the contact is not served."""
    query = select(Ban.id).where(Ban.contact_id == contact_id, Ban.lifted_at.is_(None))
    return contact_id is not None and db.session.scalar(query) is not None


def ban(contact_id: int, user_id: int, reason: str = "", interaction_id: int | None = None) -> Ban:
    """Serve the contact no more, on any channel; a second ban changes nothing. Raises ``Rejected`` (``contact-unknown``)."""
    with transaction():
        if db.session.get(Contact, contact_id) is None:
            raise Rejected(Text("There is no such contact", "Такого контакта нет"), "contact-unknown")
        query = select(Ban).where(Ban.contact_id == contact_id, Ban.lifted_at.is_(None))
        same: Ban | None = db.session.scalar(query)
        if same is not None:
            return same
        row = Ban(contact_id=contact_id, by_id=user_id, reason=reason.strip()[:500], interaction_id=interaction_id)
        try:
            with db.session.begin_nested():
                db.session.add(row)
        except IntegrityError:
            return db.session.scalars(query).one()
        audit.record("contact.ban", "contact", contact_id, {}, {"reason": row.reason, "by": user_id})
        return row


def ban_from(interaction_id: int, user_id: int, reason: str = "") -> Ban:
    """Ban the contact of an interaction. Raises ``Rejected`` (``contact-unknown``)."""
    interaction = db.session.get(Interaction, interaction_id)
    contact_id = interaction.contact_id if interaction is not None else None
    return ban(contact_id or 0, user_id, reason, interaction_id)


def lift(ban_id: int, user_id: int | None) -> None:
    """Serve the contact again. Raises ``Rejected`` (``ban-unknown``) when it is lifted already."""
    with transaction():
        open_one = update(Ban).where(Ban.id == ban_id, Ban.lifted_at.is_(None)).returning(Ban.contact_id)
        values = {"lifted_at": now(), "lifted_by_id": user_id}
        done = db.session.execute(open_one.values(values).execution_options(synchronize_session=False)).first()
        if done is None:
            raise Rejected(Text("This ban is lifted already", "Эта блокировка уже снята"), "ban-unknown")
        audit.record("contact.unban", "contact", done.contact_id, {"ban": ban_id}, {})
        db.session.expire_all()


def bans(*, lifted: bool = False, before_id: int | None = None, limit: int = PAGE) -> list[Ban]:
    """The bans in force, newest first, or those lifted; ``before_id`` pages on."""
    query = select(Ban).where(Ban.lifted_at.is_not(None) if lifted else Ban.lifted_at.is_(None))
    if before_id is not None:
        query = query.where(Ban.id < before_id)
    loaded = query.options(
        joinedload(Ban.contact).selectinload(Contact.addresses), joinedload(Ban.by), joinedload(Ban.lifted_by)
    )
    return list(db.session.scalars(loaded.order_by(Ban.id.desc()).limit(limit)))
