"""The tables of the core, one module per noun."""

from core.model.api import ApiCall, ApiToken, Webhook
from core.model.bots import BotTalk
from core.model.case_parts import CaseCategory, CaseField, CaseLink, CaseViewer, CaseWatcher, NoteFile
from core.model.cases import Case, CaseNumber, Draft, TimelineEntry
from core.model.contacts import Contact, ContactAddress, FindWord, Organisation
from core.model.desk import Favourite, HelpDocument, Notification, ProblemReport, ScreenPop
from core.model.files import StoredFile
from core.model.interactions import Attachment, Interaction, Message, Offer
from core.model.live import Ban, Participant
from core.model.people import Presence, PresenceChange, Role, SignIn, StateReason, Team, TeamMember, User, UserRole
from core.model.routing import Calendar, LineStay, Ping, PingTarget, ServiceSkill, Skill, SupportLine, UserSkill
from core.model.services import Disposition, Service, ServiceEntry, ServiceTeam
from core.model.transit import Audit, CommandKey, Event, Intake, Lease, OutboxRow, PluginFault
from core.model.workflow import WorkflowDefinition, WorkflowRun, WorkflowStepRun, WorkflowVersion

__all__ = [
    "ApiCall", "ApiToken", "Attachment", "Audit", "Ban", "BotTalk", "Calendar", "Case", "CaseCategory", "CaseField", "CaseLink", "CaseNumber",
    "CaseViewer", "CaseWatcher", "CommandKey", "Contact", "ContactAddress", "Disposition", "Draft", "Event", "Favourite", "FindWord",
    "HelpDocument", "Intake", "Interaction", "Lease", "LineStay", "Message", "NoteFile", "Notification", "Offer",
    "Organisation", "OutboxRow", "Participant", "Ping", "PingTarget", "PluginFault", "Presence", "PresenceChange", "ProblemReport", "Role",
    "ScreenPop", "Service", "ServiceEntry", "ServiceSkill", "ServiceTeam", "SignIn", "Skill", "StateReason", "StoredFile",
    "SupportLine", "Team", "TeamMember", "TimelineEntry", "User", "UserRole", "UserSkill", "Webhook", "WorkflowDefinition",
    "WorkflowRun", "WorkflowStepRun", "WorkflowVersion",
]  # fmt: skip
