"""Declared settings: every key has a type, a default and a help text; unknown keys are refused with the nearest known one.

Sources, the later wins: defaults, ``okno.toml`` in the home folder, ``OKNO_SECTION_NAME`` variables, overrides given in code.
"""

from __future__ import annotations

import difflib
import os
import secrets
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from core.contracts import Setting, Text

FILE_NAME = "okno.toml"
SHIPPED = ("kb", "email", "sla", "chat", "telegram", "messenger", "bot", "colleagues", "voice", "switch", "asterisk")
TRUE, FALSE = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}

CORE_SETTINGS = (
    Setting("core.plugins", list, list(SHIPPED), Text("Enabled plugins", "Включённые плагины")),
    Setting(
        "core.database_url",
        str,
        "",
        Text("SQLAlchemy URL; empty: SQLite in the home folder", "Адрес базы SQLAlchemy; пусто: SQLite в домашней папке"),
        secret=True,
    ),
    Setting("core.redis_url", str, "", Text("Redis for several machines; empty: none", "Redis для нескольких машин; пусто: не нужен")),
    Setting("core.language", str, "ru", Text("Default language", "Язык по умолчанию"), choices=("ru", "en")),
    Setting("core.timezone", str, "Europe/Moscow", Text("Default time zone", "Часовой пояс по умолчанию")),
    Setting(
        "core.country",
        str,
        "",
        Text(
            "Public holidays of the built-in calendar: RU, GB, US-NY; empty: none",
            "Праздники встроенного календаря: RU, GB, US-NY; пусто: без праздников",
        ),
    ),
    Setting(
        "desk.answer_seconds",
        int,
        60,
        Text(
            "Seconds after which a contact who waits for an answer in a live channel is shown in orange",
            "Через сколько секунд ожидание ответа в живом канале показывается оранжевым",
        ),
    ),
    Setting("core.case_prefix", str, "", Text("Put before case numbers", "Ставится перед номером запроса")),
    Setting("core.demo", bool, False, Text("Show demo accounts on the sign-in page", "Показывать демо-учётные записи при входе")),
    Setting("web.host", str, "127.0.0.1", Text("Address to listen on", "Адрес, на котором слушать")),
    Setting("web.port", int, 8000, Text("Port to listen on; 0: any free one", "Порт; 0: любой свободный")),
    Setting("web.base_url", str, "", Text("Public address, for links in mails", "Внешний адрес для ссылок в письмах")),
    Setting("web.threads", int, 3, Text("Request threads of a web process", "Потоков на веб-процесс")),
    Setting("web.max_body_mb", int, 30, Text("Largest request, MB", "Наибольший запрос, МБ")),
    Setting("web.secure_cookies", bool, False, Text("Send cookies over HTTPS only", "Отдавать куки только по HTTPS")),
    Setting("web.trusted_proxies", int, 0, Text("Reverse proxies in front", "Сколько обратных прокси впереди")),
    Setting("web.sign_in_attempts", int, 5, Text("Wrong passwords a minute", "Неверных паролей в минуту")),
    Setting("web.session_hours", int, 16, Text("Longest session, hours", "Наибольшая длительность сеанса, часов")),
    Setting("routing.grace_seconds", int, 15, Text("Time to come back after a lost page", "Время на возвращение после потери страницы")),
    Setting("web.allowed_networks", list, [], Text("Networks that may sign in (CIDR); empty: all", "Из каких сетей можно войти (CIDR); пусто: из любых")),
    Setting(
        "routing.after_sign_in", str, "not_ready", Text("State after signing in", "Состояние после входа"), choices=("ready", "not_ready")
    ),
    Setting(
        "routing.after_work", str, "ready", Text("State after an interaction", "Состояние после обращения"), choices=("ready", "not_ready")
    ),
    Setting(
        "routing.after_reject", str, "not_ready", Text("State after a rejection", "Состояние после отказа"), choices=("ready", "not_ready")
    ),
    Setting(
        "routing.after_no_answer",
        str,
        "not_ready",
        Text("State after an unanswered offer", "Состояние после пропущенного обращения"),
        choices=("ready", "not_ready"),
    ),
    Setting("routing.away_minutes", int, 15, Text("Idle minutes until Away, for who is in no team; 0: never", "Минут без действий до «Отошёл», для тех, кто вне групп; 0: никогда")),
    Setting("routing.break_minutes", int, 60, Text("Break minutes a day, for who is in no team", "Минут перерыва в день, для тех, кто вне групп")),
    Setting("routing.offer_again_seconds", int, 60, Text("Pause before the same agent is asked again", "Пауза перед повторным предложением тому же оператору")),
    Setting("cases.file_mb", int, 10, Text("Largest file of an answer or a note, MB", "Наибольший файл ответа или заметки, МБ")),
    Setting("cases.files_mb", int, 25, Text("Largest total of its files, MB", "Наибольший общий размер файлов, МБ")),
    Setting("cases.undo_seconds", int, 5, Text("Time to call an answer back; 0: none", "Сколько секунд можно отменить отправку; 0: нельзя")),
    Setting(
        "cases.screen_pops",
        str,
        "tabs",
        Text("Where screen pops open: tabs of their own, or beside the case", "Где открывать всплывающие окна: во вкладках или рядом с запросом"),
        choices=("tabs", "beside"),
    ),
    Setting("api.requests_per_minute", int, 600, Text("Requests of one API token; 0: any number", "Запросов одного токена API в минуту; 0: сколько угодно")),
    Setting("webhooks.allow_private", bool, False, Text("Deliver to private addresses as well", "Доставлять и на адреса частных сетей")),
    Setting("webhooks.timeout_seconds", int, 10, Text("Longest delivery", "Наибольшее время доставки, секунд")),
    Setting("live.bot_silence_minutes", int, 60, Text("A bot's conversation is closed after so many silent minutes", "Через сколько минут молчания закрывается диалог с ботом")),
    Setting("search.backend", str, "whoosh", Text("Search engine", "Поисковый движок")),
    Setting("events.keep_hours", int, 48, Text("How long events can be replayed", "Сколько часов хранить события")),
    Setting("log.level", str, "info", Text("Log level", "Уровень журнала"), choices=("debug", "info", "warning", "error")),
    Setting("log.format", str, "text", Text("Log format", "Формат журнала"), choices=("text", "json")),
)  # fmt: skip


