"""Calls through Asterisk: SIP trunks and telephones over ARI."""

from core.contracts import PluginInfo, Text

PLUGIN = PluginInfo(
    name="asterisk",
    title=Text("Asterisk", "Asterisk"),
    purpose=Text(
        "Carries calls through an Asterisk exchange over ARI: SIP trunks, telephones, many calls",
        "Проводит звонки через АТС Asterisk по ARI: транки SIP, телефоны, много звонков",
    ),
    requires=("numpy", "websockets"),
    extra="asterisk",
    icon="phone",
)
