"""A plugin that fails, in whatever way, takes down neither a request, nor a job, nor another plugin; and it is shown."""

from __future__ import annotations

import contextvars
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from core import assignment, casework, directory, faults, intake, presence, services
from core.app import create_app
from core.clock import now
from core.contracts import Address, DeskContext, Inbound, Job, SearchQuery
from core.db import db, transaction
from core.house import okno
from core.migrate import upgrade
from core.model import Case, Disposition, Interaction, Message, Offer, PluginFault, Service, ServiceEntry, Team
from core.schedule import Worker
from tests.examples.throwaway_plugin import all_hooks, raising, write_plugin
from tests.support.okno_process import Okno
from tests.support.places import ROOT

# At start these two switch the whole plugin off; a test of its own looks at that.
AT_START = ("register_models", "register_settings")


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose packages are found as installed ones."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    yield folder
    for name in [name for name in sys.modules if name.startswith("okno_")]:
        del sys.modules[name]


@dataclass
class House:
    """A house with the chat and a broken plugin, one agent who is signed in, one visitor."""

    app: Flask
    agent_id: int
    solved_id: int
    desk: FlaskClient

    def page(self, path: str) -> Any:
        """A page of the desk, asked for outside of the test's own application context, whose caches it would share."""
        return contextvars.Context().run(self.desk.get, path)

    def faults(self) -> dict[str, int]:
        """Counts by hook, brought to the data base as the worker and requests do."""
        faults.flush()
        db.session.rollback()
        rows = db.session.scalars(db.select(PluginFault).where(PluginFault.plugin == "broken"))
        return {row.hook: row.count for row in rows}


@pytest.fixture
def house(packages: Path, home: Path) -> Iterator[House]:
    write_plugin(packages, "broken", raising(leave_out=AT_START))
    names = {"core.plugins": ["chat", "voice", "sla", "broken"]}
    upgrade(create_app(home, names, check_schema=False))
    app = create_app(home, names)
    with app.app_context():
        assert set(okno().plugins.loaded) == set(names["core.plugins"])
        directory.ensure_roles()
        team = directory.add_team("first", "First line", "Первая линия")
        directory.add_user("admin", "Максим", password="correct horse battery", roles=["admin"])
        agent = directory.add_user(
            "anna", "Анна", password="correct horse battery", roles=["agent", "admin"], teams=["first"]
        )
        with transaction():
            service = Service(key="support", title_en="Support", title_ru="Поддержка", is_default=True)
            service.teams.append(db.session.get_one(Team, team.id))
            service.entries.append(ServiceEntry(channel="chat", address="demo"))
            solved = Disposition(key="solved", title_en="Solved", title_ru="Решено", workflow_key="")
            db.session.add_all([service, solved])
        agent_id, solved_id = agent.id, solved.id
    desk = app.test_client()
    desk.get("/sign-in")
    with desk.session_transaction() as session:
        token = session["csrf"]
    signed = desk.post("/sign-in", data={"login": "anna", "password": "correct horse battery", "csrf_token": token})
    assert signed.status_code == 302
    with app.app_context():
        yield House(app, agent_id, solved_id, desk)
        db.session.remove()
        db.engine.dispose()


def visit(house: House, text: str) -> dict[str, Any]:
    """A visitor's message through the door of the chat."""
    visitor = house.app.test_client()
    headers = {"Authorization": f"Bearer {visitor.post('/chat/session').json['token']}"}
    said = visitor.post("/chat/messages", json={"id": "abcdefgh", "text": text, "entry": "demo"}, headers=headers)
    assert said.status_code == 201
    return {"headers": headers, "client": visitor}


