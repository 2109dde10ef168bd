"""bot: rules of services"""

import sqlalchemy as sa
from alembic import op

revision = "bot_0001"
down_revision = None
branch_labels = ("bot",)
depends_on = None


def upgrade() -> None:
    """How the bot behaves in a service."""
    op.create_table(
        "bot_rule",
        sa.Column("service_id", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("greeting_ru", sa.String(length=500), nullable=False),
        sa.Column("greeting_en", sa.String(length=500), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["service_id"], ["service.id"], name=op.f("fk_bot_rule_service_id_service"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("service_id", name=op.f("pk_bot_rule")),
    )


def downgrade() -> None:
    """No rules."""
    op.drop_table("bot_rule")
