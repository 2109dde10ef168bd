"""kb: use"""

import sqlalchemy as sa
from alembic import op

from core.db import UTCDateTime

revision = "kb_0004"
down_revision = "kb_0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _favourites()
    op.create_table(
        "kb_case_article",
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("at", UTCDateTime(), nullable=False),
        _to("kb_case_article", "case_id", "case"),
        _to("kb_case_article", "article_id", "kb_article"),
        _to("kb_case_article", "user_id", "user", "SET NULL"),
        sa.PrimaryKeyConstraint("case_id", "article_id", name=op.f("pk_kb_case_article")),
    )
    with op.batch_alter_table("kb_case_article", schema=None) as batch_op:
        batch_op.create_index("ix_kb_case_article_article_id_case_id", ["article_id", "case_id"], unique=False)
    op.create_table(
        "kb_link",
        sa.Column("from_id", sa.Integer(), nullable=False),
        sa.Column("to_number", sa.Integer(), nullable=False),
        _to("kb_link", "from_id", "kb_article"),
        sa.PrimaryKeyConstraint("from_id", "to_number", name=op.f("pk_kb_link")),
    )
    with op.batch_alter_table("kb_link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_kb_link_to_number"), ["to_number"], unique=False)
    op.create_table(
        "kb_service_default",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.Column("channel", sa.String(length=20), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("section", sa.String(length=40), nullable=False),
        _to("kb_service_default", "service_id", "service"),
        _to("kb_service_default", "article_id", "kb_article"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kb_service_default")),
        sa.UniqueConstraint("service_id", "channel", name=op.f("uq_kb_service_default_service_id_channel")),
    )
    with op.batch_alter_table("kb_service_default", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_kb_service_default_article_id"), ["article_id"], unique=False)
    op.create_table(
        "kb_begun_answer",
        sa.Column("interaction_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=False),
        _to("kb_begun_answer", "interaction_id", "interaction"),
        _to("kb_begun_answer", "user_id", "user"),
        _to("kb_begun_answer", "article_id", "kb_article"),
        sa.PrimaryKeyConstraint("interaction_id", "user_id", name=op.f("pk_kb_begun_answer")),
    )
    with op.batch_alter_table("kb_begun_answer", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_kb_begun_answer_article_id"), ["article_id"], unique=False)


def _favourites() -> None:
    """Pins lie in folders now; what an agent had pinned moves to the one without a title."""
    op.create_table(
        "kb_favourite_set",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("team_id", sa.Integer(), nullable=True),
        sa.Column("title", sa.String(length=80), nullable=False),
        sa.Column("title_key", sa.String(length=80), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        _to("kb_favourite_set", "user_id", "user"),
        _to("kb_favourite_set", "team_id", "team"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kb_favourite_set")),
        sa.UniqueConstraint("user_id", "title_key", name=op.f("uq_kb_favourite_set_user_id_title_key")),
        sa.UniqueConstraint("team_id", "title_key", name=op.f("uq_kb_favourite_set_team_id_title_key")),
    )
    op.create_table(
        "kb_pin",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("set_id", sa.Integer(), nullable=False),
        sa.Column("folder_id", sa.Integer(), nullable=True),
        sa.Column("article_id", sa.Integer(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        _to("kb_pin", "set_id", "kb_favourite_set"),
        _to("kb_pin", "folder_id", "kb_folder"),
        _to("kb_pin", "article_id", "kb_article"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kb_pin")),
        sa.UniqueConstraint("set_id", "folder_id", name=op.f("uq_kb_pin_set_id_folder_id")),
        sa.UniqueConstraint("set_id", "article_id", name=op.f("uq_kb_pin_set_id_article_id")),
    )
    with op.batch_alter_table("kb_pin", schema=None) as batch_op:
        for name in ("folder_id", "article_id"):
            batch_op.create_index(batch_op.f(f"ix_kb_pin_{name}"), [name], unique=False)
    op.execute(
        "INSERT INTO kb_favourite_set (user_id, title, title_key, position)"
        " SELECT DISTINCT user_id, '', '', 0 FROM kb_favourite"
    )
    op.execute(
        "INSERT INTO kb_pin (set_id, folder_id, article_id, position)"
        " SELECT s.id, f.folder_id, f.article_id, f.position FROM kb_favourite f"
        " JOIN kb_favourite_set s ON s.user_id = f.user_id ORDER BY f.id"
    )
    op.drop_table("kb_favourite")


def _to(table: str, column: str, other: str, ondelete: str = "CASCADE") -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{other}")
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=name, ondelete=ondelete)


def downgrade() -> None:
    raise NotImplementedError("restore a backup: going back would lose data")
