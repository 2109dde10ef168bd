"""The knowledge base: articles in folders, found as agents type, put into replies with one press."""

from core.contracts import PluginInfo, Text

PLUGIN = PluginInfo(
    name="kb",
    title=Text("Knowledge base", "База знаний"),
    purpose=Text(
        "Articles in folders, search as you type, answers put into replies",
        "Статьи по разделам, поиск по мере ввода, готовые ответы в один клик",
    ),
    requires=("whoosh",),
    extra="kb",
    icon="book",
)
