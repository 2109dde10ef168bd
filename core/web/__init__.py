"""What people see: the desk, the admin pages, signing in. ``mount`` puts it all on the Flask application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask

if TYPE_CHECKING:
    from core.house import Okno


def mount(app: Flask, house: Okno) -> None:
    """Register language, security, errors and the core's routes."""
    from core.api import blueprint as api
    from core.web import (
        admin,
        auth,
        case_pages,
        desk,
        desk_frame,
        error_pages,
        errors,
        health,
        language,
        people,
        ping_views,
        screen_pop_views,
        security,
        sessions,
        states,
        supervisor,
        token_pages,
    )

    language.mount(app, house)
    security.mount(app, house)
    errors.mount(app)
    app.before_request(desk_frame.note_head)
    for blueprint in (
        auth.blueprint,
        sessions.blueprint,
        health.blueprint,
        desk.blueprint,
        case_pages.blueprint,
        people.blueprint,
        ping_views.blueprint,
        error_pages.blueprint,
        screen_pop_views.blueprint,
        states.blueprint,
        supervisor.blueprint,
        token_pages.blueprint,
        admin.blueprint,
    ):
        app.register_blueprint(blueprint)
    api.mount(app, house)
