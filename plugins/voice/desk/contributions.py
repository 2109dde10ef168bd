"""What the pages of calls add to the desk; :mod:`plugins.voice.hooks` hands it on."""

from __future__ import annotations

from core.contracts import Asset, DeskContext, MenuItem, Panel, PersonAction, Text


def assets() -> list[Asset]:
    """The small module that hears of calls, and the looks of the softphone; the rest is loaded when there is a call."""
    return [
        Asset("module", "/voice/static/desk-voice.js", permission="voice.call"),
        Asset("css", "/voice/static/softphone.css", permission="voice.call"),
    ]


def menu_items(context: DeskContext) -> list[MenuItem]:
    """«Telephone» for who calls, «Calls now» for who supervises."""
    telephone, now = Text("Telephone", "Телефон"), Text("Calls now", "Звонки сейчас")
    return [
        MenuItem("voice-phone", telephone, "phone", "/voice/phone", order=85, permission="voice.call"),
        MenuItem("voice-live", now, "phone-calling", "/voice/live", order=86, permission="supervisor.view"),
        MenuItem(
            "voice-demo",
            Text("Voice: demo page", "Телефония: демостраница"),
            "phone",
            "/voice/demo",
            "admin",
            231,
            "admin.view",
        ),
    ]


def panels(context: DeskContext) -> list[Panel]:
    """The agent's telephone, microphone and loudspeaker among the own settings."""
    title = Text("Telephone and sound", "Телефон и звук")
    return [Panel("voice-devices", title, "phone", "/voice/devices", "settings", 40, "voice.call")]


def person_actions() -> list[PersonAction]:
    """The telephone page with this colleague on it."""
    label = Text("Call", "Позвонить")
    return [PersonAction("voice-call", label, "phone-calling", "/voice/phone?user={id}", "voice.call")]
