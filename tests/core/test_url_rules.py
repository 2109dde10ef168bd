"""Addresses are built as Werkzeug builds them, and nothing is compiled before."""

from __future__ import annotations

import pytest
from werkzeug.routing import BuildError, Map, Rule

from core.web.url_rules import LazyRule

RULES = [
    ("/", "home", {}),
    ("/cases/<int:case_id>/<path:rest>", "case", {}),
    ("/rules/<rule>", "rule", {}),
    ("/pages", "pages", {"page": 1}),
    ("/pages/<int:page>", "pages", {}),
]


def addresses(kind: type[Rule]) -> tuple[Map, list[str]]:
    made = Map([kind(path, endpoint=name, defaults=defaults or None) for path, name, defaults in RULES])
    urls = made.bind("okno.example")
    built = [
        urls.build("home", {"after": "ё", "many": ["a", "b"]}),
        urls.build("case", {"case_id": 7, "rest": "a/б c"}),
        urls.build("case", {"case_id": 7, "rest": "x"}, force_external=True),
        urls.build("rule", {"rule": "one", "self": "two"}),
        urls.build("pages", {"page": 1}),
        urls.build("pages", {"page": 2}),
    ]
    return made, built * 2


def test_addresses_are_those_of_werkzeug() -> None:
    assert addresses(LazyRule)[1] == addresses(Rule)[1]


def test_a_builder_is_compiled_when_it_is_first_used() -> None:
    made, _ = addresses(LazyRule)
    built = {rule.endpoint for rule in made.iter_rules() if rule._build_unknown.__name__ != "build"}
    assert built == {"home", "case", "rule", "pages"}
    fresh = Map([LazyRule("/cases/<int:case_id>", endpoint="case")])
    assert [rule._build_unknown.__name__ for rule in fresh.iter_rules()] == ["build"]


def test_what_is_missing_is_told_as_before() -> None:
    urls = Map([LazyRule("/cases/<int:case_id>", endpoint="case")]).bind("okno.example")
    with pytest.raises(BuildError, match="case_id"):
        urls.build("case", {})
