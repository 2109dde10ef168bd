"""Hooks of telephony: what carries calls."""

from __future__ import annotations

import pluggy

from core.telephony import Backend

hookspec = pluggy.HookspecMarker("okno")


@hookspec
def register_telephony_backends() -> list[Backend]:  # type: ignore[empty-body]
    """Add what carries calls; the setting ``voice.backend`` chooses one by name.

    Called: once, at start.
    Returns: backends whose ``make(settings, folder)`` gives an object like :class:`core.telephony.Driver`; it is called in the
    voice process, so that its libraries are imported there only.
    Exceptions: the plugin's backends are left out, the fault is counted.
    Used by: switch (in this machine, by WebRTC), asterisk (over ARI).

    Example::

        @hookimpl
        def register_telephony_backends():
            return [Backend("pbx", Text("Our PBX", "Наша АТС"), make=open_pbx)]
    """
