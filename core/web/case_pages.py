"""The parts of a case page: one line a URL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, url_for
from flask.blueprints import BlueprintSetupState

from core import case_form, organisations, own_settings, screen_pops, translating
from core.model import Attachment, NoteFile, User
from core.web import (
    case_commands,
    case_lookup,
    case_transfer,
    case_views,
    event_words,
    participant_views,
    translation_views,
)

blueprint = Blueprint("cases", __name__)
Routes = tuple[tuple[str, str, Callable[..., Any]], ...]

PAGES: Routes = (
    ("/cases/<int:case_id>/aside", "aside", case_views.aside),
    ("/cases/<int:case_id>/viewers", "viewers", case_commands.viewers),
    ("/cases/<int:case_id>/link", "link_dialog", case_lookup.link_dialog),
    ("/cases/<int:case_id>/link/found", "cases_to_link", case_lookup.cases_to_link),
    ("/cases/<int:case_id>/transfer", "transfer_dialog", case_transfer.dialog),
    ("/interactions/<int:interaction_id>/invite", "invite_dialog", participant_views.dialog),
    ("/organisations/found", "find_organisations", case_lookup.find_organisations),
    ("/colleagues", "colleagues", case_lookup.colleagues),
    ("/note-files/<int:file_id>", "note_file", case_views.note_file),
)
COMMANDS: Routes = (
    ("/cases/<int:case_id>/edit", "edit", case_commands.edit),
    ("/cases/<int:case_id>/organisation", "add_organisation", case_commands.add_organisation),
    ("/cases/<int:case_id>/links", "add_link", case_commands.add_link),
    ("/cases/<int:case_id>/links/<int:link_id>/remove", "remove_link", case_commands.remove_link),
    ("/cases/<int:case_id>/watch", "watch", case_commands.watch),
    ("/cases/<int:case_id>/unwatch", "unwatch", case_commands.unwatch),
    ("/cases/<int:case_id>/viewing", "viewing", case_commands.viewing),
    ("/cases/<int:case_id>/draft/files", "add_draft_file", case_commands.add_draft_file),
    ("/cases/<int:case_id>/draft/files/remove", "remove_draft_file", case_commands.remove_draft_file),
    ("/messages/<int:message_id>/recall", "recall_message", case_commands.recall_message),
    ("/messages/<int:message_id>/translation", "translate_message", translation_views.message),
    ("/cases/<int:case_id>/translation", "translate_draft", translation_views.draft),
    ("/cases/<int:case_id>/transfer", "transfer", case_transfer.transfer),
    ("/cases/<int:case_id>/line", "move_line", case_transfer.move_line),
    ("/interactions/<int:interaction_id>/invite", "invite", participant_views.invite),
    ("/interactions/<int:interaction_id>/join", "join_conversation", participant_views.join),
    ("/interactions/<int:interaction_id>/decline", "decline_conversation", participant_views.decline),
    ("/interactions/<int:interaction_id>/leave", "leave_conversation", participant_views.leave),
    (
        "/interactions/<int:interaction_id>/participants/<int:user_id>/remove",
        "remove_participant",
        participant_views.remove,
    ),
)

for _rule, _name, _view in PAGES:
    blueprint.add_url_rule(_rule, _name, _view, methods=["GET"])
for _rule, _name, _view in COMMANDS:
    blueprint.add_url_rule(_rule, _name, _view, methods=["POST"])


Shown = tuple[Attachment | NoteFile, bool, str]
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")


def case_files(rows: list[Attachment]) -> list[Shown]:
    """The files of a message as its card shows them: the row, whether it is a picture, its address."""
    kept = [row for row in rows if not row.inline]
    return [(row, row.content_type in PICTURES, url_for("desk.attachment", attachment_id=row.id)) for row in kept]


def note_files(rows: list[NoteFile]) -> list[Shown]:
    """The same for a note."""
    return [(row, row.content_type in PICTURES, url_for("cases.note_file", file_id=row.id)) for row in rows]


def own_signature(user: User) -> str:
    """What is put below the user's answers."""
    return own_settings.of(user).signature


@blueprint.record_once
def _drawing(state: BlueprintSetupState) -> None:
    state.app.jinja_env.globals.update(
        case_choices=case_form.choices_of,
        case_files=case_files,
        note_files=note_files,
        draft_language=translation_views.draft_language,
        event_case=event_words.other_case,
        is_translating=translating.is_offered,
        own_signature=own_signature,
        pop_steps=screen_pops.steps,
        talks=participant_views.talks,
        tax_id_warning=organisations.tax_id_warning,
        translation_of=translation_views.translation_of,
    )
