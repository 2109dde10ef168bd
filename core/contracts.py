"""The frozen dataclasses that hooks exchange: the whole vocabulary a plugin author needs.

Everything here is plain data. Times are aware UTC, durations are seconds unless a name says otherwise,
texts shown to people are :class:`Text` (Russian and English together).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import click
    from flask import Blueprint, Flask
    from marshmallow import Schema

JsonValue = Any
Direction = Literal["in", "out"]
Verdict = Literal["allow", "deny", "abstain"]


@dataclass(frozen=True, slots=True)
class Text:
    """One text in both interface languages; ``str()`` gives English, for logs."""

    en: str
    ru: str

    def __str__(self) -> str:
        return self.en

    def to(self, language: str) -> str:
        """The text in ``language`` ("ru" or "en"); English for any other."""
        return self.ru if language == "ru" else self.en


class Rejected(Exception):
    """Raised by a ``before_…`` hook (or an operation) to refuse; ``text`` is shown to the person who asked.

    ``code`` is a stable word for programs, for instance ``disposition-required``.
    """

    def __init__(self, text: Text | str, code: str = "rejected") -> None:
        self.text = text if isinstance(text, Text) else Text(text, text)
        self.code = code
        super().__init__(self.text.en)


# --- plugins -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """What a plugin package says of itself in its ``__init__.py`` as ``PLUGIN``, importing nothing heavy.

    ``requires`` are importable module names that the extra ``okno[<extra>]`` installs; they are looked for before
    the plugin's ``hooks`` module is imported, so that a missing one gives a sentence and not a traceback.
    """

    name: str
    title: Text
    purpose: Text
    requires: tuple[str, ...] = ()
    extra: str = ""
    icon: str = "plug"


@dataclass(frozen=True, slots=True)
class PluginSchema:
    """A plugin's tables: the folder of its Alembic versions (branch label = plugin name); models are imported by then."""

    migrations: Path


@dataclass(frozen=True, slots=True)
class Setting:
    """A declared setting ``<section>.<name>``: its type, default and help. Unknown keys are refused at start.

    ``type`` is one of ``str, int, float, bool, list`` (a list of strings). ``secret`` values are never printed.
    ``listens`` marks a port that the worker listens on: ``okno run`` takes a free one when it is in use.
    """

    key: str
    type: type
    default: Any
    help: Text
    secret: bool = False
    choices: tuple[str, ...] = ()
    listens: bool = False


@dataclass(frozen=True, slots=True)
class Permission:
    """A privilege (полномочие) that roles may hold. ``default_roles`` get it when the role is first created."""

    name: str
    title: Text
    default_roles: tuple[str, ...] = ()


