"""A centre for tests of routing: its people and services, visitors who write by chat, agents who answer over the API."""

from __future__ import annotations

import json
import secrets
import sqlite3
import urllib.request
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.support.okno_process import Served
from tests.support.waiting import wait_until

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CHATS = {"chat": {"push": 2, "limit": 2}}


@dataclass
class RoutingHouse:
    """The home of a centre with agents anna, boris and vera; ``secrets`` are their tokens."""

    home: Path
    secrets: dict[str, str] = field(default_factory=dict)
    users: dict[str, int] = field(default_factory=dict)

    def furnish(self) -> None:
        """Settings, tables, people and five services: tax (a skill that relaxes), site (overflow), closed, known, lines."""
        from core import calendars, directory, services, tokens
        from core.app import create_app
        from core.db import db, transaction
        from core.migrate import upgrade
        from core.model import Service, ServiceSkill, ServiceTeam, Skill, Team, User, UserSkill

        text = "[core]\nplugins = ['chat']\n[routing]\noffer_again_seconds = 30\ngrace_seconds = 600\n"
        (self.home / "okno.toml").write_text(text, "utf-8")
        app = create_app(self.home, check_schema=False)
        upgrade(app)
        with app.app_context():
            directory.ensure_roles()
            teams = {key: directory.add_team(key, key.title(), key.title()).id for key in ("first", "night", "second")}
            members = {"anna": ["first"], "boris": ["first", "second"], "vera": ["night"]}
            for login, keys in members.items():
                self.users[login] = directory.add_user(login, login.title(), teams=keys).id
            for key in ("tax", "site", "closed", "known", "lines", "plain"):
                made = services.add_service(key, key.title(), key.title(), teams=["first"])
                services.add_entry(made.id, "chat", key)
                services.update_service(made.id, offer_seconds=30, disposition_required=False)
            far = DAYS[(datetime.now(UTC) + timedelta(days=3)).weekday()]
            calendars.add_calendar("far", "Far", "Нескоро", {"zone": "UTC", "weekly": {far: ["10:00-11:00"]}})
            with transaction():
                for team in db.session.scalars(db.select(Team)):
                    team.capacity, team.after_reject, team.after_no_answer = CHATS, "ready", "ready"
                by_key = {row.key: row for row in db.session.scalars(db.select(Service))}
                tax = Skill(key="tax", title_en="Tax", title_ru="Налоги")
                db.session.add(tax)
                db.session.flush()
                asked = {"level": 5, "relax_seconds": 1, "floor": 3}
                db.session.add(ServiceSkill(service_id=by_key["tax"].id, skill_id=tax.id, **asked))
                db.session.add(UserSkill(user_id=self.users["boris"], skill_id=tax.id, level=3))
                db.session.execute(db.delete(ServiceTeam).where(ServiceTeam.service_id == by_key["site"].id))
                db.session.add(ServiceTeam(service_id=by_key["site"].id, team_id=teams["second"]))
                db.session.add(ServiceTeam(service_id=by_key["site"].id, team_id=teams["night"], after_seconds=2))
                db.session.add(ServiceTeam(service_id=by_key["lines"].id, team_id=teams["second"], line=2))
                by_key["closed"].calendar_key = "far"
                by_key["known"].last_agent_seconds = 2
            for login, user_id in self.users.items():
                db.session.expire_all()
                scopes = sorted(tokens.scopes(db.session.get_one(User, user_id)))
                self.secrets[login] = tokens.create(user_id, "test", scopes)[1]
            db.session.remove()
            db.engine.dispose()

    def rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """What a statement gives, read beside the running centre."""
        with closing(sqlite3.connect(f"file:{self.home / 'okno.db'}?mode=ro", uri=True, timeout=10)) as connection:
            return connection.execute(statement, values).fetchall()


@dataclass(frozen=True)
class Visitor:
    """Somebody on the website."""

    served: Served
    token: str

    @classmethod
    def comes(cls, served: Served) -> Visitor:
        return cls(served, _asked(f"{served.url}/chat/session", "POST", {})["token"])

    def writes(self, entry: str, text: str = "Здравствуйте") -> None:
        """A first message opens a conversation with the service of ``entry``."""
        said = {"id": secrets.token_hex(8), "text": text, "entry": entry, "name": text}
        _asked(f"{self.served.url}/chat/messages", "POST", said, self.token)


@dataclass(frozen=True)
class Agent:
    """An agent at a program of her own."""

    served: Served
    house: RoutingHouse
    login: str

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Call the API; raises ``urllib.error.HTTPError``."""
        return _asked(f"{self.served.url}/api/v1{path}", method, body, self.house.secrets[self.login])

    def state(self, state: str = "") -> str:
        """Set the state, or ask for it."""
        if state:
            self.ask("PUT", "/me/state", {"state": state})
        return str(self.ask("GET", "/me/state")["state"])

    def rings(self) -> dict[str, Any]:
        """The offer that rings, as soon as one does."""
        wait_until(self.hears, 60, "an offer")
        [offer] = self.ask("GET", "/offers")["items"]
        return dict(offer)

    def hears(self) -> bool:
        """Whether anything rings; asked of the data base, for the API counts how often it is asked."""
        open_one = "SELECT 1 FROM offer WHERE agent_id = ? AND outcome IS NULL"
        return bool(self.house.rows(open_one, self.house.users[self.login]))

    def accepts(self, offer: dict[str, Any]) -> int:
        """The interaction that is now hers."""
        return int(self.ask("POST", f"/offers/{offer['id']}/accept")["id"])


def _asked(url: str, method: str, body: Any, secret: str = "") -> Any:
    sent = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {secret}"} if secret else {})
    raw = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, raw, sent, method=method)
    with urllib.request.urlopen(request, timeout=30) as response:
        answer = response.read()
    return json.loads(answer) if answer else None
