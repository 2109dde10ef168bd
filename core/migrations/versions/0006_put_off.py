"""core: what is put off until an agreed time has a state of its own"""

from alembic import op

revision = "core_0006"
down_revision = "core_0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Until now it stood as held by a bot that nobody knew."""
    op.execute(
        "UPDATE interaction SET state = 'put_off' WHERE state = 'bot'"
        " AND NOT EXISTS (SELECT 1 FROM live_bot_talk WHERE live_bot_talk.interaction_id = interaction.id)"
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup: going back would lose data")
