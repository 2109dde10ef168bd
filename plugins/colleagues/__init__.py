"""Chats between colleagues: personal, group, and words of a supervisor to a whole team."""

from core.contracts import PluginInfo, Text

PLUGIN = PluginInfo(
    name="colleagues",
    title=Text("Chats with colleagues", "Чаты с коллегами"),
    purpose=Text(
        "Personal and group chats of the people who work here, with files, search and stars",
        "Личные и групповые чаты сотрудников: файлы, поиск, отмеченные сообщения",
    ),
    extra="colleagues",
    icon="messages",
)
