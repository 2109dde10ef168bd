"""The embedded switch: calls between browsers inside this machine, with nothing to install beside Okno."""

from core.contracts import PluginInfo, Text

PLUGIN = PluginInfo(
    name="switch",
    title=Text("Embedded switch", "Встроенная АТС"),
    purpose=Text(
        "Carries calls between browsers by WebRTC: mixing, music, recording, supervision",
        "Проводит звонки между браузерами по WebRTC: смешивание, музыка, запись, подключение супервизора",
    ),
    requires=("aiortc", "numpy"),
    extra="switch",
    icon="phone",
)
