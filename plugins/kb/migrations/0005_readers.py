"""kb: readers"""

revision = "kb_0005"
down_revision = "kb_0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing yet."""


def downgrade() -> None:
    raise NotImplementedError("restore a backup: going back would lose data")
