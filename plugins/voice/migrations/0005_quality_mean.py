"""voice: the mean of what was measured of a connection"""

import sqlalchemy as sa
from alembic import op

revision = "voice_0005"
down_revision = "voice_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Of calls before this only the last and the worst figures are known."""
    op.add_column("voice_leg", sa.Column("mean_loss", sa.Double(), nullable=True))
    op.add_column("voice_leg", sa.Column("mean_jitter", sa.Double(), nullable=True))
    op.add_column("voice_leg", sa.Column("samples", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    raise NotImplementedError("restore a backup: going back would lose data")