# --- channels ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a channel can do; the desk shows controls and the router mixes channels by it.

    ``live``: both sides are there at once (a call, a chat), so an unanswered offer is urgent and a lost agent matters.
    ``queued``: interactions may wait in a queue for hours (a letter). ``rich``: replies may hold HTML.
    ``media``: audio or video belongs to it; controls such as hold come from the plugin.
    """

    live: bool = False
    queued: bool = True
    rich: bool = False
    attachments: bool = False
    media: bool = False
    initiate: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """What ``Channel.deliver`` is asked to hand to the other side.

    It is called inside the transaction that stores the message: put an outbox row
    (:func:`core.outbox.enqueue`) or an event there; never talk to the network.
    """

    message_id: int
    interaction_id: int
    case_id: int
    service_id: int
    to: str
    body_text: str
    body_html: str
    subject: str
    extra: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Initiation:
    """What ``Channel.initiate`` is asked to begin: the interaction is there, in the hands of the agent who asked.

    It is called inside the transaction that opened it. Raise ``Rejected`` to refuse the address; nothing is kept then.
    """

    interaction_id: int
    case_id: int
    service_id: int
    user_id: int
    address: str


@dataclass(frozen=True, slots=True)
class Channel:
    """A way in and out of the house. ``address_kind`` says what identifies a contact there: email, phone, chat…

    A channel whose agents may begin an interaction themselves has ``capabilities.initiate``, ``initiate`` and
    ``initiate_label`` (the words of the button, «Позвонить»); see :func:`core.outgoing.start`. ``colleague_url`` is the page that
    reaches a colleague, with ``{id}`` in it: it opens for a colleague's internal number, which is no contact's address.
    """

    name: str
    label: Text
    icon: str
    capabilities: Capabilities
    address_kind: str
    deliver: Callable[[Delivery], None]
    process: Callable[[IntakeItem], None] | None = None
    initiate: Callable[[Initiation], None] | None = None
    initiate_label: Text | None = None
    colleague_url: str = ""


@dataclass(frozen=True, slots=True)
class IntakeItem:
    """Raw bytes taken in and stored before anything else; ``Channel.process`` turns them into messages.

    ``meta`` is what the door knew: envelope, peer, mailbox. Processing runs in a transaction owned by core and may be
    repeated after a crash: everything it does must go through operations with a ``source_key``.
    """

    id: int
    channel: str
    source_key: str
    raw: bytes
    meta: Mapping[str, JsonValue]
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Address:
    """How a contact is known in one channel; ``value`` is normalised by the channel (lower case, E.164…)."""

    kind: str
    value: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class FileIn:
    """An attachment on its way in."""

    name: str
    content_type: str
    content: bytes
    content_id: str = ""
    inline: bool = False


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message from a contact, as a channel plugin hands it to :func:`core.intake.receive`.

    ``source_key`` names the source message for ever: the same key again changes nothing and returns the first result.
    ``entry`` is the address, number or widget key of the service that was reached. ``case_id`` is set when the channel
    itself knows the thread. ``interaction_key`` ties the messages of one session (a chat) to one interaction. ``unread``: somebody
    has to read it; False for what only says that the contact has come, such as a call.
    """

    channel: str
    source_key: str
    sender: Address
    entry: str
    subject: str = ""
    body_text: str = ""
    body_html: str = ""
    files: tuple[FileIn, ...] = ()
    at: datetime | None = None
    case_id: int | None = None
    interaction_key: str = ""
    language: str = ""
    automatic: bool = False
    raw_sha: str = ""
    external_id: str = ""
    extra: Mapping[str, JsonValue] = field(default_factory=dict)
    unread: bool = True


@dataclass(frozen=True, slots=True)
class ServiceInfo:
    """A service as hooks see it.

    The last three are filled in where an agent is chosen: ``agent_choice`` is longest_idle, most_skilled or
    fewest_handled, ``skills`` the levels asked for at first by the skill's key.
    """

    id: int
    key: str
    title: Text
    language: str
    team_ids: tuple[int, ...]
    priority: int
    disposition_required: bool
    agent_choice: str = "longest_idle"
    prefers_last_agent: bool = True
    skills: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CaseInfo:
    """A case as hooks see it: a picture taken when the hook was called."""

    id: int
    number: str
    subject: str
    status: str
    priority: str
    service_id: int | None
    contact_id: int | None
    assignee_id: int | None
    thread_token: str
    created_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True, slots=True)
class InteractionInfo:
    """An interaction as hooks see it. ``preferred_agent_id`` is the agent of before, ``line`` the support line."""

    id: int
    channel: str
    direction: Direction
    state: str
    case_id: int | None
    contact_id: int | None
    service_id: int | None
    agent_id: int | None
    priority: int
    queued_at: datetime | None
    preferred_agent_id: int | None = None
    line: int = 1


@dataclass(frozen=True, slots=True)
class MessageInfo:
    """A stored message as hooks see it. ``author`` is contact, agent, system or bot."""

    id: int
    interaction_id: int
    case_id: int
    author: str
    direction: Direction
    subject: str
    body_text: str
    automatic: bool
    first_in_case: bool
    at: datetime


@dataclass(frozen=True, slots=True)
class CaseChange:
    """What a ``during_case_change`` hook is told: names of the changed fields with (before, after)."""

    case: CaseInfo
    changes: Mapping[str, tuple[JsonValue, JsonValue]]
    cause: str
    at: datetime


@dataclass(frozen=True, slots=True)
class SetupChange:
    """What the setup hooks are told. ``kind`` is "calendar" or "service"; names of the changed fields with (before, after).

    A calendar has one field, ``settings``: None before it is added and after it is removed.
    """

    kind: str
    key: str
    changes: Mapping[str, tuple[JsonValue, JsonValue]]


