"""Every hook a plugin may implement, one module per family.

The first word of a hook's name is its contract:

``register_…``  once at start; returns a list. A plugin that raises is left out of that list, and counted.
``collect_…``   per request; returns a list (or a mapping). Same isolation.
``choose_…``    the first answer that is not None wins; the core's own answer comes last.
``before_…``    inside the transaction; may refuse by raising :class:`core.Rejected`.
``during_…``    inside the transaction and part of it: for what must not be lost between commit and a crash.
``after_…``     after the commit; results are ignored, one implementation at a time.
``check_…``     verdicts are combined: deny wins.

An exception other than ``Rejected`` never reaches the caller: it is logged with the plugin's name, counted per hook, shown to the
administrator, and the other implementations run. Inside a transaction each implementation has a savepoint of its own, so that
a half-done change of the plugin is undone while the rest is kept.
"""

from core.hookspecs import bots, channel, disposition, ops, routing, search, telephony, translation, ui

FAMILIES = (channel, bots, translation, telephony, routing, disposition, search, ui, ops)

__all__ = ["FAMILIES"]
