"""What waits for an agreed time: out of the queue until then, so that nobody is asked; back at its old place afterwards.

While it is put off the interaction is in state ``put_off``: it waits, but nobody is asked and no queue counts it.
"""

from __future__ import annotations

from core import presence
from core.clock import now
from core.contracts import Rejected
from core.db import transaction
from core.routing.queueing import NOT_YOURS, fresh, look_again, swap, tell, withdraw


def put_off(interaction_id: int, for_user_id: int | None = None) -> None:
    """Take what waits or rings out of the queue; ``for_user_id`` is asked first when it is back.

    Raises ``Rejected`` (``not-your-interaction``, ``moved-on``).
    """
    with transaction():
        interaction = fresh(interaction_id)
        if interaction.state not in ("queued", "offered"):
            raise Rejected(NOT_YOURS, "not-your-interaction")
        rang = withdraw(interaction)
        if rang is not None:
            presence.settle(rang, "withdrawn")
        swap(interaction_id, "queued", "put_off", preferred_agent_id=for_user_id)
        tell(fresh(interaction_id))


def come_back(interaction_id: int) -> bool:
    """Let it wait again, at the place it had; False when it was not put off (any more)."""
    with transaction():
        if not swap(interaction_id, "put_off", "queued", waiting_since=now()):
            return False
        tell(fresh(interaction_id))
        look_again()
        return True
