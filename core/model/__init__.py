"""The tables of the core, one module per noun."""

from core.model.cases import Case, CaseNumber, Draft, TimelineEntry
from core.model.contacts import Contact, ContactAddress, Organisation
from core.model.files import StoredFile
from core.model.interactions import Attachment, Interaction, Message, Offer
from core.model.people import Presence, PresenceChange, Role, SignIn, Team, TeamMember, User, UserRole
from core.model.services import Disposition, Service, ServiceEntry, ServiceTeam
from core.model.transit import Audit, CommandKey, Event, Intake, Lease, OutboxRow, PluginFault
from core.model.workflow import WorkflowDefinition, WorkflowRun, WorkflowStepRun, WorkflowVersion

__all__ = [
    "Attachment", "Audit", "Case", "CaseNumber", "CommandKey", "Contact", "ContactAddress", "Disposition", "Draft", "Event",
    "Intake", "Interaction", "Lease", "Message", "Offer", "Organisation", "OutboxRow", "PluginFault", "Presence",
    "PresenceChange", "Role", "Service", "ServiceEntry", "ServiceTeam", "SignIn", "StoredFile", "Team", "TeamMember",
    "TimelineEntry", "User", "UserRole", "WorkflowDefinition", "WorkflowRun", "WorkflowStepRun", "WorkflowVersion",
]  # fmt: skip
