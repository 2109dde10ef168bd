"""What the knowledge base contributes. Each implementation is short and imports what it needs when it is called."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from core import error_texts, hookimpl
from core.contracts import (
    ApiOperation,
    Asset,
    BlueprintMount,
    CaseChange,
    CommandMount,
    DeskContext,
    ErrorText,
    HealthCheck,
    HomeTile,
    InteractionInfo,
    Job,
    MenuItem,
    MessageInfo,
    NoticeKind,
    Panel,
    Permission,
    PluginSchema,
    SearchBackend,
    SearchQuery,
    SearchSource,
    Setting,
    Text,
    Verdict,
)

HERE = Path(__file__).parent
INDEX_SECONDS = 1.5
PUBLIC_INDEX_SECONDS, REVIEW_SECONDS = 20.0, 300.0
UPKEEP_SECONDS = 3600
SCHEDULE_SECONDS = 20
NUMBER_SIGN = re.compile(r"№\s*(\d{1,9})\b")


@hookimpl
def register_models() -> list[PluginSchema]:
    """The tables of articles."""

    return [PluginSchema(HERE / "migrations")]


@hookimpl
def register_settings() -> list[Setting]:
    """Limits of articles and favourites; the look of the help centre."""
    from plugins.kb.public.site import SETTINGS

    return [
        *SETTINGS,
        Setting("kb.file_mb", int, 20, Text("Largest file of an article, MB", "Наибольший файл статьи, МБ")),
        Setting("kb.article_max_kb", int, 512, Text("Largest article, KB", "Наибольшая статья, КБ")),
        Setting("kb.file_mb", int, 20, Text("Largest file of an article, MB", "Наибольший файл статьи, МБ")),
        Setting("kb.favourites_max", int, 50, Text("Entries of a folder of favourites", "Записей в папке избранного")),
        Setting(
            "kb.favourite_sets_max", int, 20, Text("Folders of favourites of one owner", "Папок избранного у владельца")
        ),
        Setting(
            "kb.own_services_only",
            bool,
            False,
            Text("Agents find only articles of their services", "Операторы находят только статьи своих сервисов"),
        ),
        Setting(
            "kb.search_log_days",
            int,
            180,
            Text("Days that counts of searches are kept", "Сколько дней хранить счёт поисков"),
        ),
    ]


@hookimpl
def check_permission(user_id: int, permission: str, context: dict[str, Any]) -> Verdict:
    """An article that is not published is there for editors only."""
    if permission != "kb.view" or "article_id" not in context:
        return "abstain"
    from plugins.kb.reading import hidden_from

    return "deny" if hidden_from(user_id, context["article_id"]) else "abstain"


@hookimpl
def register_permissions() -> list[Permission]:
    """Reading and writing articles."""
    return [
        Permission(
            "kb.view", Text("Read the knowledge base", "Читать базу знаний"), ("agent", "supervisor", "editor", "admin")
        ),
        Permission("kb.edit", Text("Write articles", "Писать статьи"), ("editor", "admin")),
        Permission("kb.publish", Text("Publish articles", "Публиковать статьи"), ("editor", "admin")),
    ]


@hookimpl
def register_blueprints() -> list[BlueprintMount]:
    """The pages and the panel; the help centre for customers."""
    from plugins.kb.blueprint import blueprint
    from plugins.kb.public.blueprint import blueprint as help_centre
    from plugins.kb.readers.reader_blueprint import blueprint as readers

    return [BlueprintMount(blueprint), BlueprintMount(readers), BlueprintMount(help_centre, public=True)]


@hookimpl
def register_api() -> list[ApiOperation]:
    """Articles under ``/api/v1/articles``."""
    import plugins.kb.readers.reader_api  # its operations join the resource, as those of the next
    import plugins.kb.use.case_api  # noqa: F401
    from plugins.kb.api import resource

    return resource.operations


@hookimpl
def register_notices() -> list[NoticeKind]:
    """What editors tell each other about an article, and what readers tell them."""
    from plugins.kb.editing import notices
    from plugins.kb.readers import reader_notices

    return [*notices.KINDS, *reader_notices.KINDS]


@hookimpl
def register_assets() -> list[Asset]:
    """Styles and behaviour of the panel and the pages."""
    return [
        Asset("css", "/kb/static/kb.css"),
        Asset("css", "/kb/static/readers.css"),
        Asset("css", "/kb/static/search.css"),
        Asset("module", "/kb/static/exchange.js"),
        Asset("module", "/kb/static/search.js"),
        Asset("css", "/kb/static/use.css"),
        Asset("module", "/kb/static/knowledge.js"),
        Asset("module", "/kb/static/editor.js"),
        Asset("css", "/kb/static/editing.css"),
    ]


@hookimpl
def register_translations() -> list[str]:
    """The Russian catalogue."""
    return [str(HERE / "translations")]


@hookimpl
def register_commands() -> list[CommandMount]:
    """``okno kb``."""
    from plugins.kb.cli import kb
    from plugins.kb.use import use_commands  # noqa: F401 -- its commands join the group

    return [CommandMount(kb)]


@hookimpl
def register_jobs() -> list[Job]:
    """The indexer and its upkeep, and what comes out or expires on time."""
    from plugins.kb.finding.index import index_due, upkeep
    from plugins.kb.public.index import mend
    from plugins.kb.writing.review_dates import remind_due
    from plugins.kb.writing.schedule import run_due

    return [
        Job("kb.public_index", mend, seconds=PUBLIC_INDEX_SECONDS),
        Job("kb.review_dates", remind_due, seconds=REVIEW_SECONDS),
        Job("kb.index", index_due, seconds=INDEX_SECONDS),
        Job("kb.upkeep", upkeep, seconds=UPKEEP_SECONDS),
        Job("kb.schedule", run_due, seconds=SCHEDULE_SECONDS),
    ]


@hookimpl
def register_search_backends() -> list[SearchBackend]:
    """Whoosh, and tantivy for large knowledge bases."""
    from plugins.kb.finding.index import open_tantivy, open_whoosh

    return [
        SearchBackend("whoosh", Text("Whoosh", "Whoosh"), open=open_whoosh),
        SearchBackend("tantivy", Text("tantivy", "tantivy"), open=open_tantivy),
    ]


@hookimpl
def register_search_sources() -> list[SearchSource]:
    """Articles in the desk's search box; what of them customers may read, for bots."""
    from plugins.kb.finding.index import search
    from plugins.kb.public.offers import find, where

    title, public = Text("Knowledge base", "База знаний"), Text("Help centre", "Справочный центр")
    return [
        SearchSource("article", title, "book", search, lambda key: f"/kb/articles/{key}", "kb.view"),
        SearchSource("public_article", public, "book", find, where, audience="customers"),
    ]


