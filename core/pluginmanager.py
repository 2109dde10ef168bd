"""Find plugins, load the enabled ones, keep their faults apart.

A plugin is a package named by an entry point of the group ``okno.plugins``. Its ``__init__`` holds ``PLUGIN``
(:class:`core.contracts.PluginInfo`) and imports nothing heavy; its ``hooks`` module holds the hook implementations.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import EntryPoint, entry_points
from types import ModuleType
from typing import Any

import pluggy
import structlog

from core.clock import now
from core.contracts import PluginInfo, Text
from core.hookspecs import FAMILIES

GROUP = "okno.plugins"
TRACE_VARIABLE = "OKNO_TRACE_HOOKS"
log = structlog.get_logger("okno.plugins")


class PluginProblem(Exception):
    """A plugin cannot be used; the message is one sentence for the administrator."""


@dataclass(frozen=True, slots=True)
class Found:
    """A plugin that could be enabled. ``problem`` says why it cannot be, or is empty."""

    name: str
    module: str
    distribution: str
    version: str
    info: PluginInfo
    problem: str = ""

    @property
    def shipped(self) -> bool:
        return self.distribution == "okno"


@dataclass(slots=True)
class Fault:
    """How a plugin failed in one hook since the last flush."""

    count: int
    last_error: str
    last_at: datetime


def _points() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP)}


def missing_requirement(info: PluginInfo) -> str:
    """A sentence naming the extra when something that ``info`` requires is not installed; else ""."""
    missing = [name for name in info.requires if importlib.util.find_spec(name) is None]
    if not missing:
        return ""
    extra = info.extra or info.name
    return f"plugin '{info.name}' needs {', '.join(missing)}: run  pip install 'okno[{extra}]'"


def find(point: EntryPoint) -> Found:
    """What the entry point leads to; never raises for a broken plugin."""
    distribution = point.dist.name if point.dist else ""
    version = point.dist.version if point.dist else ""
    fallback = PluginInfo(point.name, Text(point.name, point.name), Text("", ""))
    try:
        module = importlib.import_module(point.module)
        info = module.PLUGIN
        if not isinstance(info, PluginInfo) or info.name != point.name:
            raise TypeError(f"PLUGIN must be a PluginInfo named '{point.name}'")
    except Exception as error:  # noqa: BLE001 -- whatever a third-party package does at import
        problem = f"plugin '{point.name}' cannot be imported: {type(error).__name__}: {error}"
        return Found(point.name, point.module, distribution, version, fallback, problem)
    return Found(point.name, point.module, distribution, version, info, missing_requirement(info))


def discover() -> list[Found]:
    """Every installed plugin, shipped ones first, then by name."""
    return sorted((find(point) for point in _points().values()), key=lambda found: (not found.shipped, found.name))


def unknown_plugin(name: str, known: Iterable[str]) -> PluginProblem:
    """The error for a name that no package provides, with the nearest known one."""
    close = difflib.get_close_matches(name, list(known), 1)
    hint = f" Did you mean '{close[0]}'?" if close else ""
    return PluginProblem(f"no installed package provides the plugin '{name}'.{hint}")


class PluginManager:
    """The plugins of one application: a fresh pluggy manager, the loaded plugins, their faults."""

    def __init__(self) -> None:
        self.pm = pluggy.PluginManager("okno")
        for family in FAMILIES:
            self.pm.add_hookspecs(family)
        self.loaded: dict[str, Found] = {}
        self.problems: dict[str, str] = {}
        self._faults: dict[tuple[str, str], Fault] = {}
        self._lock = threading.Lock()
        self.tracing = bool(os.environ.get(TRACE_VARIABLE))

    def load(self, names: Iterable[str]) -> None:
        """Import and register the enabled plugins; one that cannot be used is noted in ``problems`` and left out."""
        points = _points()
        for name in dict.fromkeys(names):
            try:
                if name not in points:
                    raise unknown_plugin(name, points)
                self._load(find(points[name]))
            except PluginProblem as problem:
                self.problems[name] = str(problem)
                log.error("plugin left out", plugin=name, problem=str(problem))

    def _load(self, found: Found) -> None:
        if found.problem:
            raise PluginProblem(found.problem)
        hooks = f"{found.module}.hooks"
        try:
            module = importlib.import_module(hooks if importlib.util.find_spec(hooks) else found.module)
        except Exception as error:
            raise PluginProblem(f"plugin '{found.name}' cannot be loaded: {type(error).__name__}: {error}") from error
        self.register(module, found.name)
        self.loaded[found.name] = found

    def register(self, plugin: ModuleType | object, name: str) -> None:
        """Register hook implementations under ``name``; misspelt hooks are refused at once, with the nearest name."""
        self.pm.register(plugin, name=name)
        unknown = self._unknown_hooks(plugin)
        if unknown:
            self.pm.unregister(plugin)
            known = [hook for family in FAMILIES for hook in vars(family)]
            near = difflib.get_close_matches(unknown[0], known, 1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            raise PluginProblem(f"plugin '{name}' implements a hook that does not exist: '{unknown[0]}'.{hint}")

    def _unknown_hooks(self, plugin: ModuleType | object) -> list[str]:
        callers = self.pm.get_hookcallers(plugin) or []
        return sorted(caller.name for caller in callers if not caller.has_spec())

    def check_pending(self) -> None:
        """Raise ``PluginProblem`` when an implementation has no hookspec (pluggy's own check, behind ours)."""
        try:
            self.pm.check_pending()
        except pluggy.PluginValidationError as error:
            raise PluginProblem(str(error)) from error

    def switch_off(self, name: str, problem: str) -> None:
        """Take a plugin that failed at start out of this process."""
        plugin = self.pm.get_plugin(name)
        if plugin is not None:
            self.pm.unregister(plugin)
        self.loaded.pop(name, None)
        self.problems[name] = problem

    def record_fault(self, plugin: str, hook: str, error: BaseException) -> None:
        """Log and count a plugin's failure; never raises."""
        log.error("plugin failed in a hook", plugin=plugin, hook=hook, error=repr(error), exc_info=error)
        with self._lock:
            before = self._faults.get((plugin, hook))
            count = before.count + 1 if before else 1
            self._faults[plugin, hook] = Fault(count, f"{type(error).__name__}: {error}"[:2000], now())

    def take_faults(self) -> dict[tuple[str, str], Fault]:
        """The faults counted since the last call; the caller stores them."""
        with self._lock:
            faults, self._faults = self._faults, {}
        return faults

    def peek_faults(self) -> dict[tuple[str, str], Fault]:
        """The faults counted and not yet taken."""
        with self._lock:
            return dict(self._faults)

    def implementations(self, hook: str) -> list[Any]:
        """The implementations of ``hook`` in the order of calling (last registered first, ``trylast`` at the end)."""
        return list(reversed(getattr(self.pm.hook, hook).get_hookimpls()))
