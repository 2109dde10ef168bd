"""What menus, messages, voicemail, recordings, registration and lines add; :mod:`plugins.voice.hooks` hands it on."""

from __future__ import annotations

from collections.abc import Mapping

import click
from sqlalchemy import select

from core.contracts import (
    Asset,
    BlueprintMount,
    DeskContext,
    HealthCheck,
    Job,
    JsonValue,
    MenuItem,
    NoticeKind,
    Panel,
    Permission,
    Setting,
    Text,
)
from core.db import db
from plugins.voice.models.calls import VoiceCall
from plugins.voice.models.registration import CallLink

STATIC = "/voice/static/features"
ENCODE_SECONDS, PRUNE_SECONDS = 5, 3600
SPEAK_SECONDS, LONGEST_SPEAKING = 5, 60.0


def settings() -> list[Setting]:
    """How long voicemail is kept, what speaks, what the report of registration leaves out."""
    return [
        Setting(
            "voice.voicemail_days", int, 90, Text("Voicemail is kept, days", "Сколько дней хранится голосовая почта")
        ),
        Setting(
            "voice.speech_command",
            str,
            "",
            Text(
                "Program that speaks a text from standard input into a WAV on standard output; empty: espeak-ng",
                "Программа, которая читает текст со стандартного ввода и пишет WAV в стандартный вывод; пусто — espeak-ng",
            ),
        ),
        Setting(
            "voice.registration_short_seconds",
            int,
            20,
            Text("Calls shorter than this need no registration, s", "Звонки короче этого не регистрируют, с"),
        ),
        Setting(
            "voice.registration_transfer_seconds",
            int,
            150,
            Text(
                "Calls shorter than this that ended by transfer need no registration, s",
                "Звонки короче этого, завершённые переводом, не регистрируют, с",
            ),
        ),
        Setting(
            "voice.registration_internal_digits",
            int,
            5,
            Text(
                "Calls from numbers of at most so many digits need no registration",
                "Звонки с номеров не длиннее стольких цифр не регистрируют",
            ),
        ),
    ]


def permissions() -> list[Permission]:
    """Who hears recordings, who keeps central messages, who watches over registration and quality."""
    serving = ("supervisor", "admin")
    return [
        Permission("voice.recordings", Text("Hear recordings of calls", "Слушать записи звонков"), serving),
        Permission(
            "voice.messages", Text("Keep central recorded messages", "Вести общие записанные сообщения"), serving
        ),
        Permission(
            "voice.registration", Text("Watch the registration of calls", "Следить за регистрацией звонков"), serving
        ),
        Permission("voice.quality", Text("Watch the quality of calls", "Следить за качеством связи"), serving),
    ]


def blueprints() -> list[BlueprintMount]:
    """The pages."""
    from plugins.voice.lines.views import blueprint as lines
    from plugins.voice.menus.admin_views import blueprint as menus
    from plugins.voice.messages.views import blueprint as messages
    from plugins.voice.quality.views import blueprint as quality
    from plugins.voice.recordings.views import blueprint as recordings
    from plugins.voice.registration.callback_views import blueprint as callbacks
    from plugins.voice.registration.views import blueprint as registration
    from plugins.voice.voicemail.views import blueprint as voicemail

    return [
        BlueprintMount(one) for one in (callbacks, lines, menus, messages, quality, recordings, registration, voicemail)
    ]


def assets() -> list[Asset]:
    """Players and recorders: names at once, the rest when one is on a page."""
    return [
        Asset("module", f"{STATIC}/features.js", permission="voice.call"),
        Asset("css", f"{STATIC}/features.css", permission="voice.call"),
        Asset("module", f"{STATIC}/features.js", area="admin"),
        Asset("css", f"{STATIC}/features.css", area="admin"),
    ]


def menu_items(context: DeskContext) -> list[MenuItem]:
    """Voicemail and the journal of calls at the desk; menus, messages and lines among the admin pages."""
    from plugins.voice.voicemail.messages_left import unheard

    count = unheard(context.user_id)
    mail, journal = Text("Voicemail", "Голосовая почта"), Text("Journal of calls", "Журнал звонков")
    return [
        MenuItem(
            "voice-mail",
            mail,
            "mailbox",
            "/voice/voicemail",
            order=87,
            permission="voice.call",
            counter=str(count or ""),
        ),
        MenuItem("voice-journal", journal, "clipboard-list", "/voice/registration", order=88, permission="voice.call"),
        _admin("menus", Text("Voice menus", "Голосовые меню"), "list-tree", 232),
        _admin("messages", Text("Recorded messages", "Записанные сообщения"), "microphone", 233, "voice.messages"),
        _admin("lines", Text("Line directory", "Справочник линий"), "address-book", 234),
    ]


def _admin(key: str, label: Text, icon: str, order: int, permission: str = "admin.services") -> MenuItem:
    return MenuItem(
        f"voice-{key}", label, icon, f"/admin/voice-{key}", area="admin", order=order, permission=permission
    )


