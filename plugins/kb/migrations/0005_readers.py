"""kb: readers"""

import sqlalchemy as sa
from alembic import op

from core.db import UTCDateTime

revision = "kb_0005"
down_revision = "kb_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("kb_article", schema=None) as batch_op:
        batch_op.create_index("ix_kb_article_public", ["public", "language", "status", "folder_id"], unique=False)
    op.create_table(
        "kb_rating",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("reader_key", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("helpful", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        _article("kb_rating"),
        _user("kb_rating", "user_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kb_rating")),
        sa.UniqueConstraint("article_id", "reader_key", name=op.f("uq_kb_rating_article_id_reader_key")),
    )
    op.create_table(
        "kb_comment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("answered_by_id", sa.Integer(), nullable=True),
        sa.Column("answered_at", UTCDateTime(), nullable=True),
        sa.Column("at", UTCDateTime(), nullable=False),
        _article("kb_comment"),
        _user("kb_comment", "user_id"),
        _user("kb_comment", "answered_by_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kb_comment")),
    )
    op.create_table(
        "kb_candidate",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", UTCDateTime(), nullable=True),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["case_id"], ["case.id"], name=op.f("fk_kb_candidate_case_id_case"), ondelete="CASCADE"
        ),
        _article("kb_candidate", "SET NULL"),
        _user("kb_candidate", "user_id"),
        _user("kb_candidate", "decided_by_id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kb_candidate")),
        sa.UniqueConstraint("case_id", name=op.f("uq_kb_candidate_case_id")),
    )
    op.create_table(
        "kb_review_notice",
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("review_at", UTCDateTime(), nullable=False),
        _article("kb_review_notice"),
        sa.PrimaryKeyConstraint("article_id", "review_at", name=op.f("pk_kb_review_notice")),
    )
    op.create_table(
        "kb_imported",
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        _article("kb_imported"),
        sa.PrimaryKeyConstraint("source", "key", name=op.f("pk_kb_imported")),
    )
    for table, name, columns in (
        ("kb_rating", "ix_kb_rating_at", ["at"]),
        ("kb_comment", "ix_kb_comment_state_at", ["state", "at"]),
        ("kb_comment", "ix_kb_comment_article_id_at", ["article_id", "at"]),
        ("kb_candidate", "ix_kb_candidate_state_at", ["state", "at"]),
        ("kb_candidate", op.f("ix_kb_candidate_article_id"), ["article_id"]),
        ("kb_imported", op.f("ix_kb_imported_article_id"), ["article_id"]),
    ):
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.create_index(name, columns, unique=False)


def _article(table: str, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_article_id_kb_article")
    return sa.ForeignKeyConstraint(["article_id"], ["kb_article.id"], name=name, ondelete=ondelete)


def _user(table: str, column: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], ["user.id"], name=op.f(f"fk_{table}_{column}_user"))


def downgrade() -> None:
    raise NotImplementedError("restore a backup: going back would lose data")
