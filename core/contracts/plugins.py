"""What a plugin says of itself: name, tables, settings, privileges."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.contracts.texts import Text


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """What a plugin package says of itself in its ``__init__.py`` as ``PLUGIN``, importing nothing heavy.

    ``requires`` are importable module names that the extra ``okno[<extra>]`` installs; they are looked for before
    the plugin's ``hooks`` module is imported, so that a missing one gives a sentence and not a traceback.
    """

    name: str
    title: Text
    purpose: Text
    requires: tuple[str, ...] = ()
    extra: str = ""
    icon: str = "plug"


@dataclass(frozen=True, slots=True)
class PluginSchema:
    """A plugin's tables: the folder of its Alembic versions (branch label = plugin name); models are imported by then."""

    migrations: Path


@dataclass(frozen=True, slots=True)
class Setting:
    """A declared setting ``<section>.<name>``: its type, default and help. Unknown keys are refused at start.

    ``type`` is one of ``str, int, float, bool, list`` (a list of strings). ``secret`` values are never printed.
    ``listens`` marks a port that the worker listens on: ``okno run`` takes a free one when it is in use.
    """

    key: str
    type: type
    default: Any
    help: Text
    secret: bool = False
    choices: tuple[str, ...] = ()
    listens: bool = False


@dataclass(frozen=True, slots=True)
class Permission:
    """A privilege (полномочие) that roles may hold. ``default_roles`` get it when the role is first created."""

    name: str
    title: Text
    default_roles: tuple[str, ...] = ()
