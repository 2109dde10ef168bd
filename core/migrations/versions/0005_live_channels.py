"""core: what live channels share"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from core.db import UTCDateTime

revision = "core_0005"
down_revision = "core_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Colleagues in a conversation; contacts who are not served."""
    _participants()
    _bans()
    _live_bot_talks()
    _streams()


def _participants() -> None:
    op.create_table(
        "participant",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("interaction_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("invited_by_id", sa.Integer(), nullable=True),
        sa.Column("invited_at", UTCDateTime(), nullable=False),
        sa.Column("joined_at", UTCDateTime(), nullable=True),
        sa.Column("left_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["interaction_id"],
            ["interaction.id"],
            name=op.f("fk_participant_interaction_id_interaction"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_participant_user_id_user"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["invited_by_id"], ["user.id"], name=op.f("fk_participant_invited_by_id_user"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_participant")),
    )
    open_ones: dict[str, Any] = {
        "sqlite_where": sa.text("left_at IS NULL"),
        "postgresql_where": sa.text("left_at IS NULL"),
    }
    op.create_index("uq_participant_open", "participant", ["interaction_id", "user_id"], unique=True, **open_ones)
    op.create_index("ix_participant_user_open", "participant", ["user_id"], unique=False, **open_ones)


def _bans() -> None:
    op.create_table(
        "ban",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contact_id", sa.Integer(), nullable=False),
        sa.Column("interaction_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("banned_at", UTCDateTime(), nullable=False),
        sa.Column("lifted_by_id", sa.Integer(), nullable=True),
        sa.Column("lifted_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contact.id"], name=op.f("fk_ban_contact_id_contact"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["interaction_id"], ["interaction.id"], name=op.f("fk_ban_interaction_id_interaction"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["by_id"], ["user.id"], name=op.f("fk_ban_by_id_user"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["lifted_by_id"], ["user.id"], name=op.f("fk_ban_lifted_by_id_user"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ban")),
    )
    op.create_index(op.f("ix_ban_contact_id"), "ban", ["contact_id"], unique=False)
    open_ones: dict[str, Any] = {
        "sqlite_where": sa.text("lifted_at IS NULL"),
        "postgresql_where": sa.text("lifted_at IS NULL"),
    }
    op.create_index("uq_ban_open", "ban", ["contact_id"], unique=True, **open_ones)


def _live_bot_talks() -> None:
    op.create_table(
        "live_bot_talk",
        sa.Column("interaction_id", sa.Integer(), nullable=False),
        sa.Column("bot", sa.String(length=40), nullable=False),
        sa.Column("answered_up_to", sa.Integer(), nullable=False),
        sa.Column("memory", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("heard_at", UTCDateTime(), nullable=False),
        sa.Column("due_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["interaction_id"],
            ["interaction.id"],
            name=op.f("fk_live_bot_talk_interaction_id_interaction"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("interaction_id", name=op.f("pk_live_bot_talk")),
    )
    op.create_index("ix_live_bot_talk_due_at", "live_bot_talk", ["due_at"], unique=False)
    op.create_index("ix_live_bot_talk_heard_at", "live_bot_talk", ["heard_at"], unique=False)


def _streams() -> None:
    """What must leave in order."""
    op.add_column("outbox", sa.Column("stream", sa.String(length=160), nullable=False, server_default=""))
    waiting = sa.text("state = 'pending' AND stream != ''")
    op.create_index("ix_outbox_stream", "outbox", ["stream", "id"], sqlite_where=waiting, postgresql_where=waiting)


def downgrade() -> None:
    """Nothing of it is left."""
    op.drop_index("ix_outbox_stream", "outbox")
    op.drop_column("outbox", "stream")
    op.drop_table("live_bot_talk")
    op.drop_table("ban")
    op.drop_table("participant")
