"""Where the requests of softphones and of callers' pages go, one line a URL; under ``/voice``."""

from __future__ import annotations

from flask import Blueprint

from plugins.voice import call_views, visitor_views

calls = Blueprint("voice_calls", __name__)
visitors = Blueprint("voice_visitors", __name__)

for _blueprint, _routes in ((calls, call_views.ROUTES), (visitors, visitor_views.ROUTES)):
    for _method, _rule, _name, _view in _routes:
        _blueprint.add_url_rule(_rule, _name, _view, methods=[_method])
