"""``okno plugins``: which are installed, which are enabled; the list stands in ``okno.toml``."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from core.commands.plugins_new import new
from core.commands.terminal import House, answer, answer_rows, in_terminal, json_option, pass_house

if TYPE_CHECKING:
    from core.pluginmanager import Found


@click.group()
def plugins() -> None:
    """Channels and functions: list, enable, disable."""


plugins.add_command(new)


@plugins.command("list")
@json_option
@pass_house
def list_plugins(house: House) -> None:
    """All installed plugins and whether they are enabled."""
    from core.config import enabled_plugins
    from core.pluginmanager import discover, unknown_plugin

    enabled, found = enabled_plugins(house.home), discover()
    rows = [_row(plugin, plugin.name in enabled) for plugin in found]
    names = [plugin.name for plugin in found]
    for name in enabled:
        if name not in names:
            absent = {
                "version": "",
                "title": name,
                "purpose": "",
                "problem": str(unknown_plugin(name, names)),
                "shipped": False,
            }
            rows.append({"name": name, "enabled": True, **absent})
    answer_rows(rows, ("name", "enabled", "version", "title", "purpose", "problem"), "no plugins are installed")


def _row(plugin: Found, enabled: bool) -> dict[str, Any]:
    return {
        "name": plugin.name,
        "enabled": enabled,
        "version": plugin.version,
        "title": in_terminal(plugin.info.title),
        "purpose": in_terminal(plugin.info.purpose),
        "problem": plugin.problem,
        "shipped": plugin.shipped,
    }


@plugins.command()
@click.argument("names", nargs=-1, required=True)
@json_option
@pass_house
def enable(house: House, names: tuple[str, ...]) -> None:
    """Enable plugins NAMES and bring the data base up to them. Takes effect when Okno starts again."""
    from core.config import enabled_plugins
    from core.pluginmanager import PluginProblem, discover, unknown_plugin

    house.must_exist()
    installed = {plugin.name: plugin for plugin in discover()}
    for name in names:
        if name not in installed:
            raise unknown_plugin(name, installed)
        if installed[name].problem:
            raise PluginProblem(installed[name].problem)
    before = enabled_plugins(house.home)
    after = [*before, *(name for name in dict.fromkeys(names) if name not in before)]
    moved = _write_list(house, after, lambda: _migrate(house, names))
    _report(before, after, moved)


@plugins.command()
@click.argument("names", nargs=-1, required=True)
@json_option
@pass_house
def disable(house: House, names: tuple[str, ...]) -> None:
    """Disable plugins NAMES; their data is kept. Takes effect when Okno starts again."""
    from core.config import enabled_plugins
    from core.pluginmanager import discover, unknown_plugin

    house.must_exist()
    before = enabled_plugins(house.home)
    known = {*before, *(plugin.name for plugin in discover())}
    for name in names:
        if name not in known:
            raise unknown_plugin(name, known)
    after = [name for name in before if name not in names]
    _write_list(house, after, list)
    _report(before, after, [])


def _write_list(house: House, names: list[str], then: Callable[[], list[str]]) -> list[str]:
    """Write the enable list, do ``then``; put the file back when that fails."""
    from core.config import FILE_NAME, ConfigError

    if "OKNO_CORE_PLUGINS" in os.environ:
        raise ConfigError("the variable OKNO_CORE_PLUGINS decides the plugins: change it there, or unset it")
    path = house.home / FILE_NAME
    old = path.read_text("utf-8") if path.exists() else None
    write_setting(path, "core", "plugins", names)
    try:
        return then()
    except BaseException:
        if old is None:
            path.unlink()
        else:
            path.write_text(old, "utf-8")
        raise


def write_setting(path: Path, section: str, name: str, value: Any) -> None:
    """Set one value in a TOML file in one step; comments and order stay. Raises ``ConfigError`` for broken TOML."""
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    from core.config import ConfigError

    try:
        document = tomlkit.parse(path.read_text("utf-8")) if path.exists() else tomlkit.document()
    except TOMLKitError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    if section not in document:
        document[section] = tomlkit.table()
    document[section][name] = value
    half = path.with_suffix(".new")
    half.write_text(tomlkit.dumps(document), "utf-8")
    half.replace(path)


def _migrate(house: House, names: tuple[str, ...]) -> list[str]:
    from core import directory, migrate, reasons
    from core.house import okno
    from core.pluginmanager import PluginProblem

    with house.open(check_schema=False) as app:
        for name in names:
            if name in okno().plugins.problems:
                raise PluginProblem(okno().plugins.problems[name])
        moved = migrate.upgrade(app)
        directory.ensure_roles()
        reasons.ensure_reasons()
    return moved


def _report(before: list[str], after: list[str], migrated: list[str]) -> None:
    enabled = [name for name in after if name not in before]
    disabled = [name for name in before if name not in after]
    lines = [f"{name} is enabled" for name in enabled] + [f"{name} is disabled; its data is kept" for name in disabled]
    if migrated:
        lines.append(f"data base migrated: {', '.join(migrated)}")
    text = "\n".join([*lines, "start Okno again for it to take effect"]) if lines else "nothing to change"
    answer({"plugins": after, "enabled": enabled, "disabled": disabled, "migrated": migrated}, text)
