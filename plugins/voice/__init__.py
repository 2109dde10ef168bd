"""Calls: the softphone in the browser, the queue with music, transfers and conferences, recordings, menus, voicemail."""

from core.contracts import PluginInfo, Text

PLUGIN = PluginInfo(
    name="voice",
    title=Text("Voice", "Телефония"),
    purpose=Text(
        "Calls in the browser: queue, transfer, conference, recording, voice menus, voicemail",
        "Звонки в браузере: очередь, перевод, конференция, запись, голосовые меню, голосовая почта",
    ),
    extra="voice",
    icon="phone",
)
