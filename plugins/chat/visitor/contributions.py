"""What the visitor's side adds to the house; ``hooks`` asks for it."""

from __future__ import annotations

from core.contracts import Asset, CommandMount, DeskContext, Job, MenuItem, Text

DEMO_FIELDS = (
    {"kind": "name", "title_en": "Your name", "title_ru": "Ваше имя", "required": True},
    {"kind": "email", "title_en": "Your email", "title_ru": "Ваша почта", "required": False},
)


def menu_items(context: DeskContext) -> list[MenuItem]:
    """The widgets and the demo page, in the admin menu."""
    widgets, demo = Text("Chat widgets", "Виджеты чата"), Text("Chat: demo page", "Чат: демостраница")
    return [
        MenuItem("chat-widgets", widgets, "message-circle", "/admin/chat-widgets", "admin", 215, "admin.services"),
        MenuItem("chat-demo", demo, "message-circle", "/chat/demo", "admin", 220, "admin.view"),
    ]


def assets() -> list[Asset]:
    """Styles of the admin pages."""
    return [Asset("css", "/chat/static/widgets-admin.css", "admin")]


def jobs() -> list[Job]:
    """Visitors who wait hear how the queue moves."""
    from plugins.chat.visitor import queue_news

    def tell() -> None:
        queue_news.tell_due()

    return [Job("chat.queue", tell, seconds=queue_news.SECONDS)]


def commands() -> list[CommandMount]:
    """``okno chat-widgets``."""
    from plugins.chat.visitor.widget_commands import chat_widgets

    return [CommandMount(chat_widgets)]


def load_demo() -> None:
    """A widget for the demo page, once."""
    from sqlalchemy import select

    from core.db import db, transaction
    from plugins.chat.models import Widget
    from plugins.chat.visitor import widgets
    from plugins.chat.visitor.messages import ensure_entry

    with transaction():
        ensure_entry("demo")
        if db.session.scalar(select(Widget.id).where(Widget.key == "demo")) is None:
            service = widgets.services_of(["demo"]).get("demo")
            titles = {"title_en": "Tavolga support", "title_ru": "Поддержка «Таволги»"}
            widgets.add_widget(
                "demo",
                service.key if service else "",
                fields=[dict(one) for one in DEMO_FIELDS],
                offline="never",
                **titles,
            )
