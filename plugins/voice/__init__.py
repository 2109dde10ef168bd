"""Calls: for now their signalling, so that a call rings, is answered and wrapped up like any interaction; no audio yet."""

from core.contracts import PluginInfo, Text

PLUGIN = PluginInfo(
    name="voice",
    title=Text("Voice", "Телефония"),
    purpose=Text(
        "Calls in the same queue and offer window as everything else (signalling only, no audio yet)",
        "Звонки в общей очереди и в том же окне уведомления (пока только сигнализация, без звука)",
    ),
    extra="voice",
    icon="phone",
)
