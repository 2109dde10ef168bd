"""Okno's core. Plugin authors import from here, from :mod:`core.contracts` and from the operations modules."""

import pluggy

from core.contracts import Rejected, Text

hookimpl = pluggy.HookimplMarker("okno")

__all__ = ["Rejected", "Text", "hookimpl"]
__version__ = "0.1.0"
