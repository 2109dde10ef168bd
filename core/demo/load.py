"""Load the demo centre into an empty house: a centre that has been at work for two weeks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from sqlalchemy import select

from core import casework, clock, directory, passwords, reasons, timeline
from core.db import db, transaction
from core.demo import case_form, routing
from core.demo.accounts import PASSWORD
from core.house import okno
from core.model import (
    Contact,
    ContactAddress,
    Disposition,
    Interaction,
    Message,
    Organisation,
    Presence,
    Role,
    Service,
    ServiceEntry,
    Team,
    TeamMember,
    User,
    WorkflowDefinition,
    WorkflowVersion,
)

FOLDER = Path(__file__).parent
# As the acknowledgements promise: within two hours.
ANSWERED_WITHIN = 7200
WEIGHTS = {"low": 0, "medium": 0, "high": 50, "critical": 100}
SHOWN_TO_NEWCOMERS = ("a.sokolova", "d.melnikov", "e.orlova", "j.harris", "m.clarke")
CASE_PRIORITIES = ("low", "medium", "high", "critical")


def read(name: str) -> Any:
    """A file of the demo, parsed."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load((FOLDER / name).read_text("utf-8"), loader)  # noqa: S506 -- both are safe loaders


def load_when_empty(say: Callable[[str], None] = lambda _text: None) -> bool:
    """Load the centre if the house has no user yet; True when it did."""
    if db.session.scalar(select(User.id).limit(1)) is not None:
        return False
    say("Loading the demo centre …")
    load()
    return True


def load() -> None:
    """People, services, contacts and cases, then what the plugins add."""
    centre = read("centre.yml")
    directory.ensure_roles()
    reasons.ensure_reasons()
    with transaction():
        people = _people(centre)
        _workflows(centre["workflows"])
        services = _services(centre)
        dispositions = _dispositions(centre["dispositions"], services)
        contacts = _contacts(read("contacts.yml")["contacts"])
        case_form.load(read("case_form.yml"), services)
    now = clock.now()
    cases = sorted(read("cases.yml")["cases"], key=lambda item: -int(item["age_minutes"]))
    with transaction():
        for item in cases:
            _Story(item, now, people, services, dispositions, contacts).tell()
    routing.load(read("routing.yml"), people)
    okno().hooks.load_demo(str(FOLDER))


def _people(centre: Mapping[str, Any]) -> dict[str, User]:
    roles = {role.key: role for role in db.session.scalars(select(Role))}
    teams = {
        t["key"]: Team(key=t["key"], title_en=t["title"]["en"], title_ru=t["title"]["ru"]) for t in centre["teams"]
    }
    db.session.add_all(teams.values())
    password = passwords.hashed(PASSWORD)
    people: dict[str, User] = {}
    for item in centre["users"]:
        user = User(
            login=item["login"],
            email=f"{item['login']}@{centre['company']['domain']}",
            password_hash=password,
            roles=[roles[key] for key in item["roles"]],
            **{name: item[name] for name in ("first_name", "last_name", "nickname")},
        )
        supervised = set(item["supervisor_of"])
        for key in dict.fromkeys([*item["teams"], *supervised]):
            user.memberships.append(TeamMember(team=teams[key], supervisor=key in supervised))
        people[user.login] = user
    db.session.add_all(people.values())
    db.session.flush()
    db.session.add_all(Presence(user_id=user.id) for user in people.values())
    return people


def _workflows(items: list[Mapping[str, Any]]) -> None:
    for item in items:
        definition = WorkflowDefinition(key=item["key"], title_en=item["title"]["en"], title_ru=item["title"]["ru"])
        definition.versions.append(WorkflowVersion(version=1, steps=item["steps"]))
        db.session.add(definition)


def _services(centre: Mapping[str, Any]) -> dict[str, Service]:
    teams = {team.key: team for team in db.session.scalars(select(Team))}
    services: dict[str, Service] = {}
    for position, item in enumerate(centre["services"]):
        service = Service(
            key=item["key"],
            title_en=item["title"]["en"],
            title_ru=item["title"]["ru"],
            language=item["language"],
            priority=WEIGHTS[item["priority"]],
            offer_seconds=item["offer_timeout"],
            wrap_up_seconds=item["wrapup_seconds"],
            target_seconds=ANSWERED_WITHIN,
            disposition_required=item["disposition_required"],
            is_default=position == 0,
            teams=[teams[key] for key in item["teams"]],
            texts={"acknowledgement": item["acknowledgement"]["body"], "signature": item["signature"]},
        )
        service.entries.append(ServiceEntry(channel="email", address=item["email"]))
        for channel in item["channels"]:
            if channel == "chat":
                service.entries.append(ServiceEntry(channel="chat", address="demo" if position == 0 else item["key"]))
            if channel == "voice":
                service.entries.append(ServiceEntry(channel="voice", address=f"+7495000000{position}"))
        services[service.key] = service
    db.session.add_all(services.values())
    db.session.flush()
    return services


def _dispositions(by_service: Mapping[str, Any], services: Mapping[str, Service]) -> dict[str, Disposition]:
    made: dict[str, Disposition] = {}

    def add(item: Mapping[str, Any], service: Service, parent: Disposition | None, position: int) -> None:
        row = Disposition(
            service_id=service.id,
            parent_id=parent.id if parent else None,
            key=item["key"],
            title_en=item["title"]["en"],
            title_ru=item["title"]["ru"],
            closes_case=item["closes"],
            success=item["success"],
            workflow_key=item.get("workflow", ""),
            position=position,
        )
        db.session.add(row)
        db.session.flush()
        made[row.key] = row
        for place, child in enumerate(item.get("children", ())):
            add(child, service, row, place)

    for key, items in by_service.items():
        for place, item in enumerate(items):
            add(item, services[key], None, place)
    return made


