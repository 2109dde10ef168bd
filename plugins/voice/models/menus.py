"""Voice menus: what a caller hears and may press before anybody answers."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from core.clock import now
from core.db import db


class VoiceMenu(db.Model):
    """A menu as data (:mod:`plugins.voice.menus.document`). ``version`` rises with each change, so that two editors collide."""

    __tablename__ = "voice_menu"
    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(40), unique=True)
    title_en: Mapped[str] = mapped_column(String(120))
    title_ru: Mapped[str] = mapped_column(String(120))
    active: Mapped[bool] = mapped_column(default=True)
    document: Mapped[dict[str, Any]] = mapped_column(default=dict)
    version: Mapped[int] = mapped_column(default=1)
    updated_at: Mapped[datetime] = mapped_column(default=now)


class VoiceMenuNumber(db.Model):
    """A number that was dialled and the menu that answers it; the unique number makes two menus for one impossible."""

    __tablename__ = "voice_menu_number"
    number: Mapped[str] = mapped_column(String(40), primary_key=True)
    menu_id: Mapped[int] = mapped_column(ForeignKey("voice_menu.id", ondelete="CASCADE"), index=True)
