"""chat: what agents use"""

import sqlalchemy as sa
from alembic import op

from core.db import UTCDateTime

revision = "chat_0002"
down_revision = "chat_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Canned replies in sections, the rules of services, how far each side has read."""
    _canned()
    _rules()
    _reading()


def _of_whom(table: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(["owner_id"], ["user.id"], name=op.f(f"fk_{table}_owner_id_user"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f(f"fk_{table}_team_id_team"), ondelete="CASCADE"),
    ]


def _canned() -> None:
    op.create_table(
        "chat_canned_section",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("team_id", sa.Integer(), nullable=True),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        *_of_whom("chat_canned_section"),
        sa.ForeignKeyConstraint(
            ["parent_id"],
            ["chat_canned_section.id"],
            name=op.f("fk_chat_canned_section_parent_id_chat_canned_section"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_canned_section")),
    )
    op.create_table(
        "chat_canned",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("section_id", sa.Integer(), nullable=True),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("team_id", sa.Integer(), nullable=True),
        sa.Column("title", sa.String(length=160), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("changed_at", UTCDateTime(), nullable=False),
        *_of_whom("chat_canned"),
        sa.ForeignKeyConstraint(
            ["section_id"],
            ["chat_canned_section.id"],
            name=op.f("fk_chat_canned_section_id_chat_canned_section"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_canned")),
    )
    for table, parent in (("chat_canned_section", "parent_id"), ("chat_canned", "section_id")):
        for column in (parent, "owner_id", "team_id"):
            op.create_index(op.f(f"ix_{table}_{column}"), table, [column], unique=False)


def _rules() -> None:
    op.create_table(
        "chat_service_rule",
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.Column("answer_seconds", sa.Integer(), nullable=True),
        sa.Column("warn_seconds", sa.Integer(), nullable=True),
        sa.Column("warning_en", sa.Text(), nullable=False),
        sa.Column("warning_ru", sa.Text(), nullable=False),
        sa.Column("close_seconds", sa.Integer(), nullable=True),
        sa.Column("closing_en", sa.Text(), nullable=False),
        sa.Column("closing_ru", sa.Text(), nullable=False),
        sa.Column("greeting", sa.String(length=10), nullable=False),
        sa.Column("greeting_en", sa.Text(), nullable=False),
        sa.Column("greeting_ru", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["service_id"], ["service.id"], name=op.f("fk_chat_service_rule_service_id_service"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("service_id", name=op.f("pk_chat_service_rule")),
    )


def _reading() -> None:
    op.create_table(
        "chat_reading",
        sa.Column("interaction_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("visitor_read_id", sa.Integer(), nullable=False),
        sa.Column("agent_read_id", sa.Integer(), nullable=False),
        sa.Column("warned_message_id", sa.Integer(), nullable=True),
        sa.Column("warned_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["interaction_id"],
            ["interaction.id"],
            name=op.f("fk_chat_reading_interaction_id_interaction"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["warned_message_id"],
            ["message.id"],
            name=op.f("fk_chat_reading_warned_message_id_message"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("interaction_id", name=op.f("pk_chat_reading")),
    )


def downgrade() -> None:
    """All are gone."""
    for table in ("chat_reading", "chat_service_rule", "chat_canned", "chat_canned_section"):
        op.drop_table(table)
