"""chat: widgets and what visitors tell"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from core.db import UTCDateTime

revision = "chat_0001"
down_revision = None
branch_labels = ("chat",)
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")


def upgrade() -> None:
    op.create_table(
        "chat_widget",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("title_en", sa.String(length=80), nullable=False),
        sa.Column("title_ru", sa.String(length=80), nullable=False),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("colour", sa.String(length=7), nullable=False),
        sa.Column("theme", sa.String(length=5), nullable=False),
        sa.Column("position", sa.String(length=5), nullable=False),
        sa.Column("launcher", sa.String(length=6), nullable=False),
        sa.Column("offline", sa.String(length=8), nullable=False),
        sa.Column("texts", JSON, nullable=False),
        sa.Column("fields", JSON, nullable=False),
        sa.Column("features", JSON, nullable=False),
        sa.Column("origins", JSON, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_widget")),
        sa.UniqueConstraint("key", name=op.f("uq_chat_widget_key")),
    )
    op.create_table(
        "chat_visit",
        sa.Column("visitor_id", sa.String(length=64), nullable=False),
        sa.Column("widget_key", sa.String(length=80), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("referrer", sa.String(length=500), nullable=False),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("user_agent", sa.String(length=300), nullable=False),
        sa.Column("screen", sa.String(length=20), nullable=False),
        sa.Column("timezone", sa.String(length=60), nullable=False),
        sa.Column("ip", sa.String(length=45), nullable=False),
        sa.Column("told", JSON, nullable=False),
        sa.Column("pages", JSON, nullable=False),
        sa.Column("first_seen_at", UTCDateTime(), nullable=False),
        sa.Column("seen_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("visitor_id", name=op.f("pk_chat_visit")),
    )
    op.create_table(
        "chat_place",
        sa.Column("interaction_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("wait_seconds", sa.Integer(), nullable=True),
        _interaction("chat_place"),
        sa.PrimaryKeyConstraint("interaction_id", name=op.f("pk_chat_place")),
    )
    op.create_table(
        "chat_rating",
        sa.Column("interaction_id", sa.Integer(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        _interaction("chat_rating"),
        sa.PrimaryKeyConstraint("interaction_id", name=op.f("pk_chat_rating")),
    )
    for table, name, columns in (
        ("chat_visit", "ix_chat_visit_seen_at", ["seen_at"]),
        ("chat_rating", "ix_chat_rating_at", ["at"]),
    ):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.create_index(name, columns, unique=False)


def _interaction(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_interaction_id_interaction")
    return sa.ForeignKeyConstraint(["interaction_id"], ["interaction.id"], name=name, ondelete="CASCADE")


def downgrade() -> None:
    raise NotImplementedError("restore a backup: going back would lose data")