def panels(context: DeskContext) -> list[Panel]:
    """Own messages, box and forwarding in the settings; the rule and box of a service; calls and recordings of a case."""
    messages, box = Text("Recorded messages", "Записанные сообщения"), Text("Voicemail", "Голосовая почта")
    forwarding, rule = Text("Call forwarding", "Переадресация звонков"), Text("Calls of the service", "Звонки сервиса")
    found = [
        Panel("voice-messages", messages, "microphone", "/voice/messages", "settings", 41, "voice.call"),
        Panel("voice-box", box, "mailbox", "/voice/box", "settings", 42, "voice.call"),
        Panel("voice-forwarding", forwarding, "phone-outgoing", "/voice/forwarding", "settings", 43, "voice.call"),
        Panel("voice-rule", rule, "phone", "/voice/rules", "service", 70, "admin.services"),
        Panel("voice-service-box", box, "mailbox", "/voice/box", "service", 71, "admin.services"),
    ]
    if context.case_id is None or not _has_calls(context.case_id):
        return found
    calls, recordings = Text("Calls", "Звонки"), Text("Recordings of calls", "Записи звонков")
    at = context.case_id
    found.append(Panel("voice-calls", calls, "phone", f"/voice/registration/case?case={at}", "case", 20, "case.view"))
    from plugins.voice.recordings.library import any_of_case

    if any_of_case(at):
        url = f"/voice/recordings/case?case={at}"
        found.append(Panel("voice-recordings", recordings, "microphone", url, "case", 21, "voice.recordings"))
    return found


def _has_calls(case_id: int) -> bool:
    linked = select(CallLink.call_id).where(CallLink.case_id == case_id)
    calls = select(VoiceCall.id).where((VoiceCall.case_id == case_id) | VoiceCall.id.in_(linked))
    return db.session.scalar(calls.limit(1)) is not None


def jobs() -> list[Job]:
    """What was recorded is encoded, what will be said is spoken, what has been kept its days is forgotten."""
    return [
        Job("voice.speak", _speak, seconds=SPEAK_SECONDS),
        Job("voice.encode", _encode, seconds=ENCODE_SECONDS),
        Job("voice.prune", _prune, seconds=PRUNE_SECONDS),
    ]


def _speak() -> None:
    from plugins.voice.menus import operations as menus
    from plugins.voice.sounds import speech
    from plugins.voice.voicemail import boxes

    speech.speak_ahead(menus.spoken_texts() | boxes.spoken_texts(), LONGEST_SPEAKING)


def _encode() -> None:
    from plugins.voice.recordings import library
    from plugins.voice.voicemail import messages_left

    messages_left.encode_due()
    library.encode_due()


def _prune() -> None:
    from plugins.voice.recordings import library
    from plugins.voice.voicemail import messages_left

    messages_left.prune()
    library.prune()


def notices() -> list[NoticeKind]:
    """A voicemail has come."""

    def words(data: Mapping[str, JsonValue], _who: str) -> Text:
        who, seconds = data.get("who") or "?", data.get("seconds", 0)
        return Text(f"Voicemail from {who}, {seconds} s", f"Голосовое сообщение от {who}, {seconds} с")

    return [NoticeKind("voice.voicemail", "mailbox", words, "info")]


def health() -> list[HealthCheck]:
    """Whether texts of menus are spoken."""
    from plugins.voice.menus.operations import list_menus
    from plugins.voice.sounds import speech

    texts = any("text" in step for row in list_menus() if row.active for step in row.document.get("steps", {}).values())
    speaks = bool(speech.command())
    detail = "texts are spoken" if speaks else "no program speaks texts"
    mend = "install espeak-ng, set voice.speech_command, or play recorded messages in menus"
    return [HealthCheck("voice menus", speaks or not texts, detail, "" if speaks else mend)]


def load_demo() -> None:
    """A menu to look at and to try, switched off, and lines that calls can be passed to."""
    from core.services import list_services
    from plugins.voice.lines import directory
    from plugins.voice.menus import example, operations

    if not operations.list_menus():
        operations.save_menu("main", operations.from_yaml(example.document()), active=False)
    services = [service for service in list_services(inactive=False) if service.teams]
    if directory.list_lines() or not services:
        return
    for place, service in enumerate(services[:3]):
        directory.save_line(
            service.key[:40].lower(),
            title_en=service.title_en,
            title_ru=service.title_ru,
            product=service.title_ru,
            number=str(200 + place),
            service=service.key,
            position=place,
        )


def add_commands(voice: click.Group) -> None:
    """``okno voice menu``, ``message``, ``line``, ``registration`` and ``callbacks``."""
    from plugins.voice.lines.commands import line
    from plugins.voice.menus.commands import menu
    from plugins.voice.messages.commands import message
    from plugins.voice.registration.callback_commands import callbacks
    from plugins.voice.registration.commands import registration

    for group in (menu, message, line, registration, callbacks):
        voice.add_command(group)
