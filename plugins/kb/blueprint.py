"""The routes of the knowledge base: one line a URL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, request

from core import audit
from core.web.auth import current_user
from plugins.kb import reading, views
from plugins.kb.editing import editing_routes
from plugins.kb.finding import search_views
from plugins.kb.use import case_article_views, default_views, favourite_views, link_views, panel_views

blueprint = Blueprint("kb", __name__, template_folder="templates", static_folder="static", static_url_path="/kb/static")
blueprint.app_template_global("kb_icon")(reading.icon_of)
blueprint.app_template_global("kb_has_icon")(reading.has_icon)


@blueprint.before_request
def name_actor() -> None:
    """Changes are in the audit log under the editor's name."""
    user = current_user() if request.method == "POST" else None
    if user is not None:
        audit.set_actor(user.login, request.remote_addr or "")


PAGES: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    ("/kb", "index", views.index),
    ("/kb/articles/<int:number>", "article", views.article),
    ("/kb/articles/<int:number>/preview", "preview", link_views.preview),
    ("/kb/articles/<int:number>/print", "printed", views.printed),
    ("/kb/tile", "tile", views.tile),
    ("/kb/panel", "panel", panel_views.panel),
    ("/kb/panel/results", "results", panel_views.results),
    ("/kb/panel/start", "start", panel_views.start),
    ("/kb/panel/suggested", "suggested", panel_views.suggested),
    ("/kb/panel/case", "case_articles", case_article_views.of_case),
    ("/kb/panel/menu/<int:number>", "article_menu", favourite_views.menu),
    ("/kb/favourites", "favourites", favourite_views.shown),
    ("/kb/favourites/sets/new", "new_set", favourite_views.new_set),
    ("/kb/favourites/sets/<int:set_id>", "edit_set", favourite_views.edit_set),
    ("/kb/articles/<int:number>/cases", "article_cases", case_article_views.of_article),
    ("/kb/articles/<int:number>/around", "article_around", link_views.around),
    ("/kb/articles/<int:number>/map", "map_branches", link_views.map_branches),
    ("/kb/articles/<int:number>/filled", "filled", link_views.filled),
    ("/kb/reports/links", "broken_links", link_views.broken),
    ("/kb/defaults", "service_defaults", default_views.of_service),
    ("/kb/panel/folders/<int:folder_id>", "folder", panel_views.folder),
    ("/kb/panel/articles/<int:number>", "panel_article", panel_views.article),
    ("/kb/reports/searches", "search_report", search_views.report),
    ("/kb/search-words", "search_words", search_views.words),
    ("/kb/index", "index_card", search_views.index_card),
    *editing_routes.PAGES,
)
COMMANDS: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    ("/kb/articles/<int:article_id>/use", "use", panel_views.use),
    ("/kb/favourites", "add_favourite", favourite_views.add),
    ("/kb/favourites/remove", "remove_favourite", favourite_views.remove),
    ("/kb/favourites/order", "order_favourites", favourite_views.order),
    ("/kb/favourites/sets", "save_set", favourite_views.save_set),
    ("/kb/favourites/sets/<int:set_id>/remove", "remove_set", favourite_views.remove_set),
    ("/kb/articles/<int:article_id>/link", "link_case", case_article_views.link),
    ("/kb/articles/<int:article_id>/unlink", "unlink_case", case_article_views.unlink),
    ("/kb/articles/<int:article_id>/take-title", "take_title", case_article_views.take_title),
    ("/kb/defaults", "save_default", default_views.save),
    ("/kb/searches", "note_search", search_views.note),
    ("/kb/search-words/synonyms", "save_synonyms", search_views.save_synonyms),
    ("/kb/search-words/stop-words", "save_stop_words", search_views.save_stop_words),
    ("/kb/search-words/remove", "remove_words", search_views.remove_words),
    ("/kb/index/rebuild", "rebuild_index", search_views.rebuild),
    *editing_routes.COMMANDS,
)

for _rule, _name, _view in PAGES:
    blueprint.add_url_rule(_rule, _name, _view, methods=["GET"])
for _rule, _name, _view in COMMANDS:
    blueprint.add_url_rule(_rule, _name, _view, methods=["POST"])