# --- bots --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BotTurn:
    """What a contact wrote to a bot since its last answer, and what it needs to answer.

    ``first``: it is the conversation's first turn. ``memory`` is what the bot's last :class:`BotReply` left. ``has_files``: files came
    along.
    """

    bot: str
    interaction: InteractionInfo
    service: ServiceInfo
    message_id: int
    text: str
    language: str
    first: bool
    has_files: bool = False
    memory: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BotReply:
    """What a bot says: plain ``text``, and ``buttons`` with words that the contact may send back. «Talk to a person» is added to them.

    ``hand_over`` puts the conversation into the queue after the text, ``ends`` closes it with its case; ``why`` stands in the
    case's history then.
    """

    text: str = ""
    buttons: tuple[str, ...] = ()
    hand_over: bool = False
    ends: bool = False
    why: Text | None = None
    memory: Mapping[str, JsonValue] = field(default_factory=dict)


# --- routing -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AgentInfo:
    """An agent who could take an interaction now. ``ready_since`` orders by longest idle.

    ``skills`` are levels (1 to 5) by the skill's key, ``in_hand`` numbers of interactions by channel.
    """

    id: int
    login: str
    team_ids: tuple[int, ...]
    languages: tuple[str, ...]
    ready_since: datetime
    handled_today: int = 0
    skills: Mapping[str, int] = field(default_factory=dict)
    in_hand: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """Where an interaction waits: higher ``priority`` first, then the older ``since``."""

    priority: int
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class AgentScore:
    """A plugin's opinion of one agent for one interaction; opinions add up, the built-in choice takes the highest."""

    agent_id: int
    score: float
    reason: str = ""


# --- dispositions and workflows ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DispositionInfo:
    """A disposition as hooks see it."""

    id: int
    key: str
    title: Text
    closes_case: bool
    success: str
    workflow_key: str


@dataclass(frozen=True, slots=True)
class StepContext:
    """What a workflow step runs with. ``variables`` may be read; changes go back through :class:`StepResult`.

    ``idempotency_key`` is the same at every attempt of this step of this run.
    """

    run_id: int
    step_index: int
    idempotency_key: str
    case: CaseInfo | None
    interaction_id: int | None
    params: Mapping[str, JsonValue]
    variables: Mapping[str, JsonValue]
    now: datetime


@dataclass(frozen=True, slots=True)
class StepResult:
    """``wait_until`` parks the run; ``variables`` are merged into it; ``note`` goes to the run's log."""

    wait_until: datetime | None = None
    variables: Mapping[str, JsonValue] = field(default_factory=dict)
    note: str = ""
    stop: bool = False


@dataclass(frozen=True, slots=True)
class WorkflowStep:
    """A kind of step. ``run`` is called in the transaction that records it; the outside world is reached by the outbox."""

    type: str
    title: Text
    run: Callable[[StepContext], StepResult]
    params: tuple[str, ...] = ()


# --- search ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SearchDocument:
    """What a source puts into the index; ``id`` is ``<kind>:<key>`` and unique in it."""

    id: str
    kind: str
    title: str
    body: str
    keywords: str = ""
    number: str = ""
    tags: tuple[str, ...] = ()
    facets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    updated_at: datetime | None = None
    boost: float = 1.0


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """A question to a backend. ``filters`` narrow by facet values (any of them); ``prefix`` is search as you type.

    ``without`` are ids of documents that are never found.
    """

    text: str
    kinds: tuple[str, ...] = ()
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    limit: int = 20
    offset: int = 0
    prefix: bool = False
    facets: tuple[str, ...] = ()
    time_limit: float = 1.0
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchHit:
    """One found document; the two HTML texts are escaped, with ``<mark>`` around what was found."""

    id: str
    kind: str
    score: float
    title_html: str
    snippet_html: str
    in_tags: bool = False


@dataclass(frozen=True, slots=True)
class Facet:
    """Counts of one facet's values, most frequent first."""

    name: str
    counts: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class SearchResult:
    """``corrected`` is what was really searched when the words were changed; ``terms`` are for highlighting elsewhere."""

    hits: tuple[SearchHit, ...]
    total: int
    facets: tuple[Facet, ...] = ()
    corrected: str | None = None
    suggestion: str | None = None
    terms: tuple[str, ...] = ()
    took_ms: float = 0.0
    timed_out: bool = False


