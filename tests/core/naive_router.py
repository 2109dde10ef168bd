"""The router's decision by looking at everything each time: slow, short, and right by reading it."""

from __future__ import annotations

from core.routing.plan import Agent, ServiceRules, Waiting


class Naive:
    """The same decision by looking at everything each time."""

    def __init__(self, rules: list[ServiceRules]) -> None:
        self.rules = {one.id: one for one in rules}
        self.agents: dict[int, Agent] = {}
        self.waiting: dict[int, Waiting] = {}

    def decide(self, now: int) -> tuple[int, int] | None:
        for item in sorted(self.waiting.values(), key=lambda item: (-item.priority, item.queued_at, item.id)):
            able = [one for one in self.agents.values() if self.may(item, one, now) and self.room(one, item.channel)]
            only = self.only(item, now)
            able = [one for one in able if only in (None, one.id)]
            if able:
                rules = self.rules[item.service]
                last = item.preferred if rules.prefers_last_agent else None
                chosen = min(able, key=lambda one: (one.id != last, *self.merit(rules, one), one.idle_since, one.id))
                return item.id, chosen.id
        return None

    def merit(self, rules: ServiceRules, one: Agent) -> tuple[int, ...]:
        if rules.agent_choice == "most_skilled":
            return (-sum(one.skills.get(rule.skill, 0) for rule in rules.skills),)
        return (one.handled_today,) if rules.agent_choice == "fewest_handled" else ()

    def only(self, item: Waiting, now: int) -> int | None:
        rules, last = self.rules[item.service], self.agents.get(item.preferred or 0)
        alone = rules.prefers_last_agent and now - item.began < rules.last_agent_seconds
        return last.id if alone and last is not None and self.may(item, last, now) else None

    def may(self, item: Waiting, one: Agent, now: int) -> bool:
        if item.declined.get(one.id, 0) > now:
            return False
        rules, waited = self.rules[item.service], now - item.began
        if not rules.push:
            return False
        other = self.rules.get(rules.overflow or 0)
        over = other is not None and (
            0 < rules.overflow_seconds <= waited or (not rules.is_open and rules.closed_action == "overflow")
        )
        waits = not rules.is_open and (
            rules.closed_action == "wait" or (rules.closed_action == "overflow" and not other)
        )
        if waits:
            return False
        if (rules.is_open or rules.closed_action == "offer") and self.serves(rules, item.line, item.team, one, waited):
            return True
        return bool(
            over and (other.is_open or other.closed_action == "offer") and self.serves(other, 1, None, one, waited)
        )

    def serves(self, rules: ServiceRules, line: int, team: int | None, one: Agent, waited: int) -> bool:
        teams = {rule.team for rule in rules.teams if rule.line == line and rule.after_seconds <= waited}
        if not ({team} if team else teams) & one.teams:
            return False
        for rule in rules.skills:
            level = rule.level
            if rule.relax_seconds:
                level = max(min(rule.level, rule.floor), level - max(waited, 0) // rule.relax_seconds)
            if one.skills.get(rule.skill, 0) < level:
                return False
        return True

    def room(self, one: Agent, channel: str) -> bool:
        others = {name for name, number in one.in_hand.items() if number and name != channel}
        mixes = not others or any({channel, *others} <= set(group) for group in one.mix)
        return one.available and mixes and one.in_hand.get(channel, 0) < one.capacity.get(channel, 1)
