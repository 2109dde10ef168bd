"""The description of the API: ``openapi.json`` for programs, ``/api/docs`` for people, docs/reference/api.md for the repository."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from flask import Response, current_app, render_template

from core.api.idempotency import HEADER
from core.house import okno
from core.permissions import public
from core.web.language import here

METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True, slots=True)
class Value:
    """A parameter or field: where it stands, its type in words, whether it must be given."""

    name: str
    type: str
    required: bool = False
    help: str = ""
    place: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """An operation as the page shows it."""

    name: str
    method: str
    path: str
    summary: str
    scope: str
    privilege: str
    parameters: list[Value] = field(default_factory=list)
    body: list[Value] = field(default_factory=list)
    answer: str = ""
    statuses: list[str] = field(default_factory=list)


def spec(language: str) -> dict[str, Any]:
    """The description in a language, made once."""
    kept: dict[str, dict[str, Any]] = current_app.extensions.setdefault("okno_openapi", {})
    if language not in kept:
        from core.api.openapi import build

        kept[language] = build(okno().api, language)
    return kept[language]


@public
def description() -> Response:
    """OpenAPI 3.1 in the caller's language."""
    text = json.dumps(spec(here()), ensure_ascii=False)
    return Response(text, content_type="application/json", headers={"Vary": "Accept-Language"})


@public
def page() -> str:
    """The description for people."""
    described = spec(here())
    return render_template("api/docs.html", spec=described, groups=groups(described), schemas=schemas(described))


def groups(described: dict[str, Any]) -> list[tuple[str, str, list[Entry]]]:
    """Name, title and operations of each resource."""
    found: dict[str, list[Entry]] = {tag["name"]: [] for tag in described["tags"]}
    for path, item in described["paths"].items():
        for method in METHODS:
            if method in item:
                found[item[method]["tags"][0]].append(_entry(described, path, method, item[method]))
    return [(tag["name"], tag["description"], found[tag["name"]]) for tag in described["tags"]]


def schemas(described: dict[str, Any]) -> list[tuple[str, list[Value]]]:
    """The named shapes with their fields, by name."""
    return [
        (name, _fields(described["components"]["schemas"][name])) for name in sorted(described["components"]["schemas"])
    ]


def _entry(described: dict[str, Any], path: str, method: str, operation: dict[str, Any]) -> Entry:
    parameters = [
        Value(item["name"], kind(item["schema"]), item.get("required", False), item.get("description", ""), item["in"])
        for item in operation["parameters"]
        if item["name"] != HEADER  # every POST takes it, the introduction says so
    ]
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    body = _fields(_resolved(described, content["schema"])) if content else []
    success = next(status for status in operation["responses"] if status.startswith("2"))
    answer = operation["responses"][success].get("content", {})
    schema = next(iter(answer.values())).get("schema") if answer else None
    return Entry(
        name=operation["operationId"],
        method=method.upper(),
        path=path,
        summary=operation["summary"],
        scope=operation["x-okno-scope"],
        privilege=operation["x-okno-privilege"],
        parameters=parameters,
        body=body,
        answer=kind(schema) if schema else "",
        statuses=list(operation["responses"]),
    )


def _resolved(described: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        found: dict[str, Any] = described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        return found
    return schema


def _fields(schema: dict[str, Any]) -> list[Value]:
    required = schema.get("required", [])
    return [
        Value(name, kind(inner), name in required, inner.get("description", ""))
        for name, inner in schema.get("properties", {}).items()
    ]


def kind(schema: dict[str, Any]) -> str:
    """A schema in a few words: ``string (open, closed)``, ``Case``, ``list of Case``, ``integer 1…200``."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    if inner := schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf"):
        return " | ".join(kind(one) for one in inner)
    name = schema.get("type", "any")
    names = name if isinstance(name, list) else [name]
    if "array" in names:
        return f"[{kind(schema.get('items', {}))}]"
    if names == ["object"] and "items" in schema.get("properties", {}):
        return f"{{items: {kind(schema['properties']['items'])}, …}}"
    words = [schema.get("format") or item if item == "string" else item for item in names]
    text = " | ".join(words)
    if "enum" in schema:
        text += f" ({', '.join(str(item) for item in schema['enum'] if item)})"
    elif "maximum" in schema or "minimum" in schema:
        text += f" {schema.get('minimum', '')}…{schema.get('maximum', '')}"
    elif "maxLength" in schema:
        text += f" ≤ {schema['maxLength']}"
    return text


def markdown(described: dict[str, Any]) -> str:
    """The page of the repository's reference."""
    parts = [f"# REST API\n\n{described['info']['description']}\n"]
    for _name, title, entries in groups(described):
        parts.append(f"\n## {title}\n")
        for entry in entries:
            parts.append(
                f"\n### `{entry.method} {entry.path}`\n\n{entry.summary}. Scope `{entry.scope}`, privilege `{entry.privilege}`"
            )
            parts.append(f"; answers `{entry.answer}`.\n" if entry.answer else ".\n")
            values = [*entry.parameters, *(Value(v.name, v.type, v.required, v.help, "body") for v in entry.body)]
            if values:
                parts.append("\n| name | in | type | |\n| --- | --- | --- | --- |\n")
                parts += [
                    f"| `{v.name}`{' *' if v.required else ''} | {v.place} | {_cell(v.type)} | {_cell(v.help)} |\n"
                    for v in values
                ]
    parts.append("\n## Shapes\n")
    for name, values in schemas(described):
        if values:
            parts.append(f"\n### {name}\n\n| field | type | |\n| --- | --- | --- |\n")
            parts += [
                f"| `{v.name}`{' *' if v.required else ''} | {_cell(v.type)} | {_cell(v.help)} |\n" for v in values
            ]
    return "".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
