"""A channel over signed webhooks, for instance to an SMS gateway."""

from core.contracts import PluginInfo, Text

PLUGIN = PluginInfo(
    name="webhook",
    title=Text("Webhook", "Вебхук"),
    purpose=Text("Messages in and out over signed HTTP requests", "Сообщения через подписанные HTTP-запросы"),
    icon="webhook",
)
