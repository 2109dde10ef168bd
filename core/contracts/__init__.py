"""The frozen dataclasses that hooks exchange: the whole vocabulary a plugin author needs.

Everything here is plain data. Times are aware UTC, durations are seconds unless a name says otherwise,
texts shown to people are :class:`Text` (Russian and English together). One module a subject; import from here.
"""

from __future__ import annotations

from core.contracts.api import ApiOperation, PublishedEvent
from core.contracts.bots import BotReply, BotTurn
from core.contracts.channels import Address, Capabilities, Channel, Delivery, FileIn, Inbound, Initiation, IntakeItem
from core.contracts.dispositions import DispositionInfo, StepContext, StepResult, WorkflowStep
from core.contracts.pictures import CaseChange, CaseInfo, InteractionInfo, MessageInfo, ServiceInfo, SetupChange
from core.contracts.plugins import Permission, PluginInfo, PluginSchema, Setting
from core.contracts.routing import AgentInfo, AgentScore, QueuePlace
from core.contracts.running import (
    BlueprintMount,
    CommandMount,
    Daemon,
    HealthCheck,
    Job,
    OutboxHandler,
    OutboxResult,
    Process,
)
from core.contracts.search import (
    Facet,
    SearchBackend,
    SearchDocument,
    SearchHit,
    SearchQuery,
    SearchResult,
    SearchSource,
)
from core.contracts.texts import Direction, JsonValue, Rejected, Text, Verdict
from core.contracts.variables import Variable, VariableContext
from core.contracts.web import (
    Asset,
    Badge,
    Control,
    DeskContext,
    ErrorText,
    HomeTile,
    MenuItem,
    NoticeKind,
    Panel,
    PersonAction,
)

__all__ = [
    "Address",
    "AgentInfo",
    "AgentScore",
    "ApiOperation",
    "Asset",
    "Badge",
    "BlueprintMount",
    "BotReply",
    "BotTurn",
    "Capabilities",
    "CaseChange",
    "CaseInfo",
    "Channel",
    "CommandMount",
    "Control",
    "Daemon",
    "Delivery",
    "DeskContext",
    "Direction",
    "DispositionInfo",
    "ErrorText",
    "Facet",
    "FileIn",
    "HealthCheck",
    "HomeTile",
    "Inbound",
    "Initiation",
    "IntakeItem",
    "InteractionInfo",
    "Job",
    "JsonValue",
    "MenuItem",
    "MessageInfo",
    "NoticeKind",
    "OutboxHandler",
    "OutboxResult",
    "Panel",
    "Permission",
    "PersonAction",
    "PluginInfo",
    "PluginSchema",
    "Process",
    "PublishedEvent",
    "QueuePlace",
    "Rejected",
    "SearchBackend",
    "SearchDocument",
    "SearchHit",
    "SearchQuery",
    "SearchResult",
    "SearchSource",
    "ServiceInfo",
    "Setting",
    "SetupChange",
    "StepContext",
    "StepResult",
    "Text",
    "Variable",
    "VariableContext",
    "Verdict",
    "WorkflowStep",
]
