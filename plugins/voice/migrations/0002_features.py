"""voice: menus, messages, voicemail, recordings, registration of calls, callbacks, lines"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from core.db import UTCDateTime

revision = "voice_0002"
down_revision = "voice_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What is told to callers and kept of calls."""
    _messages()
    _menus()
    _voicemail()
    _recordings()
    _registration()
    _lines()


def _json() -> sa.JSON:
    return sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def _messages() -> None:
    op.create_table(
        "voice_message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=True),
        sa.Column("owner_id", sa.Integer(), nullable=True),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("peaks", _json(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["user.id"], name=op.f("fk_voice_message_owner_id_user"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["sha256"], ["stored_file.sha256"], name=op.f("fk_voice_message_sha256_stored_file")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voice_message")),
        sa.UniqueConstraint("key", name=op.f("uq_voice_message_key")),
    )
    op.create_index(op.f("ix_voice_message_owner_id"), "voice_message", ["owner_id"], unique=False)
    op.create_index(op.f("ix_voice_message_sha256"), "voice_message", ["sha256"], unique=False)
    op.create_table(
        "voice_choice",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("greeting_id", sa.Integer(), nullable=True),
        sa.Column("machine_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["greeting_id"],
            ["voice_message.id"],
            name=op.f("fk_voice_choice_greeting_id_voice_message"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["machine_id"],
            ["voice_message.id"],
            name=op.f("fk_voice_choice_machine_id_voice_message"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_voice_choice_user_id_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_voice_choice")),
    )
    op.create_index(op.f("ix_voice_choice_greeting_id"), "voice_choice", ["greeting_id"], unique=False)
    op.create_index(op.f("ix_voice_choice_machine_id"), "voice_choice", ["machine_id"], unique=False)
    op.create_table(
        "voice_rule",
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.Column("record", sa.String(length=6), nullable=False),
        sa.Column("consent_id", sa.Integer(), nullable=True),
        sa.Column("keep_days", sa.Integer(), nullable=False),
        sa.Column("welcome_id", sa.Integer(), nullable=True),
        sa.Column("music_id", sa.Integer(), nullable=True),
        sa.Column("callback", sa.Boolean(), nullable=False),
        sa.Column("voicemail_seconds", sa.Integer(), nullable=False),
        sa.Column("closed_voicemail", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["consent_id"],
            ["voice_message.id"],
            name=op.f("fk_voice_rule_consent_id_voice_message"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["music_id"], ["voice_message.id"], name=op.f("fk_voice_rule_music_id_voice_message"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["service_id"], ["service.id"], name=op.f("fk_voice_rule_service_id_service"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["welcome_id"],
            ["voice_message.id"],
            name=op.f("fk_voice_rule_welcome_id_voice_message"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("service_id", name=op.f("pk_voice_rule")),
    )
    op.create_index(op.f("ix_voice_rule_consent_id"), "voice_rule", ["consent_id"], unique=False)
    op.create_index(op.f("ix_voice_rule_music_id"), "voice_rule", ["music_id"], unique=False)
    op.create_index(op.f("ix_voice_rule_welcome_id"), "voice_rule", ["welcome_id"], unique=False)


def _menus() -> None:
    op.create_table(
        "voice_menu",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("title_en", sa.String(length=120), nullable=False),
        sa.Column("title_ru", sa.String(length=120), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("document", _json(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated_at", UTCDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voice_menu")),
        sa.UniqueConstraint("key", name=op.f("uq_voice_menu_key")),
    )
    op.create_table(
        "voice_menu_number",
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("menu_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["menu_id"], ["voice_menu.id"], name=op.f("fk_voice_menu_number_menu_id_voice_menu"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_voice_menu_number")),
    )
    op.create_index(op.f("ix_voice_menu_number_menu_id"), "voice_menu_number", ["menu_id"], unique=False)


def _voicemail() -> None:
    op.create_table(
        "voicemail_box",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("service_id", sa.Integer(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("email_as", sa.String(length=10), nullable=False),
        sa.ForeignKeyConstraint(
            ["service_id"], ["service.id"], name=op.f("fk_voicemail_box_service_id_service"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_voicemail_box_user_id_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voicemail_box")),
        sa.UniqueConstraint("service_id", name=op.f("uq_voicemail_box_service_id")),
        sa.UniqueConstraint("user_id", name=op.f("uq_voicemail_box_user_id")),
    )
    op.create_table(
        "voicemail_greeting",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("box_id", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("peaks", _json(), nullable=False),
        sa.ForeignKeyConstraint(
            ["box_id"],
            ["voicemail_box.id"],
            name=op.f("fk_voicemail_greeting_box_id_voicemail_box"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["sha256"], ["stored_file.sha256"], name=op.f("fk_voicemail_greeting_sha256_stored_file")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voicemail_greeting")),
    )
    op.create_index(op.f("ix_voicemail_greeting_box_id"), "voicemail_greeting", ["box_id"], unique=False)
    op.create_index(op.f("ix_voicemail_greeting_sha256"), "voicemail_greeting", ["sha256"], unique=False)
    op.create_index(
        "uq_voicemail_greeting_active",
        "voicemail_greeting",
        ["box_id"],
        unique=True,
        sqlite_where=sa.text("active"),
        postgresql_where=sa.text("active"),
    )
    op.create_table(
        "voicemail",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("box_id", sa.Integer(), nullable=False),
        sa.Column("call_id", sa.Integer(), nullable=True),
        sa.Column("case_id", sa.Integer(), nullable=True),
        sa.Column("number", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=6), nullable=False),
        sa.Column("path", sa.String(length=500), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("peaks", _json(), nullable=False),
        sa.Column("created_at", UTCDateTime(), nullable=False),
        sa.Column("heard_at", UTCDateTime(), nullable=True),
        sa.Column("heard_by_id", sa.Integer(), nullable=True),
        sa.Column("expires_at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["box_id"], ["voicemail_box.id"], name=op.f("fk_voicemail_box_id_voicemail_box"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["call_id"], ["voice_call.id"], name=op.f("fk_voicemail_call_id_voice_call"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["case_id"], ["case.id"], name=op.f("fk_voicemail_case_id_case"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["heard_by_id"], ["user.id"], name=op.f("fk_voicemail_heard_by_id_user"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["sha256"], ["stored_file.sha256"], name=op.f("fk_voicemail_sha256_stored_file")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voicemail")),
        sa.UniqueConstraint("key", name=op.f("uq_voicemail_key")),
    )
    op.create_index("ix_voicemail_box_id_id", "voicemail", ["box_id", "id"], unique=False)
    op.create_index(op.f("ix_voicemail_call_id"), "voicemail", ["call_id"], unique=False)
    op.create_index(op.f("ix_voicemail_case_id"), "voicemail", ["case_id"], unique=False)
    op.create_index(op.f("ix_voicemail_expires_at"), "voicemail", ["expires_at"], unique=False)
    op.create_index(op.f("ix_voicemail_heard_by_id"), "voicemail", ["heard_by_id"], unique=False)
    op.create_index(
        "ix_voicemail_raw",
        "voicemail",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state = 'raw'"),
        postgresql_where=sa.text("state = 'raw'"),
    )
    op.create_index(op.f("ix_voicemail_sha256"), "voicemail", ["sha256"], unique=False)
    op.create_table(
        "voice_forwarding",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("occasion", sa.String(length=10), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("seconds", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_voice_forwarding_user_id_user"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "occasion", name=op.f("pk_voice_forwarding")),
    )


def _recordings() -> None:
    op.create_table(
        "voice_recording",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=True),
        sa.Column("service_id", sa.Integer(), nullable=True),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("path", sa.String(length=500), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("peaks", _json(), nullable=False),
        sa.Column("pauses", _json(), nullable=False),
        sa.Column("paused_at", UTCDateTime(), nullable=True),
        sa.Column("failure", sa.String(length=300), nullable=False),
        sa.Column("started_at", UTCDateTime(), nullable=False),
        sa.Column("expires_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["call_id"], ["voice_call.id"], name=op.f("fk_voice_recording_call_id_voice_call"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["case.id"], name=op.f("fk_voice_recording_case_id_case"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["service_id"], ["service.id"], name=op.f("fk_voice_recording_service_id_service"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["sha256"], ["stored_file.sha256"], name=op.f("fk_voice_recording_sha256_stored_file")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user.id"], name=op.f("fk_voice_recording_user_id_user"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voice_recording")),
        sa.UniqueConstraint("key", name=op.f("uq_voice_recording_key")),
    )
    op.create_index(op.f("ix_voice_recording_call_id"), "voice_recording", ["call_id"], unique=False)
    op.create_index(op.f("ix_voice_recording_case_id"), "voice_recording", ["case_id"], unique=False)
    op.create_index(op.f("ix_voice_recording_expires_at"), "voice_recording", ["expires_at"], unique=False)
    op.create_index(
        "ix_voice_recording_raw",
        "voice_recording",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state = 'raw'"),
        postgresql_where=sa.text("state = 'raw'"),
    )
    op.create_index(op.f("ix_voice_recording_service_id"), "voice_recording", ["service_id"], unique=False)
    op.create_index(op.f("ix_voice_recording_sha256"), "voice_recording", ["sha256"], unique=False)
    op.create_index(op.f("ix_voice_recording_started_at"), "voice_recording", ["started_at"], unique=False)
    op.create_index(op.f("ix_voice_recording_user_id"), "voice_recording", ["user_id"], unique=False)


def _registration() -> None:
    op.create_table(
        "voice_call_link",
        sa.Column("call_id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("by_id", sa.Integer(), nullable=True),
        sa.Column("at", UTCDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["by_id"], ["user.id"], name=op.f("fk_voice_call_link_by_id_user"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["call_id"], ["voice_call.id"], name=op.f("fk_voice_call_link_call_id_voice_call"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["case.id"], name=op.f("fk_voice_call_link_case_id_case"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_voice_call_link")),
    )
    op.create_index(op.f("ix_voice_call_link_by_id"), "voice_call_link", ["by_id"], unique=False)
    op.create_index(op.f("ix_voice_call_link_case_id"), "voice_call_link", ["case_id"], unique=False)
    op.create_table(
        "voice_callback",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("interaction_id", sa.Integer(), nullable=False),
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("wanted_at", UTCDateTime(), nullable=False),
        sa.Column("called_at", UTCDateTime(), nullable=True),
        sa.Column("ended_at", UTCDateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["interaction_id"],
            ["interaction.id"],
            name=op.f("fk_voice_callback_interaction_id_interaction"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["service_id"], ["service.id"], name=op.f("fk_voice_callback_service_id_service"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voice_callback")),
    )
    op.create_index(op.f("ix_voice_callback_service_id"), "voice_callback", ["service_id"], unique=False)
    op.create_index("ix_voice_callback_state_wanted_at", "voice_callback", ["state", "wanted_at"], unique=False)
    op.create_index(
        "uq_voice_callback_open",
        "voice_callback",
        ["interaction_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('waiting', 'calling')"),
        postgresql_where=sa.text("state IN ('waiting', 'calling')"),
    )


def _lines() -> None:
    op.create_table(
        "voice_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("title_en", sa.String(length=120), nullable=False),
        sa.Column("title_ru", sa.String(length=120), nullable=False),
        sa.Column("product", sa.String(length=160), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("service_id", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["service_id"], ["service.id"], name=op.f("fk_voice_line_service_id_service"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voice_line")),
        sa.UniqueConstraint("key", name=op.f("uq_voice_line_key")),
    )
    op.create_index(op.f("ix_voice_line_product"), "voice_line", ["product"], unique=False)
    op.create_index(op.f("ix_voice_line_service_id"), "voice_line", ["service_id"], unique=False)
    op.create_table(
        "voice_line_team",
        sa.Column("line_id", sa.Integer(), nullable=False),
        sa.Column("team_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["line_id"], ["voice_line.id"], name=op.f("fk_voice_line_team_line_id_voice_line"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["team_id"], ["team.id"], name=op.f("fk_voice_line_team_team_id_team"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("line_id", "team_id", name=op.f("pk_voice_line_team")),
    )
    op.create_index(op.f("ix_voice_line_team_team_id"), "voice_line_team", ["team_id"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("restore a backup: going back would lose data")