def _contacts(items: list[Mapping[str, Any]]) -> dict[str, Contact]:
    organisations: dict[str, Organisation] = {}
    by_email: dict[str, Contact] = {}
    for item in items:
        contact = Contact(
            name=item["name"],
            language=item["language"],
            timezone=item["timezone"],
            note=item.get("note") or "",
            status="vip" if item.get("vip") else "",
        )
        if item["organisation"]:
            name = item["organisation"]["name"]
            known = organisations.setdefault(name, Organisation(name=name, tax_id=item["organisation"]["tax_id"]))
            contact.organisation = known
        contact.addresses = [ContactAddress(kind="email", value=value.lower()) for value in item["emails"]]
        contact.addresses += [ContactAddress(kind="phone", value=value) for value in item["phones"]]
        by_email |= {value.lower(): contact for value in item["emails"]}
        db.session.add(contact)
    db.session.flush()
    return by_email


class _Story:
    """One case told from its first letter to where it stands, each step at its own time."""

    def __init__(
        self,
        item: Mapping[str, Any],
        now: datetime,
        people: Mapping[str, User],
        services: Mapping[str, Service],
        dispositions: Mapping[str, Disposition],
        contacts: Mapping[str, Contact],
    ) -> None:
        self.item = item
        self.began = now - timedelta(minutes=float(item["age_minutes"]))
        self.agent = people.get(item["assignee"] or "")
        self.service = services[item["service"]]
        self.contact = contacts[item["contact"].lower()]
        self.disposition = dispositions.get(item.get("disposition") or "")

    def tell(self) -> None:
        """Write the case, its interaction, messages and end."""
        with clock.at(self.began):
            self.case = casework.create(
                subject=self.item["subject"],
                service=self.service,
                contact=self.contact,
                priority=self.item["priority"],
                language=self.service.language,
                cause="email",
            )
            self.interaction = self._interaction()
        last = self.began
        for number, message in enumerate(self.item["messages"]):
            last = max(last, self.began + timedelta(minutes=float(message["minutes_after"])))
            with clock.at(last):
                self._message(number, message)
        with clock.at(last + timedelta(minutes=1)):
            self._end()

    def _interaction(self) -> Interaction:
        row = Interaction(
            channel="email",
            case_id=self.case.id,
            service_id=self.service.id,
            contact_id=self.contact.id,
            address=self.item["contact"].lower(),
            priority=self.service.priority + 100 * CASE_PRIORITIES.index(self.item["priority"]),
            queued_at=self.began,
            created_at=self.began,
        )
        db.session.add(row)
        db.session.flush()
        timeline.write(self.case.id, "interaction.opened", interaction_id=row.id, channel="email")
        return row

    def _message(self, number: int, item: Mapping[str, Any]) -> None:
        if item["from"] == "note":
            timeline.write(self.case.id, "note", actor_id=self.agent.id if self.agent else None, text=item["text"])
            return
        outgoing = item["from"] == "agent"
        paragraphs = [part.strip() for part in item["text"].split("\n\n")]
        message = Message(
            interaction_id=self.interaction.id,
            case_id=self.case.id,
            source_key=f"demo:{self.case.id}:{number}",
            author="agent" if outgoing else "contact",
            user_id=self.agent.id if outgoing and self.agent else None,
            direction="out" if outgoing else "in",
            subject=self.item["subject"],
            body_text=item["text"],
            body_html="".join(f"<p>{casework.sanitise(part)}</p>" for part in paragraphs).replace("\n", "<br>"),
            delivery="sent" if outgoing else "",
            data={} if outgoing else {"from": self.interaction.address, "from_name": self.contact.name},
            at=clock.now(),
        )
        db.session.add(message)
        db.session.flush()
        actor = message.user_id
        timeline.write(
            self.case.id, "message", actor_id=actor, interaction_id=self.interaction.id, message_id=message.id
        )
        if outgoing and self.case.first_reply_at is None:
            casework.touch(self.case, first_reply_at=message.at, assignee_id=actor, cause="reply")
        elif not outgoing:
            self.interaction.unread = 1
            casework.touch(self.case, last_contact_at=message.at, cause="contact")

    def _end(self) -> None:
        status, row = self.item["status"], self.interaction
        if status == "queued" or self.agent is None:
            return
        casework.touch(self.case, assignee_id=self.agent.id, cause="taken")
        row.accepted_at, row.unread = clock.now(), 0
        newcomer = status == "assigned" and self.agent.login in SHOWN_TO_NEWCOMERS
        if status == "assigned" and not newcomer:
            row.state, row.agent_id = "active", self.agent.id
            timeline.write(self.case.id, "interaction.taken", actor_id=self.agent.id, interaction_id=row.id)
            return
        row.state, row.agent_id = "closed", self.agent.id
        row.ended_at = row.closed_at = clock.now()
        if self.disposition is not None:
            row.disposition_id = self.disposition.id
            timeline.write(
                self.case.id,
                "disposition",
                actor_id=self.agent.id,
                interaction_id=row.id,
                key=self.disposition.key,
                title_en=self.disposition.title_en,
                title_ru=self.disposition.title_ru,
                comment="",
            )
        if status == "closed":
            casework.close(self.case, cause="disposition", actor_id=self.agent.id)
        else:
            casework.touch(self.case, status="pending", cause="disposition")
