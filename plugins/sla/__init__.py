"""Service levels: priorities, business calendars, due times and the clock of a case."""

from core.contracts import PluginInfo, Text

PLUGIN = PluginInfo(
    name="sla",
    title=Text("Service levels", "Сроки обслуживания"),
    purpose=Text(
        "Targets by priority, business calendars, the clock on a case, warnings before it is late",
        "Нормативы по приоритетам, рабочие календари, часы запроса, предупреждения до просрочки",
    ),
    extra="sla",
    icon="clock",
)