@hookimpl
def extend_search_query(query: SearchQuery) -> SearchQuery | None:
    """«№ 1001» asks for the article with that number."""
    text = NUMBER_SIGN.sub(r"number:\1 ", query.text).strip()
    return replace(query, text=text) if NUMBER_SIGN.search(query.text) else None


@hookimpl
def during_message(message: MessageInfo) -> None:
    """Tie the articles that an agent put into this reply to it."""
    if message.author == "agent" and message.direction == "out":
        from plugins.kb.use.defaults import count_sent
        from plugins.kb.use.usage import tie_to_message

        count_sent(message)
        tie_to_message(message)


@hookimpl
def during_assigned(interaction: InteractionInfo) -> None:
    """Begin the agent's answer with the service's article."""
    from plugins.kb.use.defaults import begin_answer

    begin_answer(interaction)


@hookimpl
def during_case_change(change: CaseChange) -> None:
    """A case marked as worth an article comes to the editors."""
    from plugins.kb.readers.candidates import on_case_change

    on_case_change(change)


@hookimpl
def collect_menu_items(context: DeskContext) -> list[MenuItem]:
    """The knowledge base in the function bar."""
    return [MenuItem("kb", Text("Knowledge base", "База знаний"), "book", "/kb", order=40, permission="kb.view")]


@hookimpl
def collect_panels(context: DeskContext) -> list[Panel]:
    """The panel beside the work, knowing the case in focus, and the articles used in a case."""
    focus = (("case_id", context.case_id), ("interaction_id", context.interaction_id))
    asked = "&".join(f"{name}={value}" for name, value in focus if value is not None)
    url = f"/kb/panel?{asked}" if asked else "/kb/panel"
    panels = [Panel("kb", Text("Knowledge base", "База знаний"), "book", url, "side", order=10, permission="kb.view")]
    if context.case_id is not None:
        candidate, title = f"/kb/panel/candidate/{context.case_id}", Text("For the knowledge base", "В базу знаний")
        panels.append(Panel("kb-candidate", title, "bulb", candidate, "case", order=65, permission="case.reply"))
        linked, title = f"/kb/panel/case?case_id={context.case_id}", Text("Articles", "Статьи")
        panels.append(Panel("kb-case", title, "book", linked, "case", order=60, permission="kb.view"))
    default = Text("Article that answers begin with", "Статья, с которой начинаются ответы")
    panels.append(Panel("kb-default", default, "book", "/kb/defaults", "service", permission="admin.services"))
    return panels


@hookimpl
def collect_home_tiles(context: DeskContext) -> list[HomeTile]:
    """What colleagues use most."""
    from core.db import db
    from core.model import User
    from core.permissions import allowed

    user = db.session.get(User, context.user_id)
    if user is None or not allowed(user, "kb.view"):
        return []
    return [HomeTile("kb", Text("Most used articles", "Самые нужные статьи"), "/kb/tile", order=60)]


@hookimpl
def load_demo(folder: str) -> None:
    """The demo centre's articles, with some pins and uses."""
    from plugins.kb.demo_articles import load

    load(HERE / "demo")


@hookimpl
def check_health() -> list[HealthCheck]:
    """Whether the index answers and keeps up, and whether the services' articles can be sent."""
    from plugins.kb.finding import index
    from plugins.kb.use import defaults

    return [index.health(), defaults.health()]


@hookimpl
def register_error_texts() -> list[ErrorText]:
    """What the plugin's operations refuse, with cause and remedy."""
    return error_texts.read(HERE / "errors.yml")
