"""Messengers by signed webhooks: whatever speaks the contract is a live text channel."""

from core.contracts import PluginInfo, Text

PLUGIN = PluginInfo(
    name="messenger",
    title=Text("Messengers by webhook", "Мессенджеры по вебхуку"),
    purpose=Text(
        "Any messenger through a small adapter: signed webhooks both ways, delivery receipts",
        "Любой мессенджер через небольшой переходник: подписанные вебхуки в обе стороны, отметки о доставке",
    ),
    icon="webhook",
)
