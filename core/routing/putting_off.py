"""What waits for an agreed time: out of the queue until then, so that nobody is asked; back at its old place afterwards.

While it is put off the interaction is in state ``bot``, like one that a machine holds, but no bot has it.
"""

from __future__ import annotations

from sqlalchemy import select

from core import presence
from core.clock import now
from core.contracts import Rejected
from core.db import db, transaction
from core.model import BotTalk
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
        swap(interaction_id, "queued", "bot", preferred_agent_id=for_user_id)
        tell(fresh(interaction_id))


def come_back(interaction_id: int) -> bool:
    """Let it wait again, at the place it had; False when it was not put off (any more)."""
    with transaction():
        held = select(BotTalk.interaction_id).where(BotTalk.interaction_id == interaction_id)
        if db.session.scalar(held) is not None or not swap(interaction_id, "bot", "queued", waiting_since=now()):
            return False
        tell(fresh(interaction_id))
        look_again()
        return True
