"""core: routing: skills, lines, calendars, pings, states, rules of teams and services"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from core.db import UTCDateTime

revision = "core_0002"
down_revision = "core_0001"
branch_labels = None
depends_on = None


def add_reference(table: str, column: str, other: str, on_delete: str | None) -> None:
    """A column that refers to another table. SQLite takes it only in the column's own words; a copy of the table would cascade."""
    name = f"fk_{table}_{column}_{other}"
    if op.get_bind().dialect.name == "sqlite":
        action = f" ON DELETE {on_delete}" if on_delete else ""
        op.execute(
            f'ALTER TABLE "{table}" ADD COLUMN {column} INTEGER CONSTRAINT {name} REFERENCES "{other}" (id){action}'
        )
        return
    op.add_column(table, sa.Column(column, sa.Integer(), nullable=True))
    op.create_foreign_key(op.f(name), table, other, [column], ["id"], ondelete=on_delete)


def upgrade() -> None:
    add_reference("case", "organisation_id", "organisation", None)
    op.add_column("case", sa.Column("line", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("case", sa.Column("is_duplicate", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("case", sa.Column("is_candidate", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("ix_case_organisation_id", "case", ["organisation_id"])

    op.add_column("interaction", sa.Column("line", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("interaction", sa.Column("help_wanted_at", UTCDateTime(), nullable=True))
    add_reference("interaction", "help_by_id", "user", "SET NULL")
    add_reference("interaction", "team_id", "team", "SET NULL")
    op.add_column(
        "interaction", sa.Column("waiting_since", UTCDateTime(), nullable=False, server_default="2020-01-01 00:00:00")
    )
    op.execute("UPDATE interaction SET waiting_since = queued_at")
    # What a pass of the router reads: the queue of each service, line and channel in its order.
    op.create_index(
        "ix_interaction_waiting",
        "interaction",
        [
            "service_id",
            "line",
            "channel",
            sa.text("priority DESC"),
            "queued_at",
            "id",
            "team_id",
            "waiting_since",
        ],
        sqlite_where=sa.text("state = 'queued'"),
        postgresql_where=sa.text("state = 'queued'"),
    )
    op.create_index(
        "ix_interaction_agent_id_closed_at",
        "interaction",
        ["agent_id", "closed_at"],
        sqlite_where=sa.text("closed_at IS NOT NULL"),
        postgresql_where=sa.text("closed_at IS NOT NULL"),
    )

    op.add_column(
        "presence", sa.Column("active_at", UTCDateTime(), nullable=False, server_default="2020-01-01 00:00:00")
    )
    op.add_column(
        "presence", sa.Column("idle_since", UTCDateTime(), nullable=False, server_default="2020-01-01 00:00:00")
    )
    op.add_column("presence", sa.Column("next_state", sa.String(length=12), nullable=False, server_default=""))
    op.add_column("presence", sa.Column("next_reason", sa.String(length=40), nullable=False, server_default=""))
    op.add_column("presence", sa.Column("next_by_id", sa.Integer(), nullable=True))

    add_reference("presence_change", "actor_id", "user", "SET NULL")
    op.add_column("sign_in", sa.Column("left_at", UTCDateTime(), nullable=True))

    op.add_column("service", sa.Column("calendar_key", sa.String(length=40), nullable=False, server_default=""))
    op.add_column("service", sa.Column("closed_action", sa.String(length=10), nullable=False, server_default="wait"))
    add_reference("service", "overflow_service_id", "service", "SET NULL")
    op.add_column("service", sa.Column("overflow_seconds", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("service", sa.Column("last_agent_seconds", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("service", sa.Column("prefers_last_agent", sa.Boolean(), nullable=False, server_default=sa.true()))
    op.add_column(
        "service", sa.Column("agent_choice", sa.String(length=16), nullable=False, server_default="longest_idle")
    )
    op.add_column("service", sa.Column("target_percent", sa.Integer(), nullable=False, server_default="80"))
    op.add_column("service", sa.Column("target_seconds", sa.Integer(), nullable=False, server_default="60"))

    op.add_column("service_team", sa.Column("line", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("service_team", sa.Column("after_seconds", sa.Integer(), nullable=False, server_default="0"))

    op.add_column(
        "team",
        sa.Column(
            "capacity",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
            server_default="{}",
        ),
    )
    op.add_column(
        "team",
        sa.Column(
            "mix",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
            server_default="[]",
        ),
    )
    op.add_column("team", sa.Column("after_sign_in", sa.String(length=10), nullable=False, server_default=""))
    op.add_column("team", sa.Column("after_work", sa.String(length=10), nullable=False, server_default=""))
    op.add_column("team", sa.Column("after_reject", sa.String(length=10), nullable=False, server_default=""))
    op.add_column("team", sa.Column("after_no_answer", sa.String(length=10), nullable=False, server_default=""))
    op.add_column("team", sa.Column("away_minutes", sa.Integer(), nullable=False, server_default="15"))
    op.add_column("team", sa.Column("break_minutes", sa.Integer(), nullable=False, server_default="60"))
    op.add_column("team", sa.Column("start_url", sa.String(length=300), nullable=False, server_default=""))

    op.add_column("user", sa.Column("phone", sa.String(length=40), nullable=False, server_default=""))
    op.add_column("user", sa.Column("location", sa.String(length=120), nullable=False, server_default=""))
    op.add_column("user", sa.Column("photo_sha", sa.String(length=64), nullable=False, server_default=""))
    op.add_column(
        "user",
        sa.Column(
            "capacity",
            sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"),
            nullable=False,
            server_default="{}",
        ),
    )

    op.create_table(
        "calendar",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("title_en", sa.String(length=120), nullable=False),
        sa.Column("title_ru", sa.String(length=120), nullable=False),
        sa.Column(
            "settings", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar")),
        sa.UniqueConstraint("key", name=op.f("uq_calendar_key")),
    )

    op.create_table(
        "skill",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("title_en", sa.String(length=120), nullable=False),
        sa.Column("title_ru", sa.String(length=120), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_skill")),
        sa.UniqueConstraint("key", name=op.f("uq_skill_key")),
    )

    op.create_table(
        "state_reason",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("title_en", sa.String(length=80), nullable=False),
        sa.Column("title_ru", sa.String(length=80), nullable=False),
        sa.Column("icon", sa.String(length=40), nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("is_break", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_state_reason")),
        sa.UniqueConstraint("key", name=op.f("uq_state_reason_key")),
    )

    op.create_table(
        "ping_target",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("title_en", sa.String(length=120), nullable=False),
        sa.Column("title_ru", sa.String(length=120), nullable=False),
        sa.Column("team_id", sa.Integer(), nullable=True),
        sa.Column(
            "fields", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("target_seconds", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["team_id"], ["team.id"], name=op.f("fk_ping_target_team_id_team"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ping_target")),
        sa.UniqueConstraint("key", name=op.f("uq_ping_target_key")),
    )

    op.create_table(
        "service_skill",
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.Column("skill_id", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("relax_seconds", sa.Integer(), nullable=False),
        sa.Column("floor", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["service_id"], ["service.id"], name=op.f("fk_service_skill_service_id_service"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["skill_id"], ["skill.id"], name=op.f("fk_service_skill_skill_id_skill"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("service_id", "skill_id", name=op.f("pk_service_skill")),
    )
    with op.batch_alter_table("service_skill", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_service_skill_skill_id"), ["skill_id"], unique=False)

    op.create_table(
        "support_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title_en", sa.String(length=120), nullable=False),
        sa.Column("title_ru", sa.String(length=120), nullable=False),
        sa.Column("take_seconds", sa.Integer(), nullable=False),
        sa.Column("solve_seconds", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["service_id"], ["service.id"], name=op.f("fk_support_line_service_id_service"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_support_line")),
        sa.UniqueConstraint("service_id", "number", name=op.f("uq_support_line_service_id_number")),
    )

    op.create_table(
        "user_skill",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("skill_id", sa.Integer(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["skill_id"], ["skill.id"], name=op.f("fk_user_skill_skill_id_skill"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_user_skill_user_id_user"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", "skill_id", name=op.f("pk_user_skill")),
    )
    with op.batch_alter_table("user_skill", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_user_skill_skill_id"), ["skill_id"], unique=False)

    op.create_table(
        "line_stay",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("entered_at", UTCDateTime(), nullable=False),
        sa.Column("taken_at", UTCDateTime(), nullable=True),
        sa.Column("left_at", UTCDateTime(), nullable=True),
        sa.Column("moved_by_id", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_line_stay_case_id_case"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["moved_by_id"], ["user.id"], name=op.f("fk_line_stay_moved_by_id_user"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_stay")),
    )
    with op.batch_alter_table("line_stay", schema=None) as batch_op:
        batch_op.create_index("ix_line_stay_case_id_id", ["case_id", "id"], unique=False)
        batch_op.create_index("ix_line_stay_entered_at", ["entered_at"], unique=False)

    op.create_table(
        "ping",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("interaction_id", sa.Integer(), nullable=True),
        sa.Column("target_id", sa.Integer(), nullable=False),
        sa.Column("asked_by_id", sa.Integer(), nullable=False),
        sa.Column("answered_by_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column(
            "values", sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql"), nullable=False
        ),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("asked_at", UTCDateTime(), nullable=False),
        sa.Column("taken_at", UTCDateTime(), nullable=True),
        sa.Column("answered_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["answered_by_id"], ["user.id"], name=op.f("fk_ping_answered_by_id_user")),
        sa.ForeignKeyConstraint(["asked_by_id"], ["user.id"], name=op.f("fk_ping_asked_by_id_user")),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_ping_case_id_case"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["interaction_id"], ["interaction.id"], name=op.f("fk_ping_interaction_id_interaction"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["target_id"], ["ping_target.id"], name=op.f("fk_ping_target_id_ping_target")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ping")),
    )
    with op.batch_alter_table("ping", schema=None) as batch_op:
        batch_op.create_index("ix_ping_answered_by_id_state", ["answered_by_id", "state"], unique=False)
        batch_op.create_index("ix_ping_asked_at", ["asked_at"], unique=False)
        batch_op.create_index("ix_ping_asked_by_id_id", ["asked_by_id", "id"], unique=False)
        batch_op.create_index("ix_ping_case_id_id", ["case_id", "id"], unique=False)
        batch_op.create_index("ix_ping_state_target_id_asked_at", ["state", "target_id", "asked_at"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("restore a backup: going back would lose data")
