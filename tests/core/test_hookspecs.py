"""Every hook is documented, used, and isolated."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
import structlog
from structlog.testing import capture_logs

from core import hookimpl, hooks
from core.hooks import Hooks
from core.hookspecs import FAMILIES
from core.pluginmanager import PluginManager, PluginProblem

ROOT = Path(__file__).parents[2]
SPECS = {
    name: spec
    for family in FAMILIES
    for name, spec in vars(family).items()
    if getattr(spec, "okno_spec", None) is not None
}
PREFIXES = ("register_", "collect_", "choose_", "before_", "during_", "after_", "check_", "extend_", "load_")


def test_there_are_hooks_of_every_family():
    assert len(SPECS) > 30
    assert {name.partition("_")[0] + "_" for name in SPECS} <= set(PREFIXES)


@pytest.mark.feature("P-05")
@pytest.mark.parametrize("name", sorted(SPECS))
def test_each_hook_says_when_it_is_called_what_it_takes_and_returns_and_what_an_exception_does(name):
    text = inspect.getdoc(SPECS[name]) or ""
    for heading in ("Called:", "Returns:", "Exceptions:", "Used by:", "Example::", "@hookimpl", f"def {name}("):
        assert heading in text, f"{name} lacks {heading}"
    arguments = list(inspect.signature(SPECS[name]).parameters)
    if arguments:
        described = text[text.index("Args:") : text.index("Returns:")]
        for argument in arguments:
            assert re.search(rf"\b{argument}\b", described), f"{name} does not describe {argument}"
    example = text[text.index("Example::") :]
    signature = re.search(rf"def {name}\(([^)]*)\)", example)
    assert signature
    assert set(filter(None, (part.strip() for part in signature.group(1).split(",")))) <= set(arguments)


@pytest.mark.feature("P-05")
@pytest.mark.parametrize("name", sorted(SPECS))
def test_each_hook_is_implemented_by_something_real(name):
    places = [*ROOT.glob("plugins/*/hooks.py"), *ROOT.glob("core/builtin/*.py"), *ROOT.glob("examples/**/*.py")]
    assert any(f"def {name}(" in place.read_text("utf-8") for place in places), f"no plugin uses {name}"


def test_a_misspelt_hook_is_refused_with_the_right_name():
    class Misspelt:
        @hookimpl
        def register_chanels(self):
            return []

    with pytest.raises(PluginProblem, match="Did you mean 'register_channels'"):
        PluginManager().register(Misspelt(), "misspelt")


def test_an_implementation_with_a_wrong_argument_is_refused():
    class Wrong:
        @hookimpl
        def after_assigned(self, nothing):
            return None

    with pytest.raises(Exception, match="nothing"):
        PluginManager().register(Wrong(), "wrong")


@pytest.mark.feature("P-06")
def test_what_a_plugin_returns_is_checked_and_duplicates_are_refused():
    class Sloppy:
        @hookimpl
        def register_permissions(self):
            return ["not a permission"]

        @hookimpl
        def register_jobs(self):
            raise RuntimeError("no jobs today")

    manager = PluginManager()
    manager.register(Sloppy(), "sloppy")
    hooks = Hooks(manager)
    assert hooks.permissions() == {}
    assert hooks.jobs() == {}
    faults = manager.take_faults()
    assert faults["sloppy", "register_permissions"].count == 1
    assert "no jobs today" in faults["sloppy", "register_jobs"].last_error
    assert manager.take_faults() == {}


def test_hook_calls_are_traced_on_request(monkeypatch):
    class Quiet:
        @hookimpl
        def register_jobs(self):
            return []

    monkeypatch.setenv("OKNO_TRACE_HOOKS", "1")
    # Whatever application was built before in this process has set level and place of the log.
    structlog.reset_defaults()
    monkeypatch.setattr(hooks, "log", structlog.get_logger())
    manager = PluginManager()
    manager.register(Quiet(), "quiet")
    with capture_logs() as lines:
        Hooks(manager).jobs()
    assert [(line["hook"], line["plugin"], line["result"]) for line in lines] == [("register_jobs", "quiet", "[]")]