@dataclass(frozen=True, slots=True)
class SearchSource:
    """A kind of document that may be searched: how to find it, where a hit leads, who may see it.

    One for ``customers`` finds only what everybody may read: bots offer its hits, the desk does not ask it.
    """

    kind: str
    title: Text
    icon: str
    search: Callable[[SearchQuery], SearchResult]
    url: Callable[[str], str]
    permission: str = ""
    audience: Literal["desk", "customers"] = "desk"


@dataclass(frozen=True, slots=True)
class SearchBackend:
    """An engine by name; ``open`` gives an object with the methods of :class:`core.search.Backend`."""

    name: str
    title: Text
    open: Callable[..., Any]


# --- variables ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class VariableContext:
    """What ``$(…)`` variables may draw on; ids may be None where nothing is in focus."""

    user_id: int | None = None
    case_id: int | None = None
    interaction_id: int | None = None
    contact_id: int | None = None
    service_id: int | None = None


@dataclass(frozen=True, slots=True)
class Variable:
    """``$(name)`` in articles and templates. ``value`` returns "" when there is nothing to fill in."""

    name: str
    title: Text
    value: Callable[[VariableContext], str]
    example: str = ""


# --- desk and admin pages ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DeskContext:
    """For whom and about what the desk is drawn."""

    user_id: int
    language: str
    case_id: int | None = None
    interaction_id: int | None = None
    channel: str = ""


@dataclass(frozen=True, slots=True)
class MenuItem:
    """An entry of the function bar or of the admin menu (``area`` "desk" or "admin").

    ``order`` places it among the core's own of the function bar: home 10, queue 20, directory 30, documents 40, my cases 60,
    search 70; a calendar belongs at 50, chats at 80. ``counter`` is what is unread, "" for none; the plugin publishes the event
    ``menu.changed`` for whom it changes.
    """

    key: str
    label: Text
    icon: str
    url: str
    area: Literal["desk", "admin"] = "desk"
    order: int = 100
    permission: str = ""
    counter: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """An HTML fragment fetched from ``url`` into a slot: "side" (knowledge), "case" (right column), "reply", "settings" (own settings).

    "service" ones stand on the administrator's page of a service, asked for with ``service=<key>``.
    """

    key: str
    title: Text
    icon: str
    url: str
    slot: Literal["side", "case", "reply", "compose", "settings", "service"]
    order: int = 100
    permission: str = ""


@dataclass(frozen=True, slots=True)
class Control:
    """A button for the interaction in focus; POSTs to ``url`` and swaps nothing.

    ``shortcut`` names the keys that press it: ``transfer`` (Alt+Shift+T), ``blind_transfer`` (Alt+Shift+B), ``consult``
    (Alt+Shift+D), ``conference`` (Alt+Shift+C), ``hang_up`` (Alt+Q) or ``help`` (Alt+Shift+H).
    """

    key: str
    label: Text
    icon: str
    url: str
    order: int = 100
    style: Literal["plain", "primary", "danger"] = "plain"
    shortcut: Literal["", "transfer", "blind_transfer", "consult", "conference", "hang_up", "help"] = ""


@dataclass(frozen=True, slots=True)
class Badge:
    """A small mark on a case row or header: an SLA clock, a flag. ``due_at`` makes the desk count down live."""

    text: str
    title: str = ""
    tone: Literal["neutral", "good", "warn", "bad", "info"] = "neutral"
    icon: str = ""
    due_at: datetime | None = None
    warn_at: datetime | None = None
    paused: bool = False


@dataclass(frozen=True, slots=True)
class NoticeKind:
    """How a kind of notification is shown. ``words`` makes its line of what :func:`core.notifications.notify` was given as
    ``data``; ``who`` is the name of the person behind it, "" for the system. ``toast``: also shown for a moment when it comes.
    """

    kind: str
    icon: str
    words: Callable[[Mapping[str, JsonValue], str], Text]
    tone: Literal["neutral", "good", "warn", "bad", "info"] = "neutral"
    toast: bool = True


