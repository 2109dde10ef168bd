"""Widgets: how the chat looks and behaves on each site. The only code that changes them.

A key that leads to a service but has no widget of its own gets the built-in one: an entry is enough to begin.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast
from urllib.parse import urlsplit

from marshmallow import ValidationError
from marshmallow import fields as ma
from sqlalchemy import select

from core import audit, services
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.directory import missing
from core.model import Service, ServiceEntry
from core.schemas import Form, Invalid, checked, choice, flag, wrong
from core.schemas import words as line
from plugins.chat.models import Widget
from plugins.chat.visitor.words import OWN

CHANNEL = "chat"
KEY = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,78}[a-z0-9])?")
COLOUR = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)
FEATURES: dict[str, Text] = {
    "files": Text("Files", "Файлы"),
    "emoji": Text("Emoji", "Эмодзи"),
    "rating": Text("Rating at the end", "Оценка в конце"),
    "place": Text("Place in the queue and expected wait", "Место в очереди и ожидание"),
    "page": Text("The agent sees the visitor's page", "Оператор видит страницу посетителя"),
}
FIELD_KINDS = ("name", "email", "phone", "text", "choice")
FIELDS_MOST, ORIGINS_MOST = 8, 50
COLUMNS = (
    "title_en", "title_ru", "language", "colour", "theme", "position", "launcher", "offline", "texts", "fields", "features",
    "origins", "active",
)  # fmt: skip


def _colour(value: str) -> None:
    if not COLOUR.fullmatch(value):
        raise wrong("A colour like #2b5fc7.", "Цвет вида #2b5fc7.")


def _widget_key(value: str) -> None:
    if not KEY.fullmatch(value):
        raise wrong("Lower-case Latin letters, digits, «. - _».", "Строчные латинские буквы, цифры, «. - _».")


class WidgetForm(Form):
    key = line(80, _widget_key, required=True)
    title_en = line(80)
    title_ru = line(80)
    language = choice("", "ru", "en")
    colour = line(7, _colour, default="#2b5fc7")
    theme = choice("auto", "light", "dark", default="auto")
    position = choice("right", "left", default="right")
    launcher = choice("round", "bar", default="round")
    offline = choice("never", "hours", "agents", default="hours")
    texts = ma.Dict(load_default=dict)
    questions = ma.List(ma.Dict(), load_default=list, data_key="fields", attribute="fields")
    features = ma.Dict(load_default=dict)
    origins = ma.List(ma.String(), load_default=list)
    active = flag(True)


def list_widgets() -> list[Widget]:
    """All by key."""
    return list(db.session.scalars(select(Widget).order_by(Widget.key)))


def get_widget(key: str) -> Widget:
    """The widget of that key; raises ``Rejected`` (``not-found``)."""
    found: Widget | None = db.session.scalar(select(Widget).where(Widget.key == key))
    if found is None:
        raise missing("widget", "виджет", key)
    return found


def look_up(key: str) -> Widget:
    """The widget that a site carries; the built-in one for a key without."""
    found: Widget | None = db.session.scalar(select(Widget).where(Widget.key == key))
    if found is not None:
        return found
    return Widget(
        key=key, title_en="", title_ru="", language="", colour="#2b5fc7", theme="auto", position="right", launcher="round",
        offline="hours", texts={}, fields=[], features={}, origins=[], active=True, version=0,
    )  # fmt: skip


def services_of(keys: Sequence[str]) -> dict[str, Service]:
    """The services that widgets lead to, by the widget's key."""
    query = select(ServiceEntry.address, Service).join(Service, Service.id == ServiceEntry.service_id)
    query = query.where(ServiceEntry.channel == CHANNEL, ServiceEntry.address.in_(keys))
    return {row.address: row.Service for row in db.session.execute(query)}


def add_widget(key: str, service_key: str = "", **values: Any) -> Widget:
    """A new widget, leading to a service. Raises ``Invalid`` for values that cannot be, a taken key among them."""
    loaded = _loaded({"key": key.strip().lower(), **values})
    with transaction():
        if db.session.scalar(select(Widget.id).where(Widget.key == loaded["key"])) is not None:
            taken = Text("A widget with this key exists.", "Виджет с таким ключом уже есть.")
            raise Invalid({"key": taken}, "exists")
        row = Widget(**loaded)
        db.session.add(row)
        db.session.flush()
        audit.record("chat_widget.add", "chat_widget", row.key, after=loaded)
        lead(row.key, service_key)
        return row


def update_widget(key: str, service_key: str | None = None, **values: Any) -> Widget:
    """Change the given values; the key stays. Raises ``Invalid``, ``Rejected`` (``not-found``)."""
    loaded = _loaded(values, partial=True)
    with transaction():
        row = get_widget(key)
        before = {name: getattr(row, name) for name in loaded}
        for name, value in loaded.items():
            setattr(row, name, value)
        row.version += 1
        audit.record("chat_widget.change", "chat_widget", key, before, loaded)
        if service_key is not None:
            lead(key, service_key)
        return row


def remove_widget(key: str) -> None:
    """Take a widget and its entry away; its conversations stay. Raises ``Rejected`` (``not-found``)."""
    with transaction():
        row = get_widget(key)
        audit.record("chat_widget.remove", "chat_widget", key, before={"title_en": row.title_en})
        db.session.delete(row)
        entry = _entry(key)
        if entry is not None:
            services.remove_entry(entry.id)


