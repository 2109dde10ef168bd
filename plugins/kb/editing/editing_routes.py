"""The routes of writing: one line a URL."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from plugins.kb.editing import editor_views, file_views, folder_views, history_views

Route = tuple[str, str, Callable[..., Any]]

PAGES: tuple[Route, ...] = (
    ("/kb/articles/new", "new", editor_views.new),
    ("/kb/articles/<int:number>/edit", "edit", editor_views.edit),
    ("/kb/articles/<int:number>/history", "history", history_views.history),
    ("/kb/files/<int:file_id>/<name>", "file", file_views.serve),
    ("/kb/folders/form", "folder_form", folder_views.folder_form),
    ("/kb/folders/<int:folder_id>/form", "folder_change_form", folder_views.folder_form),
)
COMMANDS: tuple[Route, ...] = (
    ("/kb/articles/<int:number>/lock", "lock", editor_views.lock),
    ("/kb/articles/<int:number>/beat", "beat", editor_views.beat),
    ("/kb/articles/<int:number>/unlock", "unlock", editor_views.unlock),
    ("/kb/articles/<int:number>/copy", "keep", editor_views.keep),
    ("/kb/copies", "keep_new", editor_views.keep_new),
    ("/kb/articles/<int:number>/finish", "finish", editor_views.finish),
    ("/kb/copies/finish", "finish_new", editor_views.finish_new),
    ("/kb/articles/<int:number>/discard", "discard", editor_views.discard),
    ("/kb/copies/<int:copy_id>/discard", "discard_new", editor_views.discard_new),
    ("/kb/articles/<int:number>/translation", "translate", editor_views.translate),
    ("/kb/articles/<int:number>/approve", "approve", editor_views.approve),
    ("/kb/articles/<int:number>/return", "give_back", editor_views.give_back),
    ("/kb/articles/<int:number>/status", "set_status", editor_views.set_status),
    ("/kb/articles/<int:number>/restore", "restore", history_views.restore),
    ("/kb/articles/preview", "draw_preview", editor_views.preview),
    ("/kb/articles/<int:number>/files", "add_file", file_views.add),
    ("/kb/files", "add_new_file", file_views.add),
    ("/kb/files/<int:file_id>/remove", "remove_file", file_views.remove),
    ("/kb/folders", "add_folder", folder_views.add_folder),
    ("/kb/folders/<int:folder_id>", "change_folder", folder_views.change_folder),
    ("/kb/folders/<int:folder_id>/move", "move_folder", folder_views.move_folder),
    ("/kb/folders/<int:folder_id>/delete", "delete_folder", folder_views.delete_folder),
    ("/kb/articles/bulk", "change_many", folder_views.change_many),
)
