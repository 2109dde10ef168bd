"""Plugins: which run, which could, how they failed, and their settings with where each comes from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import select

from core.config import Config
from core.contracts import PluginInfo, Setting
from core.db import db
from core.house import okno
from core.model import PluginFault
from core.permissions import require
from core.pluginmanager import discover
from core.web.admin_frame import Answer, blueprint, draw


@dataclass(slots=True)
class Shown:
    """One plugin as its card shows it."""

    name: str
    info: PluginInfo | None
    version: str
    distribution: str
    state: str
    problem: str = ""
    faults: list[PluginFault] = field(default_factory=list)
    settings: list[tuple[Setting, str, str]] = field(default_factory=list)


@blueprint.get("/plugins")
@require("admin.plugins")
def plugins() -> Answer:
    """All installed plugins, and enabled ones that are missing."""
    house = okno()
    faults: dict[str, list[PluginFault]] = {}
    for fault in db.session.scalars(select(PluginFault).order_by(PluginFault.last_at.desc())):
        faults.setdefault(fault.plugin, []).append(fault)
    shown = []
    for plugin in discover():
        loaded = plugin.name in house.plugins.loaded
        problem = house.plugins.problems.get(plugin.name, plugin.problem)
        state = "on" if loaded else "bad" if plugin.name in house.plugins.problems else "off"
        card = Shown(plugin.name, plugin.info, plugin.version, plugin.distribution, state, problem)
        card.faults, card.settings = faults.get(plugin.name, []), settings_of(house.config, plugin.name)
        shown.append(card)
    known = {card.name for card in shown}
    shown += [
        Shown(name, None, "", "", "bad", problem)
        for name, problem in house.plugins.problems.items()
        if name not in known
    ]
    sections = ("core", "web", "routing", "search", "events", "log")
    own = [row for section in sections for row in settings_of(house.config, section)]
    return draw("plugins", plugins=shown, core_settings=own, file=house.config.home / "okno.toml")


def settings_of(config: Config, section: str) -> list[tuple[Setting, str, str]]:
    """Each setting of a section with its value as text and its source; secrets are not shown."""
    rows = []
    for key, setting in config.declared.items():
        if key.startswith(f"{section}."):
            value = config.get(key)
            rows.append((setting, "••••••" if setting.secret and value else as_text(value), config.sources[key]))
    return rows


def as_text(value: Any) -> str:
    """A setting's value as it is written in okno.toml."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return str(value)
