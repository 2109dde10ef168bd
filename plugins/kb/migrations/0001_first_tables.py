"""kb: first tables"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from core.db import UTCDateTime

revision = "kb_0001"
down_revision = None
branch_labels = ("kb",)
depends_on = None


def upgrade() -> None:
    op.create_table(
        "kb_dirty",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=True),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kb_dirty")),
    )
    op.create_table(
        "kb_folder",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("slug", sa.String(length=80), nullable=False),
        sa.Column("title_en", sa.String(length=120), nullable=False),
        sa.Column("title_ru", sa.String(length=120), nullable=False),
        sa.Column("icon", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["parent_id"], ["kb_folder.id"], name=op.f("fk_kb_folder_parent_id_kb_folder")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kb_folder")),
        sa.UniqueConstraint("parent_id", "slug", name=op.f("uq_kb_folder_parent_id_slug")),
    )
    with op.batch_alter_table("kb_folder", schema=None) as batch_op:
        batch_op.create_index(
            "uq_kb_folder_top_slug",
            ["slug"],
            unique=True,
            sqlite_where=sa.text("parent_id IS NULL"),
            postgresql_where=sa.text("parent_id IS NULL"),
        )

    op.create_table(
        "kb_tag",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kb_tag")),
        sa.UniqueConstraint("key", name=op.f("uq_kb_tag_key")),
    )
    op.create_table(
        "kb_article",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("folder_id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=120), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("title_key", sa.String(length=300), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column(
            "keywords", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column(
            "sections", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("notes", sa.Text(), nullable=False),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column(
            "products", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("search_text", sa.Text(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("updated_by_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["created_by_id"], ["user.id"], name=op.f("fk_kb_article_created_by_id_user")),
        sa.ForeignKeyConstraint(["folder_id"], ["kb_folder.id"], name=op.f("fk_kb_article_folder_id_kb_folder")),
        sa.ForeignKeyConstraint(["updated_by_id"], ["user.id"], name=op.f("fk_kb_article_updated_by_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kb_article")),
        sa.UniqueConstraint("folder_id", "title_key", name=op.f("uq_kb_article_folder_id_title_key")),
        sa.UniqueConstraint("number", name=op.f("uq_kb_article_number")),
    )
    with op.batch_alter_table("kb_article", schema=None) as batch_op:
        batch_op.create_index("ix_kb_article_status_uses", ["status", "uses"], unique=False)

    op.create_table(
        "kb_article_service",
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"],
            ["kb_article.id"],
            name=op.f("fk_kb_article_service_article_id_kb_article"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["service_id"], ["service.id"], name=op.f("fk_kb_article_service_service_id_service"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("article_id", "service_id", name=op.f("pk_kb_article_service")),
    )
    with op.batch_alter_table("kb_article_service", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_kb_article_service_service_id"), ["service_id"], unique=False)

    op.create_table(
        "kb_article_tag",
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("tag_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["kb_article.id"], name=op.f("fk_kb_article_tag_article_id_kb_article"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["tag_id"], ["kb_tag.id"], name=op.f("fk_kb_article_tag_tag_id_kb_tag"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("article_id", "tag_id", name=op.f("pk_kb_article_tag")),
    )
    with op.batch_alter_table("kb_article_tag", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_kb_article_tag_tag_id"), ["tag_id"], unique=False)

    op.create_table(
        "kb_favourite",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("folder_id", sa.Integer(), nullable=True),
        sa.Column("article_id", sa.Integer(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["kb_article.id"], name=op.f("fk_kb_favourite_article_id_kb_article"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["folder_id"], ["kb_folder.id"], name=op.f("fk_kb_favourite_folder_id_kb_folder"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_kb_favourite_user_id_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kb_favourite")),
        sa.UniqueConstraint("user_id", "article_id", name=op.f("uq_kb_favourite_user_id_article_id")),
        sa.UniqueConstraint("user_id", "folder_id", name=op.f("uq_kb_favourite_user_id_folder_id")),
    )
    with op.batch_alter_table("kb_favourite", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_kb_favourite_article_id"), ["article_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_kb_favourite_folder_id"), ["folder_id"], unique=False)

    op.create_table(
        "kb_use",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("article_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=True),
        sa.Column("interaction_id", sa.Integer(), nullable=True),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"], ["kb_article.id"], name=op.f("fk_kb_use_article_id_kb_article"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_kb_use_case_id_case"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["interaction_id"],
            ["interaction.id"],
            name=op.f("fk_kb_use_interaction_id_interaction"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name=op.f("fk_kb_use_message_id_message"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_kb_use_user_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kb_use")),
    )
    with op.batch_alter_table("kb_use", schema=None) as batch_op:
        batch_op.create_index("ix_kb_use_article_id_at", ["article_id", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_kb_use_case_id"), ["case_id"], unique=False)
        batch_op.create_index("ix_kb_use_interaction_id_message_id", ["interaction_id", "message_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("kb_use", schema=None) as batch_op:
        batch_op.drop_index("ix_kb_use_interaction_id_message_id")
        batch_op.drop_index(batch_op.f("ix_kb_use_case_id"))
        batch_op.drop_index("ix_kb_use_article_id_at")

    op.drop_table("kb_use")
    with op.batch_alter_table("kb_favourite", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_kb_favourite_folder_id"))
        batch_op.drop_index(batch_op.f("ix_kb_favourite_article_id"))

    op.drop_table("kb_favourite")
    with op.batch_alter_table("kb_article_tag", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_kb_article_tag_tag_id"))

    op.drop_table("kb_article_tag")
    with op.batch_alter_table("kb_article_service", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_kb_article_service_service_id"))

    op.drop_table("kb_article_service")
    with op.batch_alter_table("kb_article", schema=None) as batch_op:
        batch_op.drop_index("ix_kb_article_status_uses")

    op.drop_table("kb_article")
    op.drop_table("kb_tag")
    with op.batch_alter_table("kb_folder", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_kb_folder_top_slug",
            sqlite_where=sa.text("parent_id IS NULL"),
            postgresql_where=sa.text("parent_id IS NULL"),
        )

    op.drop_table("kb_folder")
    op.drop_table("kb_dirty")
