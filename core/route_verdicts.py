"""What the router thinks of a service and of each agent, in words. Pure: :mod:`core.route_check` gathers what it looks at."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from zoneinfo import ZoneInfo

from core import calendars
from core.contracts import Text
from core.house import okno
from core.model import Presence, Service, Team, User
from core.presence import BUSY, NOT_READY, OFFLINE, READY
from core.routing.capacity import capacity_of, has_room, mix_of, usual
from core.routing.rules import FEWEST_HANDLED, MOST_SKILLED, OFFER, Requirement, ServiceRules, Way
from core.team_rules import label_of

STATES = {
    "ringing": Text("an offer is ringing for them already", "ему уже показано другое предложение"),
    "wrap_up": Text("is in wrap-up", "в постобработке"),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing the router looks at; ``ok`` False when it stops there."""

    ok: bool
    text: Text


@dataclass(frozen=True, slots=True)
class Verdict:
    """One agent: able to get it, or the first reason why not. ``chosen`` marks the one who would get it."""

    user_id: int
    login: str
    name: str
    ok: bool
    text: Text
    chosen: bool = False


@dataclass(slots=True)
class Person:
    """An agent with what the router knows."""

    user: User
    teams: dict[int, Team]
    skills: dict[int, int] = field(default_factory=dict)
    presence: Presence | None = None
    in_hand: Counter[str] = field(default_factory=Counter)
    handled_today: int = 0


@dataclass(frozen=True, slots=True)
class Titles:
    """What things are called, by id; reasons by key."""

    skills: Mapping[int, Text]
    teams: Mapping[int, Text]
    services: Mapping[int, Text]
    reasons: Mapping[str, Text]


def answer(steps: Sequence[Step], agents: Sequence[Verdict]) -> Text:
    """The result in a sentence."""
    if agents and agents[0].chosen:
        name = agents[0].name
        return Text(f"{name} would get it now.", f"Сейчас его получит {name}.")
    stopped = next((step.text for step in steps if not step.ok), None)
    if stopped is not None:
        return Text(f"Nobody would get it now. {stopped.en}", f"Сейчас его не получит никто. {stopped.ru}")
    return Text("Nobody would get it now: it waits in the queue.", "Сейчас его не получит никто: оно ждёт в очереди.")


