"""The routes of the knowledge base: one line a URL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint

from plugins.kb import editor_views, panel_views, reading, views

blueprint = Blueprint("kb", __name__, template_folder="templates", static_folder="static", static_url_path="/kb/static")
blueprint.app_template_global("kb_icon")(reading.icon_of)
blueprint.app_template_global("kb_shown")(editor_views.shown)

PAGES: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    ("/kb", "index", views.index),
    ("/kb/articles/<int:number>", "article", views.article),
    ("/kb/articles/<int:number>/preview", "preview", views.preview),
    ("/kb/tile", "tile", views.tile),
    ("/kb/panel", "panel", panel_views.panel),
    ("/kb/panel/results", "results", panel_views.results),
    ("/kb/panel/start", "start", panel_views.start),
    ("/kb/panel/used", "used", panel_views.used),
    ("/kb/panel/folders/<int:folder_id>", "folder", panel_views.folder),
    ("/kb/panel/articles/<int:number>", "panel_article", panel_views.article),
    ("/kb/articles/new", "new", editor_views.new),
    ("/kb/articles/<int:number>/edit", "edit", editor_views.edit),
)
COMMANDS: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    ("/kb/articles/<int:article_id>/use", "use", panel_views.use),
    ("/kb/favourites", "add_favourite", panel_views.add_favourite),
    ("/kb/favourites/remove", "remove_favourite", panel_views.remove_favourite),
    ("/kb/favourites/order", "order_favourites", panel_views.order_favourites),
    ("/kb/articles", "create", editor_views.create),
    ("/kb/articles/<int:number>/edit", "save", editor_views.save),
    ("/kb/articles/<int:number>/status", "set_status", editor_views.set_status),
    ("/kb/markdown", "markdown", editor_views.markdown),
)

for _rule, _name, _view in PAGES:
    blueprint.add_url_rule(_rule, _name, _view, methods=["GET"])
for _rule, _name, _view in COMMANDS:
    blueprint.add_url_rule(_rule, _name, _view, methods=["POST"])