@dataclass(frozen=True, slots=True)
class HomeTile:
    """A tile of the home page, fetched from ``url``; left out for who lacks ``permission``."""

    key: str
    title: Text
    url: str
    order: int = 100
    permission: str = ""


@dataclass(frozen=True, slots=True)
class PersonAction:
    """A button at every colleague of the directory: opens ``url``, in which ``{id}`` is the colleague's; not at oneself."""

    key: str
    label: Text
    icon: str
    url: str
    permission: str = ""


@dataclass(frozen=True, slots=True)
class ErrorText:
    """An error that people can meet: what it is called, why it happens, what to do. ``code`` is that of :class:`Rejected`."""

    code: str
    title: Text
    cause: Text
    remedy: Text


@dataclass(frozen=True, slots=True)
class Asset:
    """A stylesheet or ES module under the plugin's own static folder, loaded with the desk by those with ``permission``."""

    kind: Literal["css", "module"]
    url: str
    area: Literal["desk", "admin", "public"] = "desk"
    permission: str = ""


# --- operations side ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Job:
    """A periodic job of the worker; ``leader`` jobs run on one worker at a time. ``run`` gets an app context."""

    id: str
    run: Callable[[], None]
    seconds: float
    leader: bool = True


@dataclass(frozen=True, slots=True)
class Daemon:
    """A long-running part of the worker, such as an SMTP listener. ``start(app)`` returns a callable that stops it."""

    name: str
    start: Callable[[Flask], Callable[[], None]]
    leader: bool = False


@dataclass(frozen=True, slots=True)
class Process:
    """A process of its own under ``okno run``. ``run(app)`` ends on SIGTERM; it opens its own connections, having been forked."""

    name: str
    run: Callable[[Flask], None]


@dataclass(frozen=True, slots=True)
class OutboxResult:
    """The outcome of one attempt: sent, retry later, or dead. ``detail`` is shown to the administrator.

    ``retry_in`` in seconds; an attempt that does not count (``counts``) is one where the receiver asked to wait.
    """

    outcome: Literal["sent", "retry", "dead"]
    detail: str = ""
    retry_in: float | None = None
    counts: bool = True


@dataclass(frozen=True, slots=True)
class OutboxHandler:
    """Who takes outbox rows of one ``kind`` out of the house. ``send(key, payload)`` may be repeated after a crash.

    Rows of one ``lane`` ("", "live" or "webhooks") wait for one another, never for another lane's.
    """

    kind: str
    send: Callable[[str, Mapping[str, JsonValue]], OutboxResult]
    lane: str = ""


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """One line of ``okno doctor``: ``mend`` says what to do when ``ok`` is False."""

    name: str
    ok: bool
    detail: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class BlueprintMount:
    """A plugin's routes under ``prefix``; ``public`` ones are open to people who are not signed in."""

    blueprint: Blueprint
    prefix: str = ""
    public: bool = False


@dataclass(frozen=True, slots=True)
class CommandMount:
    """A click command or group that appears as ``okno <name>``."""

    command: click.Command


# --- the REST API ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ApiOperation:
    """One operation of the REST API; made by the decorators of :class:`core.api.resource.Resource`.

    ``path`` lies under ``/api/v1``; its ids are ``<id:name>``. ``name`` is the operation id, unique in the house. A token needs
    ``scope``, its user ``permission``. ``call`` gets the path's values and, by the names ``query``, ``body`` and ``files``,
    what the schemas have loaded; it returns what ``answer`` dumps, a :class:`core.api.paging.Page` where ``paged``, a list
    where ``many``, None for 204, or a whole Flask response. ``etag`` makes the version of what is returned. ``secret`` names
    fields of the answer that are shown once and never kept for a repeat.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    name: str
    summary: Text
    call: Callable[..., Any]
    resource: str
    title: Text
    scope: str
    permission: str = "desk.use"
    query: type[Schema] | None = None
    body: type[Schema] | None = None
    answer: type[Schema] | None = None
    status: int = 200
    paged: bool = False
    many: bool = False
    files: bool = False
    download: bool = False
    etag: Callable[[Any], str] | None = None
    secret: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PublishedEvent:
    """An event of the log as ``during_events`` sees it, just before the commit (see :mod:`core.events.log`)."""

    topic: str
    type: str
    payload: Mapping[str, JsonValue]
