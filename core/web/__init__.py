"""What people see: the desk, the admin pages, signing in. ``mount`` puts it all on the Flask application."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Flask

if TYPE_CHECKING:
    from core.house import Okno


def mount(app: Flask, house: Okno) -> None:
    """Register language, security, errors and the core's routes."""
    from core.web import admin, auth, desk, errors, health, language, ping_views, security

    language.mount(app, house)
    security.mount(app, house)
    errors.mount(app)
    for blueprint in (auth.blueprint, health.blueprint, desk.blueprint, ping_views.blueprint, admin.blueprint):
        app.register_blueprint(blueprint)
