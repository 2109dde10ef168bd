"""messenger: adapters"""

import sqlalchemy as sa
from alembic import op

from core.db import UTCDateTime

revision = "messenger_0001"
down_revision = None
branch_labels = ("messenger",)
depends_on = None


def upgrade() -> None:
    """Adapters that the house talks with."""
    op.create_table(
        "messenger_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("secret", sa.String(length=100), nullable=False),
        sa.Column("old_secret", sa.String(length=100), nullable=False),
        sa.Column("old_secret_until", UTCDateTime(timezone=True), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("last_status", sa.String(length=200), nullable=False),
        sa.Column("created_at", UTCDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messenger_link")),
        sa.UniqueConstraint("key", name=op.f("uq_messenger_link_key")),
    )


def downgrade() -> None:
    """No adapters."""
    op.drop_table("messenger_link")