@pytest.mark.feature("P-06")
def test_a_request_goes_all_the_way_while_a_plugin_raises_in_every_hook(house: House) -> None:
    visitor = visit(house, "Помогите")
    presence.sign_on(house.agent_id)
    presence.set_state(house.agent_id, presence.READY)
    assert assignment.route_due() == 1
    interaction_id = assignment.accept(db.session.scalars(db.select(Offer)).one().id, house.agent_id)
    casework.reply(interaction_id, house.agent_id, "<p>Готово</p>", command_key="k")
    assignment.complete(interaction_id, house.agent_id, house.solved_id, "")
    interaction = db.session.scalars(db.select(Interaction).execution_options(populate_existing=True)).one()
    assert (interaction.state, interaction.case.status) == ("closed", "closed")
    heard = visitor["client"].get("/chat/messages", headers=visitor["headers"]).json
    assert [message["text"] for message in heard["messages"]] == ["Помогите", "Готово"]
    assert heard["state"] == "ended"
    counted = house.faults()
    for hook in ("before_interaction_open", "choose_service", "choose_queue", "during_message", "during_case_change",
                 "after_interaction_opened", "collect_agent_scores", "choose_agent", "after_assigned",
                 "before_disposition", "after_disposition", "after_interaction_closed"):  # fmt: skip
        assert counted[hook] >= 1, hook


@pytest.mark.feature("P-06")
def test_the_desk_and_the_admin_pages_are_drawn_and_show_the_faults(house: House) -> None:
    visit(house, "Помогите")
    case_id = db.session.scalars(db.select(Case.id)).one()
    for path in ("/", "/queue", f"/cases/{case_id}", "/search?q=помогите"):
        assert house.page(path).status_code == 200, path
    counted = house.faults()
    for hook in ("collect_menu_items", "collect_panels", "collect_case_badges", "check_permission"):
        assert counted[hook] >= 1, hook
    page = house.page("/admin/plugins")
    assert page.status_code == 200
    assert "broken in collect_menu_items" in page.text


@pytest.mark.feature("P-06")
def test_every_hook_is_isolated_and_counted_each_under_its_own_name(house: House) -> None:
    hooks, context = okno().hooks, DeskContext(house.agent_id, "ru", 1, 1, "chat")
    visit(house, "Помогите")
    interaction = db.session.scalars(db.select(Interaction)).one()
    assignment.take(interaction.id, _at_the_desk(house.agent_id))
    assignment.complete(interaction.id, house.agent_id, house.solved_id, "")
    with transaction():
        hooks.choose_agent(None, [], {}, None)  # type: ignore[arg-type]
        hooks.agent_scores(None, [], None)  # type: ignore[arg-type]
    hooks.jobs(), hooks.daemons(), hooks.processes(), hooks.commands(), hooks.health(), hooks.load_demo("")
    hooks.choose_bot_reply(None), hooks.answer_seconds([1])  # type: ignore[arg-type, func-returns-value]
    assert [str(hint) for hint in hooks.hints("en")]
    hooks.extend_search_query(SearchQuery("x"))
    hooks.panels(context), hooks.home_tiles(context), hooks.case_badges([1], "ru")
    assert hooks.menu_items(context)
    hooks.controls(context)
    hooks.answer_seconds([1])
    hooks.choose_bot_reply(None)  # type: ignore[arg-type]
    hooks.choose_translation("x", "en", "ru")
    services.update_service(db.session.scalars(db.select(Service.id)).first(), priority=5)
    assert not hooks.permission_denied(house.agent_id, "case.view", {})
    assert set(house.faults()) == set(all_hooks()) - set(AT_START)


def _at_the_desk(user_id: int) -> int:
    presence.sign_on(user_id)
    return user_id


@pytest.mark.feature("P-06")
def test_a_job_that_raises_is_counted_and_the_others_go_on(house: House) -> None:
    ran: list[str] = []

    def fail() -> None:
        raise RuntimeError("broken job")

    worker = Worker(house.app)
    worker.guarded(Job("broken.job", fail, 1, leader=False))
    worker.guarded(Job("other.job", lambda: ran.append("other"), 1, leader=False))
    assert ran == ["other"]
    assert house.faults()["job broken.job"] == 1