class ConfigError(Exception):
    """A setting is wrong; the message is one sentence for the administrator."""


@dataclass(slots=True)
class Config:
    """Settings of one application. ``home`` is the folder of everything that is kept."""

    home: Path
    values: dict[str, Any] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)
    declared: dict[str, Setting] = field(default_factory=dict)

    def get(self, key: str) -> Any:
        """The value of a declared setting; ``KeyError`` for one that nobody declared."""
        return self.values[key]

    @property
    def database_url(self) -> str:
        return str(self.get("core.database_url") or f"sqlite:///{self.home / 'okno.db'}")

    @property
    def base_url(self) -> str:
        return str(self.get("web.base_url") or f"http://{self.get('web.host')}:{self.get('web.port')}").rstrip("/")

    def secret_key(self) -> str:
        """The key that signs cookies; made at first use, readable by the owner only."""
        path = self.home / "secret.key"
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return path.read_text("ascii").strip()
        with os.fdopen(descriptor, "w") as handle:
            handle.write(secrets.token_urlsafe(48))
        return path.read_text("ascii").strip()


def read_file(home: Path) -> dict[str, Any]:
    """The contents of ``okno.toml`` as ``section.name`` → value; empty when there is none."""
    path = home / FILE_NAME
    if not path.exists():
        return {}
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    flat: dict[str, Any] = {}
    for section, values in document.items():
        if not isinstance(values, dict):
            raise ConfigError(f"{path}: '{section}' must stand in a section, for instance [core]")
        flat.update({f"{section}.{name}": value for name, value in values.items()})
    return flat


