"""voice: calls and their legs"""

revision = "voice_0001"
down_revision = None
branch_labels = ("voice",)
depends_on = None


def upgrade() -> None:
    """Calls and their legs."""
