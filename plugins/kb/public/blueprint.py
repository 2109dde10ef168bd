"""The routes of the help centre: one line a URL. Switched off, none of them is there."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from flask import Blueprint, abort, request
from flask.blueprints import BlueprintSetupState
from markupsafe import Markup

import core.web
from core.house import okno
from plugins.kb.public import site, views

blueprint = Blueprint("help_centre", __name__)
ROUTES: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    ("/help-centre", "start", views.start),
    ("/help-centre/<any(ru,en):lang>", "home", views.home),
    ("/help-centre/<any(ru,en):lang>/sections/<name>", "category", views.category),
    ("/help-centre/<any(ru,en):lang>/articles/<name>", "article", views.article),
    ("/help-centre/<any(ru,en):lang>/search", "search", views.search),
    ("/help-centre/files/<int:file_id>/<name>", "file", views.file),
    ("/help-centre/theme-<_colours>.css", "theme", views.theme),
    ("/help-centre/logo", "logo", views.logo),
    ("/help-centre/sitemap.xml", "sitemap", views.sitemap),
    ("/help-centre/<path:rest>", "nowhere", views.nowhere),
    ("/robots.txt", "robots", views.robots),
)
for _rule, _name, _view in ROUTES:
    blueprint.add_url_rule(_rule, _name, _view, methods=["GET"])
blueprint.add_url_rule(
    "/help-centre/<any(ru,en):lang>/articles/<int:number>/rating", "rate", views.rate, methods=["POST"]
)


@blueprint.record_once
def _check(state: BlueprintSetupState) -> None:
    """A colour or address that cannot be used stops the start, not the first visitor."""
    site.check(state.app.extensions["okno"].config)


@blueprint.before_request
def _refuse_when_off() -> None:
    if request.endpoint != "help_centre.robots" and not okno().config.get("kb.public"):
        abort(404)


@lru_cache(maxsize=1)
def _symbols() -> dict[str, str]:
    """The drawings of the desk's icons by name: a page carries the few it needs instead of fetching all."""
    sprite = Path(core.web.__file__).parent / "static" / "vendor" / "icons.svg"
    if not sprite.is_file():
        return {}
    root = ElementTree.parse(sprite).getroot()  # noqa: S314 -- our own file, made by scripts/vendor.py
    ElementTree.register_namespace("", "http://www.w3.org/2000/svg")
    return {
        symbol.attrib["id"].removeprefix("icon-"): "".join(
            ElementTree.tostring(shape, "unicode").strip() for shape in symbol
        ).replace(' xmlns="http://www.w3.org/2000/svg"', "")
        for symbol in root
    }


@blueprint.app_template_global("public_icon")
def public_icon(name: str) -> Markup:
    """An icon drawn in the page itself."""
    shapes = _symbols().get(name) or _symbols().get("folder", "")
    head = '<svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" '
    return Markup(f'{head}stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">{shapes}</svg>')  # noqa: S704


@blueprint.app_template_global("help_centre_css")
def help_centre_css() -> str:
    """The stylesheet's address, which changes with the file."""
    return f"/kb/static/help-centre.css?v={_stamp()}"


@lru_cache(maxsize=1)
def _stamp() -> str:
    return f"{int((Path(__file__).parent.parent / 'static' / 'help-centre.css').stat().st_mtime):x}"