@pytest.mark.feature("P-06")
def test_what_a_plugin_half_wrote_before_it_failed_is_undone_and_the_message_kept(packages: Path, home: Path) -> None:
    half = """
@hookimpl
def during_message(message):
    from core import timeline
    from core.db import db
    timeline.write(message.case_id, "half.done")
    db.session.flush()
    raise RuntimeError("half way")
"""
    write_plugin(packages, "half", half)
    app = create_app(home, {"core.plugins": ["half"]}, check_schema=False)
    upgrade(app)
    with app.app_context():
        with transaction():
            db.session.add(Service(key="support", title_en="Support", title_ru="Поддержка", is_default=True))
        for number in range(3):
            intake.receive(Inbound("x", f"k{number}", Address("email", "a@example.org"), "", body_text="t", at=now()))
        kinds = [row.kind for row in db.session.scalars(db.select(casework.timeline.TimelineEntry))]
        assert kinds.count("message") == len(db.session.scalars(db.select(Message)).all()) == 3
        assert "half.done" not in kinds
        faults.flush()
        assert db.session.get_one(PluginFault, ("half", "during_message")).count == 3
        db.session.remove()
        db.engine.dispose()


@pytest.mark.feature("P-06")
@pytest.mark.parametrize(
    ("hooks", "told"),
    [
        (raising(), "failed in register_models: RuntimeError: broken in register_models"),
        (raising(leave_out=("register_models",)), "failed in register_settings"),
        (
            "@hookimpl\ndef after_interaction_opend(interaction): ...",
            "'after_interaction_opend'. Did you mean 'after_interaction_opened'?",
        ),
        ("def broken(:", "cannot be loaded: SyntaxError"),
        ("import no_such_module_here", "cannot be loaded: ModuleNotFoundError"),
        ("raise SystemError('at import')", "cannot be loaded: SystemError: at import"),
    ],
)
def test_a_plugin_that_cannot_be_used_is_left_out_with_a_sentence(
    packages: Path, home: Path, hooks: str, told: str
) -> None:
    write_plugin(packages, "broken", hooks)
    app = create_app(home, {"core.plugins": ["broken", "chat"]}, check_schema=False)
    upgrade(app)
    found = app.extensions["okno"].plugins
    assert told in found.problems["broken"]
    assert set(found.loaded) == {"chat"}
    assert app.test_client().get("/chat/demo").status_code == 200


@pytest.mark.feature("P-03")
@pytest.mark.parametrize(("plugin", "module"), [("kb", "whoosh"), ("email", "aiosmtpd")])
def test_a_missing_extra_is_a_sentence_that_names_it(
    home: Path, plugin: str, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    app = create_app(home, {"core.plugins": [plugin, "chat"]}, check_schema=False)
    problem = app.extensions["okno"].plugins.problems[plugin]
    assert problem == f"plugin '{plugin}' needs {module}: run  pip install 'okno[{plugin}]'"
    assert "chat" in app.extensions["okno"].plugins.loaded


@pytest.mark.slow
@pytest.mark.feature("P-03")
def test_the_command_refuses_to_enable_what_lacks_its_extra_without_a_traceback(tmp_path: Path, home: Path) -> None:
    site = write_plugin(tmp_path / "site", "fancy", requires=("no_such_module_here",), extra="fancy")
    okno_command = Okno(home, {"PYTHONPATH": f"{site}:{ROOT}"})
    assert okno_command("init").code == 0
    refused = okno_command("plugins", "enable", "fancy")
    assert refused.code == 1
    assert "needs no_such_module_here" in refused.stderr
    assert "okno[fancy]" in refused.stderr
    assert "Traceback" not in refused.stderr + refused.stdout
    listed = {row["name"]: row for row in okno_command("plugins", "list", "--json").json()["data"]}
    assert "okno[fancy]" in listed["fancy"]["problem"]
    assert not listed["fancy"]["enabled"]
