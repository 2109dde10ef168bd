"""telegram: bots"""

import sqlalchemy as sa
from alembic import op

from core.db import UTCDateTime

revision = "telegram_0001"
down_revision = None
branch_labels = ("telegram",)
depends_on = None


def upgrade() -> None:
    """The bots of the house."""
    op.create_table(
        "telegram_bot",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("telegram_id", sa.BigInteger(), nullable=False),
        sa.Column("username", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("token", sa.String(length=120), nullable=False),
        sa.Column("webhook_secret", sa.String(length=80), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("next_update", sa.BigInteger(), nullable=False),
        sa.Column("error", sa.String(length=500), nullable=False),
        sa.Column("heard_at", UTCDateTime(timezone=True), nullable=True),
        sa.Column("created_at", UTCDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_telegram_bot")),
        sa.UniqueConstraint("telegram_id", name=op.f("uq_telegram_bot_telegram_id")),
        sa.UniqueConstraint("username", name=op.f("uq_telegram_bot_username")),
    )


def downgrade() -> None:
    """No bots."""
    op.drop_table("telegram_bot")
