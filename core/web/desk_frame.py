"""The frame around every panel of the desk: status bar, function bar, active interactions, knowledge, offers."""

from __future__ import annotations

from dataclasses import dataclass

from flask import abort, current_app, g, request

from core import presence
from core.contracts import Asset, Badge, Control, DeskContext, Panel
from core.events import log as events
from core.house import okno
from core.model import Contact, Interaction, Offer, User
from core.permissions import allowed
from core.web import desk_queries
from core.web.auth import current_user
from core.web.desk_functions import Function, functions
from core.web.desk_indicators import Indicators, indicators
from core.web.language import here


@dataclass(slots=True)
class Frame:
    """What the frame is drawn from, read once a request."""

    user: User
    work: desk_queries.Work
    offers: list[tuple[Offer, Contact | None, str, list[Badge]]]
    functions: list[Function]
    indicators: Indicators
    admin_menu: bool
    wallboard: bool
    side: list[Panel]
    controls: list[Control]
    assets: list[Asset]
    events_after: int

    @property
    def state(self) -> str:
        """The state's word; offline before the first sign-on."""
        return self.work.presence.state if self.work.presence else presence.OFFLINE


def signed_in() -> User:
    """The user of this request; 401 for nobody (``@require`` has made sure before)."""
    user = current_user()
    if user is None:
        abort(401)
    return user


def focus_id() -> int | None:
    """The interaction that the page says is in focus."""
    value = request.args.get("focus", "")
    return int(value) if value.isdigit() else None


def note_head() -> None:
    """Before a whole page is read: the event from which its stream goes on. Read later, what happens meanwhile would be
    neither on the page nor in its stream."""
    whole_page = request.method == "GET" and "HX-Request" not in request.headers
    # Not the session itself: whoever looks into it makes public pages vary by cookie, and no cache keeps them.
    signed_in_once = current_app.config["SESSION_COOKIE_NAME"] in request.cookies
    if whole_page and signed_in_once and not (request.endpoint or "").endswith("static"):
        g.okno_head = events.head()


def frame() -> Frame:
    """The frame of this request."""
    if "okno_frame" not in g:
        after = g.okno_head if "okno_head" in g else events.head()
        user = signed_in()
        _come_on(user)
        work = desk_queries.work_of(user, focus_id())
        context = context_of(user, work.focus)
        hooks = okno().hooks
        g.okno_frame = Frame(
            user=user,
            work=work,
            offers=desk_queries.open_offers(user),
            functions=functions(
                work,
                [
                    item
                    for item in hooks.menu_items(context)
                    if item.area == "desk" and permitted(user, item.permission)
                ],
            ),
            indicators=indicators(user),
            admin_menu=allowed(user, "admin.view"),
            wallboard=allowed(user, "case.view"),
            side=panels(user, context, "side"),
            controls=hooks.controls(context) if work.focus else [],
            assets=[asset for asset in okno().assets if asset.area == "desk" and permitted(user, asset.permission)],
            events_after=after,
        )
    found: Frame = g.okno_frame
    return found


def _come_on(user: User) -> None:
    """Opening the desk is signing on; being there already changes nothing."""
    work = desk_queries.presence_of(user)
    if work is None or work.state == presence.OFFLINE:
        presence.sign_on(user.id)


def context_of(user: User, interaction: Interaction | None, case_id: int | None = None) -> DeskContext:
    """For whom and about what the hooks are asked."""
    return DeskContext(
        user_id=user.id,
        language=here(),
        case_id=interaction.case_id if interaction else case_id,
        interaction_id=interaction.id if interaction else None,
        channel=interaction.channel if interaction else "",
    )


def permitted(user: User, permission: str) -> bool:
    """Whether a contribution that asks for ``permission`` ("" for none) may be shown."""
    return not permission or allowed(user, permission)


def panels(user: User, context: DeskContext, slot: str) -> list[Panel]:
    """The plugins' panels for one slot."""
    return [panel for panel in okno().hooks.panels(context) if panel.slot == slot and permitted(user, panel.permission)]
