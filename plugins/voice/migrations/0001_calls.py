"""voice: calls and their legs"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from core.db import UTCDateTime

revision = "voice_0001"
down_revision = None
branch_labels = ("voice",)
depends_on = None

OPEN = sa.text("ended_at IS NULL")
THERE = sa.text("left_at IS NULL")


def upgrade() -> None:
    """Calls and their legs, telephones of agents, the place in the events of the voice process."""
    _calls()
    _legs()
    _phones()
    op.create_table(
        "voice_cursor",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("process", sa.String(length=40), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voice_cursor")),
    )


def _json() -> sa.types.TypeEngine:
    return sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def _to(table: str, column: str, target: str, ondelete: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{target}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name, ondelete=ondelete)


def _calls() -> None:
    op.create_table(
        "voice_call",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("interaction_id", sa.Integer(), nullable=True),
        sa.Column("case_id", sa.Integer(), nullable=True),
        sa.Column("service_id", sa.Integer(), nullable=True),
        sa.Column("consult_of_id", sa.Integer(), nullable=True),
        sa.Column("agent_id", sa.Integer(), nullable=True),
        sa.Column("started_by_id", sa.Integer(), nullable=True),
        sa.Column("direction", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("customer_leg", sa.String(length=40), nullable=False),
        sa.Column("from_number", sa.String(length=80), nullable=False),
        sa.Column("to_number", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("line", sa.String(length=160), nullable=False),
        sa.Column("process", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("course", _json(), nullable=False),
        sa.Column("recording", sa.String(length=8), nullable=False),
        sa.Column("recording_key", sa.String(length=80), nullable=False),
        sa.Column("recordings", sa.Integer(), nullable=False),
        sa.Column("started_at", UTCDateTime(), nullable=False),
        sa.Column("answered_at", UTCDateTime(), nullable=True),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.Column("cause", sa.String(length=16), nullable=False),
        sa.Column("talk_seconds", sa.Integer(), nullable=False),
        sa.Column("ended_by_transfer", sa.Boolean(), nullable=False),
        _to("voice_call", "interaction_id", "interaction", "CASCADE"),
        _to("voice_call", "case_id", "case", "CASCADE"),
        _to("voice_call", "service_id", "service", "SET NULL"),
        _to("voice_call", "consult_of_id", "voice_call", "SET NULL"),
        _to("voice_call", "agent_id", "user", "SET NULL"),
        _to("voice_call", "started_by_id", "user", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voice_call")),
        sa.UniqueConstraint("key", name=op.f("uq_voice_call_key")),
        sa.UniqueConstraint("interaction_id", name=op.f("uq_voice_call_interaction_id")),
    )
    for column in (
        "case_id",
        "service_id",
        "consult_of_id",
        "started_by_id",
        "customer_leg",
        "from_number",
        "started_at",
    ):
        op.create_index(op.f(f"ix_voice_call_{column}"), "voice_call", [column])
    op.create_index("ix_voice_call_open", "voice_call", ["id"], sqlite_where=OPEN, postgresql_where=OPEN)
    op.create_index("ix_voice_call_agent_id_started_at", "voice_call", ["agent_id", "started_at"])
    op.create_index("ix_voice_call_direction_started_at", "voice_call", ["direction", "started_at"])


def _legs() -> None:
    op.create_table(
        "voice_leg",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("media", sa.String(length=40), nullable=False),
        sa.Column("address", sa.String(length=160), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("muted", sa.Boolean(), nullable=False),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("mode", sa.String(length=8), nullable=False),
        sa.Column("quality", _json(), nullable=False),
        sa.Column("began_at", UTCDateTime(), nullable=False),
        sa.Column("joined_at", UTCDateTime(), nullable=True),
        sa.Column("left_at", UTCDateTime(), nullable=True),
        sa.Column("cause", sa.String(length=16), nullable=False),
        _to("voice_leg", "call_id", "voice_call", "CASCADE"),
        _to("voice_leg", "user_id", "user", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voice_leg")),
        sa.UniqueConstraint("key", name=op.f("uq_voice_leg_key")),
    )
    op.create_index(op.f("ix_voice_leg_call_id"), "voice_leg", ["call_id"])
    op.create_index("ix_voice_leg_user_id_id", "voice_leg", ["user_id", "id"])
    there = {"sqlite_where": THERE, "postgresql_where": THERE}
    op.create_index("uq_voice_leg_there", "voice_leg", ["call_id", "user_id"], unique=True, **there)
    op.create_index("ix_voice_leg_user_there", "voice_leg", ["user_id"], **there)
    op.create_index("ix_voice_leg_media_there", "voice_leg", ["media"], **there)


def _phones() -> None:
    op.create_table(
        "voice_phone",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("way", sa.String(length=8), nullable=False),
        sa.Column("address", sa.String(length=160), nullable=False),
        sa.Column("nailed", sa.Boolean(), nullable=False),
        sa.Column("auto_answer", sa.Boolean(), nullable=False),
        sa.Column("media", sa.String(length=40), nullable=True),
        sa.Column("up", sa.Boolean(), nullable=False),
        sa.Column("process", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("since", UTCDateTime(), nullable=False),
        _to("voice_phone", "user_id", "user", "CASCADE"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_voice_phone")),
        sa.UniqueConstraint("media", name=op.f("uq_voice_phone_media")),
    )
