"""A router that shares the day's work evenly."""

from core.contracts import PluginInfo, Text

PLUGIN = PluginInfo(
    name="roundrobin",
    title=Text("Even router", "Равномерное распределение"),
    purpose=Text(
        "Who has handled the fewest today is asked first", "Обращение получает тот, кто сегодня обработал меньше"
    ),
    icon="route",
)
