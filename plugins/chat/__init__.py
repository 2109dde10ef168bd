"""Chat with visitors of a web page: a live channel without an account on the other side."""

from core.contracts import PluginInfo, Text

PLUGIN = PluginInfo(
    name="chat",
    title=Text("Chat", "Чат"),
    purpose=Text(
        "Live conversations with visitors of a web page, with a demo page to try",
        "Живое общение с посетителями сайта и демонстрационная страница для проверки",
    ),
    extra="chat",
    icon="message-circle",
)