def lead(key: str, service_key: str) -> None:
    """Let the widget lead to a service; "" leads to the default one. In the open transaction or one of its own."""
    with transaction():
        entry = _entry(key)
        wanted = services.get_service(service_key) if service_key else None
        if entry is not None and wanted is not None and entry.service_id == wanted.id:
            return
        if entry is not None:
            services.remove_entry(entry.id)
            db.session.flush()
        if wanted is not None:
            services.add_entry(wanted.id, CHANNEL, key, primary=False)


def _entry(key: str) -> ServiceEntry | None:
    query = select(ServiceEntry).where(ServiceEntry.channel == CHANNEL, ServiceEntry.address == key)
    return db.session.scalar(query)


def allows(widget: Widget, origin: str, own: str) -> bool:
    """Whether a page of ``origin`` may carry the widget. ``own``: the house's own; "" is a program, no page."""
    return not origin or not widget.origins or origin.lower() in (*widget.origins, own.lower())


# --- values ------------------------------------------------------------------------------------------


def _loaded(values: Mapping[str, Any], *, partial: bool = False) -> dict[str, Any]:
    loaded = checked(WidgetForm, values, partial=partial)
    reading: dict[str, Any] = {"texts": _texts, "fields": _fields, "features": _features, "origins": _origins}
    for name, read in reading.items():
        if name in loaded:
            try:
                loaded[name] = read(loaded[name])
            except ValidationError as error:
                raise Invalid({name: cast(Text, error.messages[0])}) from None
    return loaded


def _texts(given: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    kept = {}
    for key, both in given.items():
        if key not in OWN or not isinstance(both, Mapping):
            raise wrong(f"There is no text «{key}».", f"Нет текста «{key}».")
        texts = {language: str(both.get(language, "")).strip()[:600] for language in ("en", "ru")}
        if any(texts.values()):
            kept[key] = texts
    return kept


def _fields(given: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    if len(given) > FIELDS_MOST:
        raise wrong(f"At most {FIELDS_MOST} questions.", f"Не больше {FIELDS_MOST} вопросов.")
    kept: list[dict[str, Any]] = []
    for number, one in enumerate(given, 1):
        kind = str(one.get("kind", "text"))
        if kind not in FIELD_KINDS:
            raise wrong(f"Question {number}: the kind is unknown.", f"Вопрос {number}: неизвестный вид.")
        titles = {name: str(one.get(name, "")).strip()[:80] for name in ("title_en", "title_ru")}
        if not any(titles.values()):
            raise wrong(f"Question {number} has no words.", f"У вопроса {number} нет текста.")
        options = [str(option).strip()[:80] for option in one.get("options", []) if str(option).strip()][:20]
        if kind == "choice" and not options:
            raise wrong(f"Question {number} has nothing to choose from.", f"В вопросе {number} не из чего выбирать.")
        key = kind if kind in ("name", "email", "phone") else f"{kind}{number}"
        if any(key == other["key"] for other in kept):
            raise wrong(f"Question {number} asks the same again.", f"Вопрос {number} повторяет другой.")
        kept.append({"key": key, "kind": kind, **titles, "required": bool(one.get("required")), "options": options})
    return kept


def _features(given: Mapping[str, Any]) -> dict[str, bool]:
    unknown = next((name for name in given if name not in FEATURES), None)
    if unknown is not None:
        raise wrong(f"There is no feature «{unknown}».", f"Нет функции «{unknown}».")
    return {name: bool(value) for name, value in given.items()}


def _origins(given: Sequence[str]) -> list[str]:
    if len(given) > ORIGINS_MOST:
        raise wrong(f"At most {ORIGINS_MOST} sites.", f"Не больше {ORIGINS_MOST} сайтов.")
    return [origin_of(one) for one in given if one.strip()]


def origin_of(address: str) -> str:
    """«https://shop.example» of what an administrator typed. Raises marshmallow's ``ValidationError``."""
    text = address.strip().lower()
    parts = urlsplit(text if "://" in text else f"https://{text}")
    try:
        port = f":{parts.port}" if parts.port else ""
        host = (parts.hostname or "").encode("idna").decode()
    except (ValueError, UnicodeError):
        host, port = "", ""
    if parts.scheme not in ("http", "https") or not re.fullmatch(r"[a-z0-9.\-]+", host):
        raise wrong(
            f"«{address}» is not a site, for instance https://shop.example.",
            f"«{address}» не похоже на сайт, например https://shop.example.",
        )
    return f"{parts.scheme}://{host}{port}"


def check_origin(widget: Widget, origin: str, own: str) -> None:
    """Raises ``Rejected`` (``origin-refused``, ``widget-off``) where the widget may not be used."""
    if not widget.active:
        raise Rejected(Text("This chat is switched off", "Этот чат отключён"), "widget-off")
    if not allows(widget, origin, own):
        words = Text(
            f"The chat «{widget.key}» may not be used on {origin}", f"Чат «{widget.key}» не разрешён на {origin}"
        )
        raise Rejected(words, "origin-refused")


def snippet(base: str, key: str) -> str:
    """The line that a site carries; ``base`` is the address of this house."""
    return f'<script src="{base.rstrip("/")}/chat/widget.js" data-entry="{key}" async></script>'
