"""A bot that meets customers in live channels: it offers articles of the help centre and hands over to an agent."""

from core.contracts import PluginInfo, Text

PLUGIN = PluginInfo(
    name="bot",
    title=Text("Bot", "Бот"),
    purpose=Text(
        "Answers in chats and messengers before an agent does: offers articles, then hands over",
        "Отвечает в чатах и мессенджерах до оператора: предлагает статьи и передаёт диалог человеку",
    ),
    icon="robot",
)
