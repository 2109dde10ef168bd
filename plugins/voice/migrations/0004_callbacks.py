"""voice: callbacks that are promised for a time, who has them, why they were cancelled"""

import sqlalchemy as sa
from alembic import op

from core.db import UTCDateTime

revision = "voice_0004"
down_revision = "voice_0003"
branch_labels = None
depends_on = None

TABLE = "voice_callback"
OPEN = sa.text("state IN ('waiting', 'calling')")
PROMISED = sa.text("due_at IS NOT NULL")


def upgrade() -> None:
    """What was asked for before was promised for no time, and nobody is known to have it."""
    op.add_column(TABLE, sa.Column("due_at", UTCDateTime(), nullable=True))
    op.add_column(TABLE, sa.Column("reason", sa.String(length=200), nullable=False, server_default=""))
    name = op.f("fk_voice_callback_by_id_user")
    if op.get_bind().dialect.name == "sqlite":
        # SQLite takes a reference only in the column's own words.
        op.execute(
            f'ALTER TABLE {TABLE} ADD COLUMN by_id INTEGER CONSTRAINT {name} REFERENCES "user" (id) ON DELETE SET NULL'
        )
    else:
        op.add_column(TABLE, sa.Column("by_id", sa.Integer(), nullable=True))
        op.create_foreign_key(name, TABLE, "user", ["by_id"], ["id"], ondelete="SET NULL")
    op.create_index(op.f("ix_voice_callback_by_id"), TABLE, ["by_id"])
    op.create_index("ix_voice_callback_due_at", TABLE, ["due_at"], sqlite_where=PROMISED, postgresql_where=PROMISED)
    op.create_index("ix_voice_callback_open_number", TABLE, ["number"], sqlite_where=OPEN, postgresql_where=OPEN)


def downgrade() -> None:
    raise NotImplementedError("restore a backup: going back would lose data")
