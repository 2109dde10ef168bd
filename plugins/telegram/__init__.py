"""Telegram: bots as a live text channel, by long polling or webhook."""

from core.contracts import PluginInfo, Text

PLUGIN = PluginInfo(
    name="telegram",
    title=Text("Telegram", "Telegram"),
    purpose=Text(
        "Conversations with customers who write to your Telegram bots",
        "Живое общение с клиентами, которые пишут вашим ботам в Telegram",
    ),
    icon="brand-telegram",
)