def environment_value(key: str) -> str | None:
    """What the environment says for a setting, as text."""
    return os.environ.get("OKNO_" + key.replace(".", "_").upper())


def load_core(home: Path) -> Config:
    """The core's settings alone; sections of plugins are not looked at, so no plugin needs to be loaded."""
    sections = {key.split(".")[0] for key in read_file(home)} - {setting.key.split(".")[0] for setting in CORE_SETTINGS}
    return load(home, CORE_SETTINGS, dormant=sections)


def coerce(setting: Setting, value: Any, source: str) -> Any:
    """``value`` as the setting's type; text from the environment is converted. Raises ``ConfigError``."""
    if isinstance(value, str) and setting.type is not str:
        value = _from_text(setting, value)
    good = isinstance(value, setting.type) and not (setting.type is int and isinstance(value, bool))
    if setting.type is float and isinstance(value, int) and not isinstance(value, bool):
        good, value = True, float(value)
    if not good:
        shown = "***" if setting.secret else repr(value)
        raise ConfigError(f"{source}: '{setting.key}' must be {_type_name(setting.type)}, not {shown}")
    if setting.choices and value not in setting.choices:
        raise ConfigError(f"{source}: '{setting.key}' must be one of {', '.join(setting.choices)}, not {value!r}")
    return value


def _from_text(setting: Setting, value: str) -> Any:
    lowered = value.strip().lower()
    if setting.type is bool and lowered in TRUE | FALSE:
        return lowered in TRUE
    if setting.type is list:
        return [part.strip() for part in value.split(",") if part.strip()]
    if setting.type in (int, float):
        try:
            return setting.type(value)
        except ValueError:
            return value
    return value


def _type_name(kind: type) -> str:
    return {str: "text", int: "a whole number", float: "a number", bool: "true or false", list: "a list of texts"}[kind]


def _environment(declared: Mapping[str, Setting]) -> dict[str, str]:
    names = {"OKNO_" + key.replace(".", "_").upper(): key for key in declared}
    return {names[name]: value for name, value in os.environ.items() if name in names}


def enabled_plugins(home: Path, overrides: Mapping[str, Any] | None = None) -> list[str]:
    """The enable list alone, which must be known before plugins can declare their settings."""
    setting = CORE_SETTINGS[0]
    for source, value in (
        ("overrides", (overrides or {}).get(setting.key)),
        ("OKNO_CORE_PLUGINS", os.environ.get("OKNO_CORE_PLUGINS")),
        (str(home / FILE_NAME), read_file(home).get(setting.key)),
    ):
        if value is not None:
            return list(coerce(setting, value, source))
    return list(setting.default)


def load(
    home: Path, settings: Iterable[Setting], dormant: Iterable[str] = (), overrides: Mapping[str, Any] | None = None
) -> Config:
    """Read, check and merge all sources.

    ``dormant`` are the names of installed plugins that are not enabled: their sections are kept, unread.
    """
    config = Config(home)
    config.declared = {setting.key: setting for setting in settings}
    for setting in config.declared.values():
        config.values[setting.key], config.sources[setting.key] = setting.default, "default"
    layers = (
        (str(home / FILE_NAME), read_file(home)),
        ("environment", _environment(config.declared)),
        ("overrides", dict(overrides or {})),
    )
    asleep = set(dormant)
    for source, values in layers:
        for key, value in values.items():
            if key not in config.declared:
                if key.split(".")[0] in asleep:
                    continue
                raise ConfigError(_unknown(source, key, config.declared))
            config.values[key], config.sources[key] = coerce(config.declared[key], value, source), source
    return config


def _unknown(source: str, key: str, declared: Mapping[str, Setting]) -> str:
    close = difflib.get_close_matches(key, list(declared), 1)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    return f"{source}: unknown setting '{key}'.{hint}"
