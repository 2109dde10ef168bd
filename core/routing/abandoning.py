"""A contact who does not wait any longer: the interaction closes unanswered, the case stays open."""

from __future__ import annotations

from core import presence, timeline
from core.contracts import Rejected, Text
from core.db import db, transaction
from core.model import Interaction
from core.routing.closing import close, tell_closed
from core.routing.queueing import NOT_YOURS, fresh, withdraw

LEFT = Text("The contact left before an answer", "Клиент ушёл, не дождавшись ответа")


def abandon(interaction_id: int, why: Text = LEFT, by_user_id: int | None = None) -> None:
    """Close what waits or rings, because its contact has gone, or for what the history shall say instead.

    Raises ``Rejected`` when somebody has answered meanwhile.
    """
    with transaction():
        interaction = db.session.get(Interaction, interaction_id, populate_existing=True)
        if interaction is None or interaction.state not in ("bot", "put_off", "queued", "offered"):
            raise Rejected(NOT_YOURS, "not-your-interaction")
        rang = withdraw(interaction)
        if rang is not None:
            presence.settle(rang, "withdrawn")
        interaction = fresh(interaction_id)
        timeline.write(
            interaction.case_id,
            "interaction.abandoned",
            actor_id=by_user_id,
            interaction_id=interaction_id,
            title_en=why.en,
            title_ru=why.ru,
        )
        close(interaction, None, "", None)
        tell_closed(interaction_id, None)
