"""URL rules that cost nothing until an address is built with them.

Werkzeug writes and compiles two Python functions for each rule when it is added, which is most of what it takes to make an application
with hundreds of routes; most of them no process ever calls.
"""

from __future__ import annotations

from collections.abc import Callable

from werkzeug.routing import Rule

Address = tuple[str, str]


class LazyRule(Rule):
    """A rule that compiles its builders when it is first built."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., Address]:
        make = super()._compile_builder
        kept = "_build_unknown" if append_unknown else "_build"

        def build(rule: Rule, /, **values: object) -> Address:
            made: Callable[..., Address] = make(append_unknown).__get__(rule, None)
            setattr(rule, kept, made)
            return made(**values)

        return build
