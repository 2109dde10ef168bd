"""What the switch contributes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core import hookimpl
from core.contracts import HealthCheck, Setting, Text
from core.telephony import Backend, Driver

PRECEDENCE = "realtime"


def make_switch(settings: Mapping[str, Any], folder: str) -> Driver:
    """The driver; its libraries are imported in the voice process only, which becomes fit for sound."""
    from plugins.switch.driver import Switch
    from plugins.switch.precedence import take_precedence
    from plugins.switch.sip.gateway import chosen_gateway

    take_precedence(str(settings.get("switch.precedence", PRECEDENCE)))
    return Switch(settings, folder, chosen_gateway(settings))


@hookimpl
def register_telephony_backends() -> list[Backend]:
    """The embedded switch."""
    return [Backend("switch", Text("Embedded switch", "Встроенная АТС"), make_switch)]


@hookimpl
def check_health() -> list[HealthCheck]:
    """libopus and the settings."""
    from core.house import okno
    from plugins.switch.health import health

    return [health(okno().config.get)]


@hookimpl
def register_settings() -> list[Setting]:
    """How it finds browsers, how much it takes on, and its lines to telephones."""
    from plugins.switch.sip.settings import declared

    return [
        *declared(),
        Setting(
            "switch.stun",
            list,
            [],
            Text(
                "STUN servers the switch asks for its address outside, host:port; none: no server is asked",
                "Серверы STUN, у которых АТС узнаёт свой внешний адрес, хост:порт; пусто: серверы не опрашиваются",
            ),
        ),
        Setting(
            "switch.turn",
            str,
            "",
            Text(
                "TURN server that relays for the switch, host:port; not needed when browsers reach it",
                "Сервер TURN, через который АТС передаёт звук, хост:порт; не нужен, если браузеры достают до неё сами",
            ),
        ),
        Setting(
            "switch.turn_secret",
            str,
            "",
            Text("Shared secret of that TURN server", "Общий секрет этого сервера TURN"),
            secret=True,
        ),
        Setting(
            "switch.addresses",
            list,
            [],
            Text(
                "Addresses of this machine that are offered to browsers; none: all of them",
                "Адреса этой машины, которые предлагаются браузерам; пусто: все",
            ),
        ),
        Setting(
            "switch.bitrate", int, 32_000, Text("Bits a second of what is mixed", "Бит в секунду для смешанного звука")
        ),
        Setting(
            "switch.most_legs",
            int,
            60,
            Text("Parties at once; more are refused", "Сколько участников одновременно; остальным отказ"),
        ),
        Setting(
            "switch.precedence",
            str,
            PRECEDENCE,
            Text(
                "Whether the voice process comes before others, where the system permits it (CAP_SYS_NICE)",
                "Идёт ли голосовой процесс впереди других, если система позволяет (CAP_SYS_NICE)",
            ),
            choices=("realtime", "nice", "none"),
        ),
        Setting(
            "switch.lost_seconds",
            int,
            15,
            Text(
                "Seconds without anything from a browser after which its leg ends",
                "Через сколько секунд без данных от браузера его участие заканчивается",
            ),
        ),
    ]
