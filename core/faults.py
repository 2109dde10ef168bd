"""Plugin faults on their way from memory to the administrator's page."""

from __future__ import annotations

from core.db import db, transaction
from core.house import okno
from core.model import PluginFault


def flush() -> None:
    """Store the faults counted since the last flush, one row per plugin and hook."""
    faults = okno().plugins.take_faults()
    if not faults:
        return
    with transaction():
        for (plugin, hook), fault in faults.items():
            row = db.session.get(PluginFault, (plugin, hook))
            if row is None:
                row = PluginFault(plugin=plugin, hook=hook, count=0)
                db.session.add(row)
            row.count += fault.count
            row.last_error, row.last_at = fault.last_error, fault.last_at
