"""The page of adapters: add one, see its address, rotate its secret."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, render_template, request, url_for

from core import services
from core.contracts import Text
from core.house import okno
from core.permissions import require
from core.web.admin_frame import Answer, FormState, attempt, choices, refused, typed
from plugins.messenger import links

blueprint = Blueprint("messenger_admin", __name__, template_folder="templates")
NAMES = ("key", "title", "url", "service")


@blueprint.get("")
@require("admin.services")
def page() -> Answer:
    """All adapters."""
    return _page(FormState(dict.fromkeys(NAMES, "")))


@blueprint.post("")
@require("admin.services")
def add() -> Answer:
    """Add an adapter; its secret is shown this once."""
    values = typed(*NAMES)
    shown: list[tuple[str, str]] = []

    def store() -> None:
        link = links.add(values["key"], values["title"], values["url"], values["service"])
        shown.append((link.key, link.secret))

    errors = attempt(store)
    return _page(FormState(values if errors else dict.fromkeys(NAMES, ""), errors), *shown)


@blueprint.post("/<key>/rotate")
@require("admin.services")
def rotate(key: str) -> Answer:
    """A new secret, shown this once."""
    shown: list[tuple[str, str]] = []
    errors = attempt(lambda: shown.append((key, links.rotate(key).secret)))
    if errors:
        return refused(errors, "messenger_admin.page")
    return _page(FormState(dict.fromkeys(NAMES, "")), *shown)


@blueprint.post("/<key>/switch")
@require("admin.services")
def switch(key: str) -> Response:
    """Take and send, or not."""
    return _after(attempt(lambda: links.update(key, active=bool(request.form.get("active")))))


@blueprint.post("/<key>/remove")
@require("admin.services")
def remove(key: str) -> Response:
    """Forget it."""
    return _after(attempt(lambda: links.remove(key)))


def _after(errors: dict[str, Text]) -> Response:
    if errors:
        return refused(errors, "messenger_admin.page")
    return redirect(url_for("messenger_admin.page"), 303)  # type: ignore[return-value]


def _page(form: FormState, secret: tuple[str, str] | None = None) -> Answer:
    base = okno().config.base_url
    shown = [(link, links.services_of(link.key), f"{base}/messenger/{link.key}") for link in links.listed()]
    drawn = render_template(
        "messenger/links.html", form=form, links=shown, secret=secret, services=choices(services.list_services())
    )
    return drawn, form.status
