"""Translations at the desk by a LibreTranslate server."""

from core.contracts import PluginInfo, Text

PLUGIN = PluginInfo(
    name="translate",
    title=Text("Translations", "Переводы"),
    purpose=Text(
        "Translates messages and drafts by a LibreTranslate server",
        "Переводит сообщения и черновики через LibreTranslate",
    ),
    icon="language",
)
