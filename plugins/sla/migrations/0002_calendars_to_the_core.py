"""sla: calendars belong to the core"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "sla_0002"
down_revision = "sla_0001"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(astext_type=sa.Text()), "postgresql")


def _columns(name: str) -> sa.TableClause:
    columns = [sa.column(column, sa.String()) for column in ("key", "title_en", "title_ru")]
    return sa.table(name, *columns, sa.column("settings", JSON))


def upgrade() -> None:
    ours, theirs = _columns("sla_calendar"), _columns("calendar")
    names = ("key", "title_en", "title_ru", "settings")
    missing = sa.select(*(ours.c[name] for name in names)).where(ours.c.key.not_in(sa.select(theirs.c.key)))
    op.execute(theirs.insert().from_select(names, missing))
    op.drop_table("sla_calendar")


def downgrade() -> None:
    raise NotImplementedError("restore a backup: the calendars are the core's")
