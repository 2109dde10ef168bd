"""The settings of the switch's telephones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.contracts import Setting, Text


def declared() -> list[Setting]:
    """What an administrator can say about SIP."""
    return [
        Setting("switch.sip", bool, False, Text("Carry telephone calls by SIP; needs the extra sip", "Принимать и совершать звонки по SIP; нужно дополнение sip")),
        Setting("switch.sip_listen", str, "0.0.0.0:5060", Text("Address and port for SIP", "Адрес и порт для SIP")),
        Setting("switch.sip_calls", int, 8, Text("Telephone calls at once; four are carried by one process", "Сколько звонков по SIP одновременно; один процесс ведёт четыре")),
        Setting("switch.sip_public", str, "", Text("Our address as the provider sees it, behind NAT", "Наш адрес, каким его видит оператор связи, при NAT")),
        Setting("switch.sip_trunk", str, "", Text("Host of the provider, host or host:port; none: only sip: addresses can be called", "Сервер оператора связи, хост или хост:порт; пусто: звонить можно только на адреса sip:")),
        Setting("switch.sip_user", str, "", Text("User name at the provider", "Имя пользователя у оператора связи")),
        Setting("switch.sip_password", str, "", Text("Password at the provider", "Пароль у оператора связи"), secret=True),
        Setting("switch.sip_register", bool, True, Text("Register with the provider", "Регистрироваться у оператора связи")),
        Setting("switch.sip_peers", list, [], Text("Addresses beside the provider's from which calls are taken, * for all", "Адреса, кроме оператора, с которых принимаются звонки; * — с любых")),
        Setting("switch.sip_rtp_port", int, 40_000, Text("First port for sound; each process uses 32", "Первый порт для звука; каждый процесс занимает 32")),
    ]  # fmt: skip


def chosen(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of SIP by their short names, with defaults for those that are not given."""
    names = {one.key.removeprefix("switch."): one.default for one in declared()}
    return {name: settings.get(f"switch.{name}", default) for name, default in names.items()}