def span(seconds: float) -> str:
    """Seconds as 00:02:00."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest:02}"


@dataclass(frozen=True, slots=True)
class Judge:
    """Weighs one interaction of a service: its channel, line and waiting (seconds), who declined it."""

    rules: Mapping[int, ServiceRules]
    service: int
    asked: Requirement
    channel: str
    line: int
    waited: int
    declined: frozenset[int]
    titles: Titles

    # --- the service

    @property
    def own(self) -> ServiceRules:
        """The rules of the service itself."""
        return self.rules[self.service]

    def steps(self, at: datetime, service: Service) -> list[Step]:
        """Hours, push, teams, skills, overflow, in the order of the router."""
        steps = [self._hours(at, service)]
        if not self.own.push:
            text = Text(
                "Agents take from the queue by themselves: nothing is offered.",
                "Операторы берут из очереди сами: система ничего не предлагает.",
            )
            return [*steps, Step(False, text)]
        return [*steps, *self._teams(), *self._skills(), *self._overflow()]

    def _hours(self, at: datetime, service: Service) -> Step:
        if not service.calendar_key:
            return Step(True, Text("Open around the clock.", "Работает круглосуточно."))
        change = calendars.next_change(service.calendar_key, at)
        zone = calendars.get(service.calendar_key).calendar.zone if calendars.is_known(service.calendar_key) else None
        when = _moment(change.astimezone(zone)) if change else None
        if self.own.is_open:
            return Step(
                True, Text(f"Open until {when.en}.", f"Открыт до {when.ru}.") if when else Text("Open.", "Открыт.")
            )
        closed = Text(f"Closed until {when.en}", f"Закрыт до {when.ru}") if when else Text("Closed", "Закрыт")
        if self.own.closed_action == OFFER:
            return Step(
                True, Text(f"{closed.en}, and offered all the same.", f"{closed.ru}, но обращения предлагаются.")
            )
        if self.own.waits_for_opening:
            return Step(
                False, Text(f"{closed.en}: it waits for the opening.", f"{closed.ru}: обращение ждёт открытия.")
            )
        other = self._other_title()
        return Step(True, Text(f"{closed.en}: {other.en} takes over.", f"{closed.ru}: принимает сервис «{other.ru}»."))

    def _other_title(self) -> Text:
        return self.titles.services.get(self.own.overflow or 0, Text("another service", "другой сервис"))

    def _teams(self) -> list[Step]:
        now_teams = sorted({team for way in self.asked for team in way.teams})
        later = [rule for rule in self.own.teams if rule.line == self.line and rule.after_seconds > self.waited]
        steps = []
        if now_teams:
            listed = self._listed(now_teams)
            steps.append(Step(True, Text(f"Teams: {listed.en}.", f"Группы: {listed.ru}.")))
        elif self.own.is_open or self.own.closed_action == OFFER:
            text = Text(
                f"No team serves line {self.line} yet.", f"Линию {self.line} пока не обслуживает ни одна группа."
            )
            steps.append(Step(False, text))
        for rule in later:
            title, wait = self.titles.teams[rule.team], span(rule.after_seconds - self.waited)
            steps.append(
                Step(True, Text(f"«{title.en}» joins in {wait}.", f"Группа «{title.ru}» подключится через {wait}."))
            )
        return steps

    def _listed(self, team_ids: Iterable[int]) -> Text:
        titles = [self.titles.teams.get(team, Text(str(team), str(team))) for team in team_ids]
        return Text(", ".join(title.en for title in titles), ", ".join(f"«{title.ru}»" for title in titles))

    def _skills(self) -> list[Step]:
        steps = []
        for rule in self.own.skills:
            title, level = self.titles.skills[rule.skill], rule.asked(self.waited)
            following = next((step for step in rule.steps() if step > self.waited), None)
            falls = (
                Text(
                    f", one less in {span(following - self.waited)}",
                    f", через {span(following - self.waited)} на единицу меньше",
                )
                if following is not None
                else Text("", "")
            )
            if level <= 0:
                text = Text(f"«{title.en}» is asked for no longer.", f"Навык «{title.ru}» уже не требуется.")
            else:
                text = Text(
                    f"Skill «{title.en}»: {level} or more{falls.en}.", f"Навык «{title.ru}»: от {level}{falls.ru}."
                )
            steps.append(Step(True, text))
        return steps

    def _overflow(self) -> list[Step]:
        if not (self.own.overflow and self.own.overflow_seconds and self.own.is_open):
            return []
        other, left = self._other_title(), self.own.overflow_seconds - self.waited
        if left <= 0:
            return [Step(True, Text(f"«{other.en}» takes over too.", f"Сервис «{other.ru}» тоже принимает."))]
        return [
            Step(
                True,
                Text(
                    f"«{other.en}» takes over in {span(left)}.", f"Сервис «{other.ru}» подключится через {span(left)}."
                ),
            )
        ]

    # --- the agents

    def verdicts(self, people: Sequence[Person]) -> list[Verdict]:
        """Those who may get it first, in the order of the choice, then the others."""
        refusals = {person.user.id: self._refusal(person) for person in people}
        able = sorted((person for person in people if refusals[person.user.id] is None), key=self._order)
        found = [
            Verdict(person.user.id, person.user.login, person.user.name, True, self._why(person, place), place == 0)
            for place, person in enumerate(able)
        ]
        for person in people:
            refusal = refusals[person.user.id]
            if refusal is not None:
                found.append(Verdict(person.user.id, person.user.login, person.user.name, False, refusal))
        return found

    def _order(self, person: Person) -> tuple[float, float, int]:
        idle = person.presence.idle_since.timestamp() if person.presence else 0.0
        if self.own.agent_choice == MOST_SKILLED:
            return (-sum(person.skills.get(rule.skill, 0) for rule in self.own.skills), idle, person.user.id)
        return (person.handled_today if self.own.agent_choice == FEWEST_HANDLED else 0, idle, person.user.id)

    def _why(self, person: Person, place: int) -> Text:
        idle = person.presence.idle_since.astimezone(_zone()).strftime("%H:%M") if person.presence else ""
        facts = {
            MOST_SKILLED: Text("knows most", "знает больше всех"),
            FEWEST_HANDLED: Text(
                f"handled {person.handled_today} today", f"обработано сегодня: {person.handled_today}"
            ),
        }
        fact = facts.get(self.own.agent_choice, Text(f"idle since {idle}", f"свободен с {idle}"))
        return (
            Text(f"first: {fact.en}", f"первый: {fact.ru}")
            if place == 0
            else Text(f"may get it: {fact.en}", f"может получить: {fact.ru}")
        )

    def _refusal(self, person: Person) -> Text | None:
        """The first reason why not, None when there is none; what is in the person's way longest comes first."""
        return (
            self._place(person)
            or self._knowledge(person)
            or self._state(person)
            or self._room(person)
            or self._refused(person)
        )

    def _place(self, person: Person) -> Text | None:
        if any(not way.teams.isdisjoint(person.teams) for way in self.asked):
            return None
        places = [rule for rule in self.own.teams if rule.team in person.teams]
        here = [rule.after_seconds for rule in places if rule.line == self.line]
        if here and min(here) > self.waited:
            wait = span(min(here) - self.waited)
            return Text(f"the team joins in {wait} of waiting", f"группа подключится через {wait} ожидания")
        if places and not here:
            lines = ", ".join(str(line) for line in sorted({rule.line for rule in places}))
            return Text(f"stands on line {lines}", f"стоит на линии {lines}")
        if places:
            return Text("the service is closed or offers nothing", "сервис закрыт или ничего не предлагает")
        return Text("joins only when it overflows", "подключится только при переполнении")

    def _knowledge(self, person: Person) -> Text | None:
        ways = [way for way in self.asked if not way.teams.isdisjoint(person.teams)]
        if any(way.allows(frozenset(person.teams), person.skills) for way in ways):
            return None
        skill, level = self._lacking(ways[0], person)
        title, has = self.titles.skills[skill], person.skills.get(skill, 0)
        enough = self._enough_in(skill, has)
        when = (
            Text(f"; enough in {span(enough)}", f"; хватит через {span(enough)} ожидания")
            if enough is not None
            else Text("; never enough", "; не хватит никогда")
        )
        return Text(f"«{title.en}» {has} of {level}{when.en}", f"навык «{title.ru}»: {has} из {level}{when.ru}")

    def _lacking(self, way: Way, person: Person) -> tuple[int, int]:
        return next((skill, level) for skill, level in way.skills if person.skills.get(skill, 0) < level)

    def _enough_in(self, skill: int, has: int) -> float | None:
        """Seconds until a level of ``has`` is enough, None when it never is."""
        rule = next((rule for rule in self.own.skills if rule.skill == skill), None)
        steps = rule.steps() if rule else []
        return next(
            (step - self.waited for step in steps if rule and rule.asked(step) <= has and step > self.waited), None
        )

    def _state(self, person: Person) -> Text | None:
        presence = person.presence
        if presence is None or presence.state == OFFLINE:
            return Text("is not signed in", "не в системе")
        if presence.state == NOT_READY:
            reason = self.titles.reasons.get(presence.reason, Text(presence.reason, presence.reason))
            since = presence.since.astimezone(_zone()).strftime("%H:%M")
            words = Text(f": {reason.en}", f": {reason.ru}") if presence.reason else Text("", "")
            return Text(f"Not ready{words.en}, since {since}", f"«Не готов»{words.ru}, с {since}")
        if presence.next_state:
            return Text("has asked to stop after this one", "попросил паузу после текущего обращения")
        if presence.state in (READY, BUSY):
            return None
        return STATES.get(presence.state, Text(presence.state, presence.state))

    def _room(self, person: Person) -> Text | None:
        team = person.teams[min(person.teams)]
        channels = okno().channels
        numbers = {
            name: capacity_of(name, person.user.capacity, team.capacity, usual(channel.capabilities))["push"]
            for name, channel in channels.items()
        }
        if has_room(self.channel, person.in_hand, numbers, mix_of(team.mix)):
            return None
        has, most, label = person.in_hand.get(self.channel, 0), numbers.get(self.channel, 1), label_of(self.channel)
        if has >= most:
            return Text(f"busy: {label.en} {has} of {most}", f"занят: {label.ru} {has} из {most}")
        others = [label_of(name) for name, count in person.in_hand.items() if count and name != self.channel]
        english, russian = ", ".join(other.en for other in others), ", ".join(other.ru for other in others)
        return Text(
            f"{label.en} does not mix with what is in hand: {english}",
            f"{label.ru} не смешивается с тем, что в работе: {russian}",
        )

    def _refused(self, person: Person) -> Text | None:
        if person.user.id not in self.declined:
            return None
        pause = span(okno().config.get("routing.offer_again_seconds"))
        return Text(f"declined it less than {pause} ago", f"отказался меньше {pause} назад")


def _moment(at: datetime) -> Text:
    return Text(at.strftime("%a %d %b %H:%M"), at.strftime("%d.%m %H:%M"))


def _zone() -> ZoneInfo:
    return ZoneInfo(okno().config.get("core.timezone"))
