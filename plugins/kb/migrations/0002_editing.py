"""kb: editing"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from core.db import UTCDateTime

revision = "kb_0002"
down_revision = "kb_0001"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")
MOMENTS = ("review_at", "reviewed_at", "publish_at", "expires_at", "published_at")


def upgrade() -> None:
    with op.batch_alter_table("kb_article", schema=None) as batch_op:
        batch_op.add_column(sa.Column("kind", sa.String(length=10), server_default="article", nullable=False))
        batch_op.add_column(sa.Column("related", JSON, server_default="[]", nullable=False))
        batch_op.add_column(sa.Column("group_id", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("owner_id", sa.Integer(), nullable=True))
        for name in MOMENTS:
            batch_op.add_column(sa.Column(name, UTCDateTime(), nullable=True))
        batch_op.create_foreign_key(batch_op.f("fk_kb_article_owner_id_user"), "user", ["owner_id"], ["id"])
        batch_op.create_unique_constraint(batch_op.f("uq_kb_article_group_id_language"), ["group_id", "language"])
        for name in ("owner_id", "review_at", "publish_at", "expires_at"):
            batch_op.create_index(batch_op.f(f"ix_kb_article_{name}"), [name], unique=False)

    op.create_table(
        "kb_version",
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("fields", JSON, nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("note", sa.String(length=300), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("at", UTCDateTime(), nullable=False),
        _article("kb_version"),
        _user("kb_version"),
        sa.PrimaryKeyConstraint("article_id", "version", name=op.f("pk_kb_version")),
    )
    op.create_table(
        "kb_working_copy",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=True),
        sa.Column("fields", JSON, nullable=False),
        sa.Column("base_version", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("note", sa.String(length=1000), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        _article("kb_working_copy"),
        _user("kb_working_copy"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kb_working_copy")),
        sa.UniqueConstraint("article_id", name=op.f("uq_kb_working_copy_article_id")),
    )
    with op.batch_alter_table("kb_working_copy", schema=None) as batch_op:
        batch_op.create_index("ix_kb_working_copy_state_at", ["state", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_kb_working_copy_user_id"), ["user_id"], unique=False)
    op.create_table(
        "kb_edit_lock",
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(length=40), nullable=False),
        sa.Column("since", UTCDateTime(), nullable=False),
        sa.Column("seen_at", UTCDateTime(), nullable=False),
        _article("kb_edit_lock"),
        _user("kb_edit_lock"),
        sa.PrimaryKeyConstraint("article_id", name=op.f("pk_kb_edit_lock")),
    )
    op.create_table(
        "kb_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("content_type", sa.String(length=120), nullable=False),
        sa.Column("inline", sa.Boolean(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("at", UTCDateTime(), nullable=False),
        _article("kb_file"),
        _user("kb_file"),
        sa.ForeignKeyConstraint(["sha256"], ["stored_file.sha256"], name=op.f("fk_kb_file_sha256_stored_file")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kb_file")),
    )
    with op.batch_alter_table("kb_file", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_kb_file_article_id"), ["article_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_kb_file_sha256"), ["sha256"], unique=False)


def _article(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_article_id_kb_article")
    return sa.ForeignKeyConstraint(["article_id"], ["kb_article.id"], name=name, ondelete="CASCADE")


def _user(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f(f"fk_{table}_user_id_user"))


def downgrade() -> None:
    raise NotImplementedError("restore a backup: going back would lose data")
