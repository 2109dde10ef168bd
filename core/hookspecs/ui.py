"""Hooks of the desk and the admin pages."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pluggy

from core.contracts import (
    Asset,
    Badge,
    Control,
    DeskContext,
    ErrorText,
    HomeTile,
    MenuItem,
    NoticeKind,
    Panel,
    PersonAction,
)

hookspec = pluggy.HookspecMarker("okno")


@hookspec
def collect_menu_items(context: DeskContext) -> list[MenuItem]:  # type: ignore[empty-body]
    """Add entries to the function bar or the admin menu.

    Called: when the desk or an admin page is drawn; for the function bar again after the event ``menu.changed``.
    Args: context: who looks, in which language.
    Returns: items; those whose permission the viewer lacks are left out by the core. ``order`` places them among the core's own,
        ``counter`` shows what is unread.
    Exceptions: counted; the plugin's items are missing.
    Used by: kb, email, sla, chat, voice.

    Example::

        @hookimpl
        def collect_menu_items(context):
            return [MenuItem("orders", Text("Orders", "Заказы"), "package", "/orders")]
    """


@hookspec
def collect_panels(context: DeskContext) -> list[Panel]:  # type: ignore[empty-body]
    """Add panels: beside the work ("side"), on the case page ("case"), by the reply ("reply"), to one's settings ("settings").

    Called: when the desk, a case page or the settings are drawn; with the case and interaction in focus where there are any.
    Args: context: who looks, at what.
    Returns: panels; each is fetched from its URL when it comes into view.
    Exceptions: counted; the plugin's panels are missing.
    Used by: kb (side), sla (case), email (settings).

    Example::

        @hookimpl
        def collect_panels(context):
            return [Panel("orders", Text("Orders", "Заказы"), "package", f"/orders/of/{context.case_id}", "case")]
    """


@hookspec
def collect_controls(context: DeskContext) -> list[Control]:  # type: ignore[empty-body]
    """Add buttons for the interaction in focus.

    Called: when the status bar is drawn for an interaction.
    Args: context: with ``interaction_id`` and ``channel``.
    Returns: controls; pressing one, or the keys of its ``shortcut``, POSTs to its URL.
    Exceptions: counted; the plugin's controls are missing.
    Used by: chat (end the conversation), voice (hang up, hold).

    Example::

        @hookimpl
        def collect_controls(context):
            return [Control("spam", Text("Spam", "Спам"), "ban", f"/spam/{context.interaction_id}")]
    """


@hookspec
def collect_case_badges(case_ids: Sequence[int], language: str) -> Mapping[int, list[Badge]]:  # type: ignore[empty-body]
    """Add small marks to cases, in lists and headers.

    Called: once per page with all its cases, so that one query serves the page.
    Args: case_ids: up to 100 of them; language: "ru" or "en".
    Returns: badges by case id; cases without any may be missing.
    Exceptions: counted; the plugin's badges are missing.
    Used by: sla (the clock), voice (who waits to be called back).

    Example::

        @hookimpl
        def collect_case_badges(case_ids, language):
            return {id: [Badge("VIP", tone="info")] for id in vip_cases(case_ids)}
    """


@hookspec
def collect_answer_seconds(service_ids: Collection[int]) -> Mapping[int, int]:  # type: ignore[empty-body]
    """Say how long a contact of a live conversation may wait before the bar at the desk turns orange.

    Called: when the frame of the desk is drawn, once with the services of what the agent has in hand.
    Args: service_ids: of these services.
    Returns: seconds by service id; the others have the setting ``desk.answer_seconds``. Of several opinions the shortest counts.
    Exceptions: counted; the setting holds.
    Used by: chat (the rules of a service).

    Example::

        @hookimpl
        def collect_answer_seconds(service_ids):
            return {id: 30 for id in service_ids if id in VIP_SERVICES}
    """


@hookspec
def collect_home_tiles(context: DeskContext) -> list[HomeTile]:  # type: ignore[empty-body]
    """Add tiles to the home page.

    Called: when the home page is drawn.
    Args: context: who looks.
    Returns: tiles; each is fetched from its URL.
    Exceptions: counted; the plugin's tiles are missing.
    Used by: kb (what colleagues use most), sla (what is about to be late).

    Example::

        @hookimpl
        def collect_home_tiles(context):
            return [HomeTile("weather", Text("Weather", "Погода"), "/weather/tile")]
    """


@hookspec
def register_assets() -> list[Asset]:  # type: ignore[empty-body]
    """Add stylesheets and ES modules, loaded with the desk, the admin pages or public pages.

    Called: once, at start.
    Returns: assets with URLs under the plugin's own static route.
    Exceptions: the plugin's assets are left out, the fault is counted.
    Used by: kb, chat, sla.

    Example::

        @hookimpl
        def register_assets():
            return [Asset("css", "/orders/static/orders.css")]
    """


@hookspec
def register_notices() -> list[NoticeKind]:  # type: ignore[empty-body]
    """Give words to kinds of notifications that the plugin sends with ``core.notifications.notify``.

    Called: once, at start.
    Returns: kinds that begin with ``<plugin>.``; a kind taken already is refused and counted as a fault.
    Exceptions: the plugin's kinds are left out (their notifications show the kind itself), the fault is counted.
    Used by: sla (sla.warning, sla.breached).

    Example::

        @hookimpl
        def register_notices():
            def words(data, who):
                return Text(f"Order {data['number']} is paid", f"Заказ {data['number']} оплачен")

            return [NoticeKind("orders.paid", "cash", words)]
    """


@hookspec
def register_person_actions() -> list[PersonAction]:  # type: ignore[empty-body]
    """Add buttons to every colleague in the directory and on the colleague's own page.

    Called: once, at start.
    Returns: actions; ``{id}`` in an address is the colleague's, those whose permission the viewer lacks are left out.
    Exceptions: the plugin's actions are left out, the fault is counted; a key taken already is refused.
    Used by: colleagues (write in a chat), voice (call).

    Example::

        @hookimpl
        def register_person_actions():
            return [PersonAction("orders", Text("Orders", "Заказы"), "package", "/orders/of/{id}")]
    """


@hookspec
def register_error_texts() -> list[ErrorText]:  # type: ignore[empty-body]
    """Explain the codes that the plugin's operations are ``Rejected`` with; a test demands it of the shipped ones.

    Called: once, at start.
    Returns: texts; :func:`core.error_texts.read` makes them from a YAML file. A code taken already is a fault.
    Exceptions: the plugin's codes show their sentence without cause and remedy, the fault is counted.
    Used by: kb, email, chat, voice.

    Example::

        @hookimpl
        def register_error_texts():
            return error_texts.read(Path(__file__).parent / "errors.yml")
    """
