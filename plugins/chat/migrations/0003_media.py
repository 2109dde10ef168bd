"""chat: calls and shared pages"""

import sqlalchemy as sa
from alembic import op

from core.db import UTCDateTime

revision = "chat_0003"
down_revision = "chat_0002"
branch_labels = None
depends_on = None

OPEN = sa.text("ended_at IS NULL")


def upgrade() -> None:
    """What services allow, calls with their recordings, pages shown to agents."""
    _rules()
    _calls()
    _recordings()
    _shared_pages()


def _rules() -> None:
    op.create_table(
        "chat_call_rule",
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.Column("audio", sa.Boolean(), nullable=False),
        sa.Column("video", sa.Boolean(), nullable=False),
        sa.Column("recorded", sa.Boolean(), nullable=False),
        sa.Column("cobrowse", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["service_id"], ["service.id"], name=op.f("fk_chat_call_rule_service_id_service"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("service_id", name=op.f("pk_chat_call_rule")),
    )


def _calls() -> None:
    op.create_table(
        "chat_call",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("interaction_id", sa.Integer(), nullable=False),
        sa.Column("visitor_id", sa.String(length=254), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("offered_by", sa.String(length=7), nullable=False),
        sa.Column("media", sa.String(length=5), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("recorded", sa.Boolean(), nullable=False),
        sa.Column("consented_at", UTCDateTime(), nullable=True),
        sa.Column("agent_peer", sa.String(length=40), nullable=False),
        sa.Column("visitor_peer", sa.String(length=40), nullable=False),
        sa.Column("signals", sa.Integer(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("answered_at", UTCDateTime(), nullable=True),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.Column("ended_by", sa.String(length=7), nullable=False),
        sa.Column("reason", sa.String(length=10), nullable=False),
        sa.ForeignKeyConstraint(
            ["interaction_id"],
            ["interaction.id"],
            name=op.f("fk_chat_call_interaction_id_interaction"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["agent_id"], ["user.id"], name=op.f("fk_chat_call_agent_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_call")),
    )
    op.create_index(op.f("ix_chat_call_interaction_id"), "chat_call", ["interaction_id"], unique=False)
    _open_ones("chat_call")


def _recordings() -> None:
    op.create_table(
        "chat_recording",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("content_type", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=5), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("touched_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["call_id"], ["chat_call.id"], name=op.f("fk_chat_recording_call_id_chat_call"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["case.id"], name=op.f("fk_chat_recording_case_id_case"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["sha256"], ["stored_file.sha256"], name=op.f("fk_chat_recording_sha256_stored_file")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_recording")),
    )
    for column in ("call_id", "case_id", "state", "sha256"):
        op.create_index(op.f(f"ix_chat_recording_{column}"), "chat_recording", [column], unique=False)


def _shared_pages() -> None:
    op.create_table(
        "chat_cobrowse",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("interaction_id", sa.Integer(), nullable=False),
        sa.Column("visitor_id", sa.String(length=254), nullable=False),
        sa.Column("agent_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("page", sa.String(length=300), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("window_at", UTCDateTime(), nullable=False),
        sa.Column("window_pieces", sa.Integer(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("accepted_at", UTCDateTime(), nullable=True),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.Column("ended_by", sa.String(length=7), nullable=False),
        sa.Column("reason", sa.String(length=10), nullable=False),
        sa.ForeignKeyConstraint(
            ["interaction_id"],
            ["interaction.id"],
            name=op.f("fk_chat_cobrowse_interaction_id_interaction"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["agent_id"], ["user.id"], name=op.f("fk_chat_cobrowse_agent_id_user")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_cobrowse")),
    )
    op.create_index(op.f("ix_chat_cobrowse_interaction_id"), "chat_cobrowse", ["interaction_id"], unique=False)
    _open_ones("chat_cobrowse")
    op.create_table(
        "chat_cobrowse_piece",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("cobrowse_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("snapshot", sa.Boolean(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cobrowse_id"],
            ["chat_cobrowse.id"],
            name=op.f("fk_chat_cobrowse_piece_cobrowse_id_chat_cobrowse"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chat_cobrowse_piece")),
        sa.UniqueConstraint("cobrowse_id", "key", name=op.f("uq_chat_cobrowse_piece_cobrowse_id_key")),
    )


def _open_ones(table: str) -> None:
    """One open row an interaction, and the open ones of an agent by an index."""
    where = {"sqlite_where": OPEN, "postgresql_where": OPEN}
    op.create_index(f"uq_{table}_open", table, ["interaction_id"], unique=True, **where)
    op.create_index(f"ix_{table}_agent", table, ["agent_id"], unique=False, **where)


def downgrade() -> None:
    raise NotImplementedError("restore a backup: going back would lose data")
