"""The agent's desk (рабочее место оператора): one line a URL. Pages read, commands call operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint
from flask.blueprints import BlueprintSetupState

from core.web import (
    case_commands,
    case_texts,
    case_views,
    desk_commands,
    desk_frame,
    desk_pages,
    desk_queries,
    drawing,
    event_words,
    wallboard,
)

blueprint = Blueprint("desk", __name__)

PAGES: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    ("/", "shell", desk_pages.shell),
    ("/queue", "queue", desk_pages.queue),
    ("/cases", "cases", desk_pages.cases),
    ("/search", "search", desk_pages.search),
    ("/search/quick", "quick_search", desk_pages.quick_search),
    ("/contacts/<int:contact_id>", "contact", desk_pages.contact),
    ("/desk/around", "around", desk_pages.around),
    ("/desk/offers", "offers", desk_pages.offers),
    ("/desk/indicators", "indicators", desk_pages.indicators),
    ("/documents", "documents", desk_pages.documents),
    ("/wallboard", "wallboard", wallboard.wallboard),
    ("/wallboard/board", "wallboard_board", wallboard.wallboard_board),
    ("/cases/<int:case_id>", "case", case_views.case),
    ("/cases/<int:case_id>/timeline", "timeline", case_views.earlier),
    ("/cases/<int:case_id>/fresh", "fresh", case_views.fresh),
    ("/interactions/<int:interaction_id>/preview", "preview", case_views.preview),
    ("/interactions/<int:interaction_id>/disposition", "disposition", case_views.disposition),
    ("/messages/<int:message_id>/body", "message_body", case_views.message_body),
    ("/attachments/<int:attachment_id>", "attachment", case_views.attachment),
)
COMMANDS: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    ("/desk/language", "set_language", desk_commands.set_language),
    ("/offers/<int:offer_id>/accept", "accept", desk_commands.accept),
    ("/offers/<int:offer_id>/reject", "reject", desk_commands.reject),
    ("/offers/<int:offer_id>/postpone", "postpone", desk_commands.postpone),
    ("/desk/service", "set_service", desk_commands.set_service),
    ("/interactions/<int:interaction_id>/take", "take", desk_commands.take),
    ("/interactions/<int:interaction_id>/release", "release", desk_commands.release),
    ("/interactions/<int:interaction_id>/finish", "finish", case_commands.finish),
    ("/interactions/<int:interaction_id>/complete", "complete", case_commands.complete),
    ("/interactions/<int:interaction_id>/read", "mark_read", desk_commands.mark_read),
    ("/interactions/<int:interaction_id>/reply", "reply", case_commands.reply),
    ("/cases/<int:case_id>/notes", "add_note", case_commands.add_note),
    ("/cases/<int:case_id>/draft", "save_draft", case_commands.save_draft),
)

for _rule, _name, _view in PAGES:
    blueprint.add_url_rule(_rule, _name, _view, methods=["GET"])
for _rule, _name, _view in COMMANDS:
    blueprint.add_url_rule(_rule, _name, _view, methods=["POST"])


@blueprint.record_once
def _drawing(state: BlueprintSetupState) -> None:
    drawing.install(state.app)  # type: ignore[arg-type]
    state.app.jinja_env.globals.update(
        desk_frame=desk_frame.frame,
        channel_of=desk_queries.channel_of,
        parted=case_texts.parted,
        linked=case_texts.linked,
        own_html=case_texts.own_html,
        draft_html=case_texts.draft_html,
        reply_subject=case_texts.reply_subject,
        note_words=case_texts.note_words,
        event_words=event_words.words_of,
        event_icon=event_words.icon_of,
    )
