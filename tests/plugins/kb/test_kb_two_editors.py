"""Two editors with several windows, in any order: no text that was once kept, or is still in a window, is ever lost."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from core.contracts import Rejected

WINDOWS = ("a", "b", "c")


@pytest.fixture(name="settings")
def _settings() -> dict[str, Any]:
    return {"core.plugins": ["kb"]}


class Window:
    """What a browser window holds: its text, what it knows of the working copy, whether it may write."""

    def __init__(self, token: str, user_id: int) -> None:
        self.token, self.user_id = token, user_id
        self.revision, self.text, self.unsaved = 0, "", False


class TwoEditors(RuleBasedStateMachine):
    """``told`` are texts that a window was told are saved: each must be in the article, the copy or a version."""

    people: tuple[int, int]
    folder_id: int

    @initialize()
    def begin(self) -> None:
        from plugins.kb.writing.operations import create_article

        number = TwoEditors.count = getattr(TwoEditors, "count", 0) + 1
        section = {"key": "solution", "title": "Решение", "html": "<p>начало</p>"}
        fields = {"folder_id": self.folder_id, "title": f"Статья {number}", "sections": [section]}
        self.article_id = create_article(self.people[0], fields, status="published").id
        self.windows = {token: Window(token, self.people[index % 2]) for index, token in enumerate(WINDOWS)}
        self.written = 0
        self.copy_text = ""
        self.published = ["<p>начало</p>"]

    @rule(token=st.sampled_from(WINDOWS), over=st.booleans())
    def open(self, token: str, over: bool) -> None:
        from plugins.kb.writing import locks, working_copies

        window = self.windows[token]
        holder = (locks.take_over if over else locks.take)(self.article_id, window.user_id, token)
        copy = working_copies.of(self.article_id)
        if holder.mine and not window.unsaved:
            window.revision = copy.revision if copy else 0

    @rule(token=st.sampled_from(WINDOWS))
    def write(self, token: str) -> None:
        window = self.windows[token]
        self.written += 1
        window.text, window.unsaved = f"<p>{token}{self.written}</p>", True

    @rule(token=st.sampled_from(WINDOWS))
    def autosave(self, token: str) -> None:
        from plugins.kb.writing import locks, working_copies
        from plugins.kb.writing.operations import EditedMeanwhile

        window = self.windows[token]
        if not window.unsaved:
            return
        sections = [{"key": "solution", "title": "Решение", "html": window.text}]
        before = self.copy_text
        try:
            copy = working_copies.save(self.article_id, window.user_id, token, window.revision, {"sections": sections})
        except (locks.LockLost, working_copies.CopyChanged, EditedMeanwhile):
            assert window.unsaved, "the window still has it"
            assert self.stored_copy() == before, "nothing was written over"
        except Rejected as refusal:
            if refusal.code != "copy-unknown":
                raise
        else:
            window.revision, window.unsaved, self.copy_text = copy.revision, False, window.text

    @rule(user=st.integers(0, 1), over=st.booleans())
    def publish(self, user: int, over: bool) -> None:
        from plugins.kb.writing import working_copies
        from plugins.kb.writing.operations import EditedMeanwhile

        try:
            article = working_copies.publish(self.article_id, self.people[user], over=over)
        except EditedMeanwhile:
            assert self.stored_copy() == self.copy_text
            return
        if self.copy_text:
            assert article.sections[0]["html"] == self.copy_text
            self.published.append(self.copy_text)
            self.copy_text = ""

    @rule(user=st.integers(0, 1))
    def change_by_interface(self, user: int) -> None:
        from plugins.kb.writing.operations import find_article, update_article

        self.written += 1
        html = f"<p>api{self.written}</p>"
        section = {"key": "solution", "title": "Решение", "html": html}
        update_article(
            self.article_id, self.people[user], find_article(self.article_id).version, {"sections": [section]}
        )
        self.published.append(html)

    @rule()
    def go_back(self) -> None:
        from plugins.kb.writing.operations import restore_version

        restore_version(self.article_id, self.people[0], 1)
        self.published.append("<p>начало</p>")

    @invariant()
    def nothing_is_lost(self) -> None:
        from plugins.kb.writing import versions
        from plugins.kb.writing.operations import find_article

        kept = [row.fields["sections"][0]["html"] for row in versions.of(self.article_id)]
        said = kept[::-1]
        assert set(self.published) <= set(said)
        assert find_article(self.article_id).sections[0]["html"] == self.published[-1] == said[-1]
        assert self.stored_copy() == self.copy_text

    def stored_copy(self) -> str:
        from core.db import db
        from plugins.kb.writing import working_copies

        db.session.expire_all()
        copy = working_copies.of(self.article_id)
        return copy.fields["sections"][0]["html"] if copy else ""


def test_no_order_of_steps_loses_a_text(app: Flask, db: Any) -> None:
    from core.db import transaction
    from core.model import User
    from plugins.kb.writing.operations import save_folder

    users = [User(login="anna", first_name="Анна"), User(login="vera", first_name="Вера")]
    with transaction():
        db.session.add_all(users)
        db.session.flush()
        TwoEditors.people = (users[0].id, users[1].id)
    TwoEditors.folder_id = save_folder(None, "all", title_en="All", title_ru="Все").id
    few = settings(max_examples=12, stateful_step_count=14, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(TwoEditors, settings=few)
