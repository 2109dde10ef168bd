"""How the help centre looks and what it leads to: its settings, checked at start, and colours that can be read."""

from __future__ import annotations

import colorsys
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from core.config import Config, ConfigError
from core.contracts import Setting, Text
from core.entrances import entrances
from core.house import okno

# The grounds of the stylesheet on which an accent stands out least: those of a note.
LIGHT_GROUND, DARK_GROUND = (253, 241, 216), (55, 42, 16)
READABLE = 4.5
LOGO_TYPES = {
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webp": "image/webp",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
}
SAFE_TARGET = re.compile(r"(?:https?://|mailto:|tel:|/(?![/\\]))\S+")
COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
Colour = tuple[int, int, int]

SETTINGS = (
    Setting("kb.public", bool, True, Text("Show public articles to customers under /help-centre", "Показывать открытые статьи клиентам по адресу /help-centre")),
    Setting("kb.public_title_ru", str, "Центр поддержки", Text("Name of the help centre in Russian", "Название справочного центра по-русски")),
    Setting("kb.public_title_en", str, "Help centre", Text("Name of the help centre in English", "Название справочного центра по-английски")),
    Setting("kb.public_logo", str, "", Text("Logo: a picture file in the home folder", "Логотип: файл картинки в домашней папке")),
    Setting("kb.public_accent", str, "#2b5fc7", Text("Colour of links and buttons, #rrggbb; made darker where it could not be read", "Цвет ссылок и кнопок, #rrggbb; затемняется, если не читается")),
    Setting("kb.public_footer", list, [], Text("Links at the foot: «Text = https://…»", "Ссылки внизу: «Текст = https://…»")),
    Setting("kb.public_contact", str, "", Text("Where «write to us» leads (https:, mailto: or a path); empty: the address of a mail service", "Куда ведёт «Напишите нам» (https:, mailto: или путь); пусто: адрес почтового сервиса")),
    Setting("kb.public_internal_sections", list, ["experts", "reply"], Text("Keys of sections that customers never see", "Ключи частей статьи, которых клиенты не видят")),
    Setting("kb.public_cache_seconds", int, 60, Text("How long browsers may keep a page without asking", "Сколько секунд браузер может не переспрашивать страницу")),
    Setting("kb.public_votes_per_minute", int, 10, Text("Ratings and comments of one visitor a minute", "Оценок и комментариев одного посетителя в минуту")),
    Setting("kb.import_mb", int, 500, Text("Largest archive of articles when unpacked, MB", "Наибольший распакованный архив статей, МБ")),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Site:
    """The help centre as set up. ``footer`` are (text, address); ``contact`` is "" when there is nowhere to write."""

    titles: Text
    accent: str
    accent_dark: str
    logo: Path | None
    footer: tuple[tuple[str, str], ...]
    contact: str


def check(config: Config) -> None:
    """Refuse settings that cannot be shown. Raises ``ConfigError``."""
    if not COLOUR.fullmatch(config.get("kb.public_accent")):
        raise ConfigError(f"'kb.public_accent' must be a colour like #2b5fc7, not {config.get('kb.public_accent')!r}")
    for line in config.get("kb.public_footer"):
        _footer_link(line)
    contact = config.get("kb.public_contact")
    if contact and not SAFE_TARGET.fullmatch(contact):
        raise ConfigError(f"'kb.public_contact' must begin with https://, mailto: or /, not {contact!r}")
    logo = config.get("kb.public_logo")
    if logo and Path(logo).suffix.lower() not in LOGO_TYPES:
        raise ConfigError(f"'kb.public_logo' must be a file of one of {', '.join(LOGO_TYPES)}, not {logo!r}")


def _footer_link(line: str) -> tuple[str, str]:
    words, sign, target = line.rpartition(" = ")
    if not sign or not words.strip() or not SAFE_TARGET.fullmatch(target.strip()):
        raise ConfigError(f"'kb.public_footer' needs lines like 'Our site = https://example.com', not {line!r}")
    return words.strip(), target.strip()


def site() -> Site:
    """The help centre of this house."""
    config = okno().config
    logo = config.home / config.get("kb.public_logo") if config.get("kb.public_logo") else None
    light, dark = readable(config.get("kb.public_accent"))
    return Site(
        Text(config.get("kb.public_title_en"), config.get("kb.public_title_ru")),
        light,
        dark,
        logo if logo and logo.is_file() else None,
        tuple(_footer_link(line) for line in config.get("kb.public_footer")),
        config.get("kb.public_contact") or _mailbox(),
    )


def _mailbox() -> str:
    """The first mail address that a service of the house is reached at."""
    addresses = sorted(address for (channel, address) in entrances().leads_to if channel == "email" and "@" in address)
    return f"mailto:{addresses[0]}" if addresses else ""


# --- colours -----------------------------------------------------------------------------------------


def contrast(one: Colour, other: Colour) -> float:
    """The contrast of two colours by WCAG 2: 1 to 21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: Colour) -> float:
    parts = [value / 255 for value in colour]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@lru_cache(maxsize=16)
def readable(accent: str) -> tuple[str, str]:
    """``accent`` as it is used on white and on the dark ground: shifted in lightness until texts in it can be read."""
    red, green, blue = (int(accent[place : place + 2], 16) for place in (1, 3, 5))
    return _shifted((red, green, blue), LIGHT_GROUND, -0.02), _shifted((red, green, blue), DARK_GROUND, 0.02)


def _shifted(colour: Colour, ground: Colour, step: float) -> str:
    hue, lightness, saturation = colorsys.rgb_to_hls(*(value / 255 for value in colour))
    while contrast(colour, ground) < READABLE and 0 <= lightness <= 1:
        lightness += step
        red, green, blue = colorsys.hls_to_rgb(hue, min(max(lightness, 0.0), 1.0), saturation)
        colour = (round(red * 255), round(green * 255), round(blue * 255))
    return "#{:02x}{:02x}{:02x}".format(*colour)
