"""voice: menus, greetings, messages, recordings, rules"""

revision = "voice_0002"
down_revision = "voice_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Menus, greetings, messages, recordings, rules."""
