"""What the plugin contributes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core import hookimpl
from core.contracts import CommandMount, Setting, Text
from core.telephony import Backend, Driver

if TYPE_CHECKING:
    from plugins.asterisk.driver import Options


@hookimpl
def register_settings() -> list[Setting]:
    """Where Asterisk is, how it is asked, and how it calls out; docs/asterisk.md has its side."""
    return [
        Setting("asterisk.url", str, "http://127.0.0.1:8088", Text("Address of Asterisk's HTTP server", "Адрес веб-сервера Asterisk")),
        Setting("asterisk.user", str, "okno", Text("User of ari.conf", "Пользователь из ari.conf")),
        Setting("asterisk.password", str, "", Text("The user's password", "Пароль пользователя"), secret=True),
        Setting("asterisk.app", str, "okno", Text("Name of the Stasis application in the dialplan", "Имя приложения Stasis в плане набора")),
        Setting("asterisk.dial", str, "PJSIP/{number}@trunk", Text("What is called for a number; {number} stands for it", "Что набирается для номера; {number} — сам номер")),
        Setting("asterisk.dial_sip", str, "PJSIP/trunk/{uri}", Text("What is called for a SIP address; {uri} stands for it", "Что набирается для адреса SIP; {uri} — сам адрес")),
        Setting("asterisk.web_user", str, "okno-web", Text("PJSIP endpoint of browsers, also its user name; none: no softphone in the browser", "Оконечное устройство PJSIP для браузеров и имя его пользователя; пусто: без телефона в браузере")),
        Setting("asterisk.web_password", str, "", Text("Password of that endpoint", "Пароль этого устройства"), secret=True),
        Setting("asterisk.sounds_folder", str, "", Text("Folder for sounds that Asterisk reads too; none: in Okno's own folder", "Папка звуков, которую читает и Asterisk; пусто: в папке Okno")),
        Setting("asterisk.sounds_seen_as", str, "", Text("The same folder as Asterisk sees it, when that differs", "Та же папка в глазах Asterisk, если путь другой")),
        Setting("asterisk.headers", list, [], Text("SIP headers of incoming calls that are read", "Какие заголовки SIP входящих звонков читать")),
        Setting("asterisk.most_legs", int, 0, Text("Legs at once, 0: as many as Asterisk carries", "Сколько участников одновременно; 0: сколько выдержит Asterisk")),
    ]  # fmt: skip


@hookimpl
def register_telephony_backends() -> list[Backend]:
    """Asterisk over ARI."""
    return [Backend("asterisk", Text("Asterisk over ARI", "Asterisk по ARI"), make)]


@hookimpl
def register_commands() -> list[CommandMount]:
    """``okno asterisk``."""
    from plugins.asterisk.cli import asterisk

    return [CommandMount(asterisk)]


def options(settings: Mapping[str, Any], folder: str) -> Options:
    """What the settings say; ``folder`` is used for sounds unless they name another."""
    from plugins.asterisk.ari import AriAddress
    from plugins.asterisk.driver import Options

    given = {key.removeprefix("asterisk."): value for key, value in settings.items() if key.startswith("asterisk.")}
    return Options(
        AriAddress(given["url"].rstrip("/"), given["user"], given["password"], given["app"]),
        given["dial"],
        given["dial_sip"],
        given["web_user"],
        given["web_password"],
        Path(given["sounds_folder"] or f"{folder}/sounds"),
        given["sounds_seen_as"],
        tuple(given["headers"]),
        given["most_legs"],
    )


def make(settings: Mapping[str, Any], folder: str) -> Driver:
    """The driver that the settings describe; its libraries are imported in the voice process only."""
    from plugins.asterisk.driver import AsteriskDriver

    return AsteriskDriver(options(settings, folder))
