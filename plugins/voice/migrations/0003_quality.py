"""voice: what was measured of a connection as numbers, what agents say of the sound"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from core.db import UTCDateTime

revision = "voice_0003"
down_revision = "voice_0002"
branch_labels = None
depends_on = None

FIGURES = ("loss_percent", "jitter_ms", "rtt_ms", "worst_loss", "worst_jitter")


def upgrade() -> None:
    """Numbers that can be asked for take the place of the document that held them."""
    for name in FIGURES:
        op.add_column("voice_leg", sa.Column(name, sa.Double(), nullable=True))
    json = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    leg = sa.table("voice_leg", sa.column("quality", json), *(sa.column(name, sa.Double()) for name in FIGURES))
    op.execute(sa.update(leg).values({name: leg.c.quality[name].as_float() for name in FIGURES}))
    op.drop_column("voice_leg", "quality")
    op.create_table(
        "voice_sound_report",
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("fault", sa.String(length=12), nullable=False),
        sa.Column("comment", sa.String(length=500), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["call_id"], ["voice_call.id"], name=op.f("fk_voice_sound_report_call_id_voice_call"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_voice_sound_report_user_id_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("call_id", "user_id", name=op.f("pk_voice_sound_report")),
    )
    op.create_index(op.f("ix_voice_sound_report_user_id"), "voice_sound_report", ["user_id"])


def downgrade() -> None:
    raise NotImplementedError("restore a backup: going back would lose data")
