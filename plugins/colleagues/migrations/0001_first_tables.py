"""colleagues: first tables"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from core.db import UTCDateTime

revision = "colleagues_0001"
down_revision = None
branch_labels = ("colleagues",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "colleagues_room",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=True),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("organiser_id", sa.Integer(), nullable=True),
        sa.Column("last_id", sa.Integer(), nullable=False),
        sa.Column("last_at", UTCDateTime(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("closed_at", UTCDateTime(), nullable=True),
        _key("colleagues_room", "organiser_id", "user", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_colleagues_room")),
        sa.UniqueConstraint("key", name=op.f("uq_colleagues_room_key")),
    )
    op.create_table(
        "colleagues_member",
        sa.Column("room_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("joined_at", UTCDateTime(), nullable=False),
        sa.Column("read_up_to", sa.Integer(), nullable=False),
        sa.Column("gone", sa.String(length=8), nullable=False),
        sa.Column("sees_up_to", sa.Integer(), nullable=False),
        _key("colleagues_member", "room_id", "colleagues_room"),
        _key("colleagues_member", "user_id", "user"),
        sa.PrimaryKeyConstraint("room_id", "user_id", name=op.f("pk_colleagues_member")),
    )
    op.create_table(
        "colleagues_post",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("room_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
        sa.Column("command_key", sa.String(length=80), nullable=True),
        sa.Column("at", UTCDateTime(), nullable=False),
        _key("colleagues_post", "room_id", "colleagues_room"),
        _key("colleagues_post", "user_id", "user", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_colleagues_post")),
        sa.UniqueConstraint(
            "room_id", "user_id", "command_key", name=op.f("uq_colleagues_post_room_id_user_id_command_key")
        ),
    )
    op.create_table(
        "colleagues_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("post_id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("content_type", sa.String(length=120), nullable=False),
        _key("colleagues_file", "post_id", "colleagues_post"),
        sa.ForeignKeyConstraint(["sha256"], ["stored_file.sha256"], name=op.f("fk_colleagues_file_sha256_stored_file")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_colleagues_file")),
    )
    op.create_table(
        "colleagues_star",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("post_id", sa.Integer(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        _key("colleagues_star", "user_id", "user"),
        _key("colleagues_star", "post_id", "colleagues_post"),
        sa.PrimaryKeyConstraint("user_id", "post_id", name=op.f("pk_colleagues_star")),
    )
    op.create_table(
        "colleagues_term",
        sa.Column("term", sa.String(length=64), nullable=False),
        sa.Column("room_id", sa.Integer(), nullable=False),
        sa.Column("post_id", sa.Integer(), nullable=False),
        _key("colleagues_term", "room_id", "colleagues_room"),
        _key("colleagues_term", "post_id", "colleagues_post"),
        sa.PrimaryKeyConstraint("term", "room_id", "post_id", name=op.f("pk_colleagues_term")),
    )
    for table, name, columns in (
        ("colleagues_member", "ix_colleagues_member_user_id", ["user_id"]),
        ("colleagues_post", "ix_colleagues_post_room_id_id", ["room_id", "id"]),
        ("colleagues_file", op.f("ix_colleagues_file_post_id"), ["post_id"]),
    ):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.create_index(name, columns, unique=False)


def _key(table: str, column: str, other: str, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{other}")
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=name, ondelete=ondelete)


def downgrade() -> None:
    raise NotImplementedError("restore a backup: going back would lose data")
