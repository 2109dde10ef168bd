"""Who writes and calls: contacts with several addresses, and their organisations."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from core.clock import now
from core.db import db


class Organisation(db.Model):
    """A customer's company; ``tax_id`` is its ИНН or VAT number."""

    __tablename__ = "organisation"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    tax_id: Mapped[str] = mapped_column(String(40), default="", index=True)


class Contact(db.Model):
    """A person outside, recognised from any of the addresses."""

    __tablename__ = "contact"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200), default="", index=True)
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisation.id"), index=True)
    language: Mapped[str] = mapped_column(String(5), default="")
    timezone: Mapped[str] = mapped_column(String(60), default="")
    status: Mapped[str] = mapped_column(String(20), default="")
    note: Mapped[str] = mapped_column(Text, default="")
    fields: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=now)
    organisation: Mapped[Organisation | None] = relationship()
    addresses: Mapped[list[ContactAddress]] = relationship(
        back_populates="contact", cascade="all, delete-orphan", order_by="ContactAddress.id"
    )


class ContactAddress(db.Model):
    """One email, phone or messenger account. The unique pair makes recognition safe under concurrency."""

    __tablename__ = "contact_address"
    __table_args__ = (UniqueConstraint("kind", "value"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    value: Mapped[str] = mapped_column(String(254))
    contact: Mapped[Contact] = relationship(back_populates="addresses")


class FindWord(db.Model):
    """A word part by which the directory finds a user, contact, organisation or service; kept by :mod:`core.find_words`."""

    __tablename__ = "find_word"
    __table_args__ = (Index("ix_find_word_kind_object_id", "kind", "object_id"),)
    kind: Mapped[str] = mapped_column(String(12), primary_key=True)
    # PostgreSQL compares beginnings of words by bytes, whatever the language of the data base.
    word: Mapped[str] = mapped_column(
        String(60).with_variant(String(60, collation="C"), "postgresql"), primary_key=True
    )
    object_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
