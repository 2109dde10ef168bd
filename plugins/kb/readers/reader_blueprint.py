"""The routes of what readers say, of reports and of the exchange: one line a URL."""

from __future__ import annotations

from flask import Blueprint

from plugins.kb.exchange import exchange_views
from plugins.kb.readers import reader_views

blueprint = Blueprint("kb_readers", __name__)
for _rule, _name, _view in (*reader_views.PAGES, *exchange_views.PAGES):
    blueprint.add_url_rule(_rule, _name, _view, methods=["GET"])
for _rule, _name, _view in (*reader_views.COMMANDS, *exchange_views.COMMANDS):
    blueprint.add_url_rule(_rule, _name, _view, methods=["POST"])
