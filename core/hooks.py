"""The typed facade in front of pluggy: one method a hook, isolation inside (see :mod:`core.hookspecs`)."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import nullcontext
from time import perf_counter
from typing import Any

import structlog

from core import contracts as c
from core.db import db, in_transaction
from core.pluginmanager import PluginManager
from core.telephony import Backend

CORE_PREFIX = "core."
log = structlog.get_logger("okno.hooks")


class Hooks:
    """What the core calls. Every method survives any exception of a plugin, save ``Rejected`` from ``before_…``."""

    def __init__(self, plugins: PluginManager) -> None:
        self.plugins = plugins

    def _calls(self, hook: str, arguments: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
        for implementation in self.plugins.implementations(hook):
            name = implementation.plugin_name
            began = perf_counter()
            try:
                with self._savepoint(name):
                    result = implementation.function(*(arguments[key] for key in implementation.argnames))
                if self.plugins.tracing:
                    log.info(
                        "hook",
                        hook=hook,
                        plugin=name,
                        ms=round((perf_counter() - began) * 1000, 2),
                        result=repr(result)[:200],
                    )
            except c.Rejected:
                if hook.startswith("before_"):
                    raise
                continue
            except Exception as error:  # noqa: BLE001 -- isolation: any plugin error is counted, never passed on
                self.plugins.record_fault(name, hook, error)
                continue
            yield name, result

    def _savepoint(self, plugin: str) -> Any:
        if not in_transaction() or plugin.startswith(CORE_PREFIX):
            return nullcontext()
        # It is set when the implementation first speaks to the data base, past the session too (core.db.Work.connection).
        return db.session.begin_nested()

    def _collect(self, hook: str, kind: type, **arguments: Any) -> list[tuple[str, Any]]:
        found: list[tuple[str, Any]] = []
        for name, result in self._calls(hook, arguments):
            for item in result or ():
                if isinstance(item, kind):
                    found.append((name, item))
                else:
                    self.plugins.record_fault(
                        name, hook, TypeError(f"{hook} must return {kind.__name__}, got {item!r}")
                    )
        return found

    def _unique(self, hook: str, kind: type, key: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, item in self._collect(hook, kind):
            if (value := getattr(item, key)) in found:
                self.plugins.record_fault(name, hook, ValueError(f"{kind.__name__} '{value}' is registered already"))
            else:
                found[value] = item
        return found

    def _first(self, hook: str, kind: type, **arguments: Any) -> Any:
        for name, result in self._calls(hook, arguments):
            if isinstance(result, kind):
                return result
            if result is not None:
                self.plugins.record_fault(name, hook, TypeError(f"{hook} must return {kind.__name__}, got {result!r}"))
        return None

    def _run(self, hook: str, **arguments: Any) -> None:
        for _ in self._calls(hook, arguments):
            pass

    # at start
    def models(self) -> list[tuple[str, c.PluginSchema]]:
        return self._collect("register_models", c.PluginSchema)

    def settings(self) -> list[tuple[str, c.Setting]]:
        return self._collect("register_settings", c.Setting)

    def permissions(self) -> dict[str, c.Permission]:
        return self._unique("register_permissions", c.Permission, "name")

    def channels(self) -> dict[str, c.Channel]:
        return self._unique("register_channels", c.Channel, "name")

    def variables(self) -> dict[str, c.Variable]:
        return self._unique("register_variables", c.Variable, "name")

    def workflow_steps(self) -> dict[str, c.WorkflowStep]:
        return self._unique("register_workflow_steps", c.WorkflowStep, "type")

    def search_backends(self) -> dict[str, c.SearchBackend]:
        return self._unique("register_search_backends", c.SearchBackend, "name")

    def person_actions(self) -> dict[str, c.PersonAction]:
        return self._unique("register_person_actions", c.PersonAction, "key")

    def search_sources(self) -> dict[str, c.SearchSource]:
        return self._unique("register_search_sources", c.SearchSource, "kind")

    def outbox_handlers(self) -> dict[str, c.OutboxHandler]:
        return self._unique("register_outbox_handlers", c.OutboxHandler, "kind")

    def jobs(self) -> dict[str, c.Job]:
        return self._unique("register_jobs", c.Job, "id")

    def daemons(self) -> dict[str, c.Daemon]:
        return self._unique("register_daemons", c.Daemon, "name")

    def processes(self) -> dict[str, c.Process]:
        return self._unique("register_processes", c.Process, "name")

    def telephony_backends(self) -> dict[str, Backend]:
        return self._unique("register_telephony_backends", Backend, "name")

    def blueprints(self) -> list[tuple[str, c.BlueprintMount]]:
        return self._collect("register_blueprints", c.BlueprintMount)

    def commands(self) -> list[c.CommandMount]:
        return [mount for _, mount in self._collect("register_commands", c.CommandMount)]

    def translations(self) -> list[str]:
        return [folder for _, folder in self._collect("register_translations", str)]

    def notices(self) -> dict[str, c.NoticeKind]:
        return self._unique("register_notices", c.NoticeKind, "kind")

    def api(self) -> list[tuple[str, c.ApiOperation]]:
        return self._collect("register_api", c.ApiOperation)

    def assets(self) -> list[c.Asset]:
        return [asset for _, asset in self._collect("register_assets", c.Asset)]

    def error_texts(self) -> dict[str, c.ErrorText]:
        return self._unique("register_error_texts", c.ErrorText, "code")

    # channels
    def before_interaction_open(self, inbound: c.Inbound) -> None:
        self._run("before_interaction_open", inbound=inbound)

    def after_interaction_opened(self, interaction: c.InteractionInfo) -> None:
        self._run("after_interaction_opened", interaction=interaction)

    def during_message(self, message: c.MessageInfo) -> None:
        self._run("during_message", message=message)

    def after_interaction_closed(self, interaction: c.InteractionInfo) -> None:
        self._run("after_interaction_closed", interaction=interaction)

    # bots
    def choose_bot(self, inbound: c.Inbound, service: c.ServiceInfo) -> str | None:
        bot: str | None = self._first("choose_bot", str, inbound=inbound, service=service)
        return bot

    def choose_bot_reply(self, turn: c.BotTurn) -> c.BotReply | None:
        reply: c.BotReply | None = self._first("choose_bot_reply", c.BotReply, turn=turn)
        return reply

    def choose_translation(self, text: str, source: str, target: str) -> str | None:
        found: str | None = self._first("choose_translation", str, text=text, source=source, target=target)
        return found

    # routing
    def choose_service(self, inbound: c.Inbound, services: Sequence[c.ServiceInfo]) -> int | None:
        chosen: int | None = self._first("choose_service", int, inbound=inbound, services=services)
        return chosen

    def choose_queue(self, interaction: c.InteractionInfo, service: c.ServiceInfo) -> c.QueuePlace | None:
        place: c.QueuePlace | None = self._first("choose_queue", c.QueuePlace, interaction=interaction, service=service)
        return place

    def agent_scores(
        self, interaction: c.InteractionInfo, agents: Sequence[c.AgentInfo], service: c.ServiceInfo
    ) -> dict[int, float]:
        """The sums of all opinions by agent id; agents of whom nobody said anything are left out."""
        known = {agent.id for agent in agents}
        totals: dict[int, float] = {}
        arguments = {"interaction": interaction, "agents": agents, "service": service}
        for _, score in self._collect("collect_agent_scores", c.AgentScore, **arguments):
            if score.agent_id in known:
                totals[score.agent_id] = totals.get(score.agent_id, 0.0) + score.score
        return totals

    def choose_agent(
        self,
        interaction: c.InteractionInfo,
        agents: Sequence[c.AgentInfo],
        scores: dict[int, float],
        service: c.ServiceInfo,
    ) -> int | None:
        arguments = {"interaction": interaction, "agents": agents, "scores": scores, "service": service}
        chosen: int | None = self._first("choose_agent", int, **arguments)
        return chosen

    def after_assigned(self, interaction: c.InteractionInfo) -> None:
        self._run("after_assigned", interaction=interaction)

    def during_assigned(self, interaction: c.InteractionInfo) -> None:
        self._run("during_assigned", interaction=interaction)

    # dispositions and cases
    def before_disposition(
        self, interaction: c.InteractionInfo, disposition: c.DispositionInfo | None, comment: str
    ) -> None:
        self._run("before_disposition", interaction=interaction, disposition=disposition, comment=comment)

    def after_disposition(self, interaction: c.InteractionInfo, disposition: c.DispositionInfo | None) -> None:
        self._run("after_disposition", interaction=interaction, disposition=disposition)

    def during_case_change(self, change: c.CaseChange) -> None:
        self._run("during_case_change", change=change)

    def before_setup_change(self, change: c.SetupChange) -> None:
        self._run("before_setup_change", change=change)

    def during_setup_change(self, change: c.SetupChange) -> None:
        self._run("during_setup_change", change=change)

    # search
    def extend_search_query(self, query: c.SearchQuery) -> c.SearchQuery:
        return self._first("extend_search_query", c.SearchQuery, query=query) or query

    # desk
    def menu_items(self, context: c.DeskContext) -> list[c.MenuItem]:
        return self._ordered("collect_menu_items", c.MenuItem, context)

    def panels(self, context: c.DeskContext) -> list[c.Panel]:
        return self._ordered("collect_panels", c.Panel, context)

    def controls(self, context: c.DeskContext) -> list[c.Control]:
        return self._ordered("collect_controls", c.Control, context)

    def answer_seconds(self, service_ids: Collection[int]) -> dict[int, int]:
        """How long contacts of these services may wait for an answer; those of which nobody says anything are left out."""
        found: dict[int, int] = {}
        if not service_ids:
            return found
        for _, result in self._calls("collect_answer_seconds", {"service_ids": service_ids}):
            for service_id, seconds in (result or {}).items():
                found[service_id] = min(seconds, found.get(service_id, seconds))
        return found

    def home_tiles(self, context: c.DeskContext) -> list[c.HomeTile]:
        return self._ordered("collect_home_tiles", c.HomeTile, context)

    def _ordered(self, hook: str, kind: type, context: c.DeskContext) -> list[Any]:
        items = [item for _, item in self._collect(hook, kind, context=context)]
        return sorted(items, key=lambda item: (item.order, item.key))

    def case_badges(self, case_ids: Sequence[int], language: str) -> dict[int, list[c.Badge]]:
        """Badges of all plugins by case id; every id asked for is there."""
        badges: dict[int, list[c.Badge]] = {case_id: [] for case_id in case_ids}
        if not case_ids:
            return badges
        for name, result in self._calls("collect_case_badges", {"case_ids": case_ids, "language": language}):
            if not isinstance(result, Mapping):
                self.plugins.record_fault(
                    name, "collect_case_badges", TypeError(f"must return a mapping, got {result!r}")
                )
                continue
            for case_id, items in result.items():
                badges.setdefault(case_id, []).extend(item for item in items if isinstance(item, c.Badge))
        return badges

    # operations
    def during_events(self, events: Sequence[c.PublishedEvent]) -> None:
        self._run("during_events", events=events)

    def hints(self, language: str) -> list[c.Text]:
        return [text for _, text in self._collect("collect_hints", c.Text, language=language)]

    def load_demo(self, folder: str) -> None:
        self._run("load_demo", folder=folder)

    def health(self) -> list[tuple[str, c.HealthCheck]]:
        return self._collect("check_health", c.HealthCheck)

    def permission_denied(self, user_id: int, permission: str, context: dict[str, Any]) -> bool:
        """Whether any plugin objects."""
        arguments = {"user_id": user_id, "permission": permission, "context": context}
        return any(verdict == "deny" for _, verdict in self._calls("check_permission", arguments))
