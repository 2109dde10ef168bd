"""Links, maps, articles that answers begin with, articles of cases: the rules, on both data bases."""

from __future__ import annotations

from typing import Any

import pytest

from core.contracts import Rejected


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"core.plugins": ["kb", "chat"]}


@pytest.fixture
def folder_id(db: Any) -> int:
    from plugins.kb.writing.operations import save_folder

    return save_folder(None, "base", title_en="Base", title_ru="База").id


@pytest.fixture
def write(folder_id: int) -> Any:
    """Writes an article with one section; returns it."""

    def article(number: int, text: str, *, status: str = "published", **fields: Any) -> Any:
        from plugins.kb.writing.operations import create_article

        given = {"title": f"Статья {number}", "folder_id": folder_id, **fields}
        sections = [{"title": "Почтовый ответ", "html": text}]
        return create_article(None, {"sections": sections, **given}, number=number, status=status)

    return article


@pytest.fixture
def desk(db: Any) -> dict[str, int]:
    """An agent, a service with a category and a product field, a contact."""
    from core import directory
    from core.db import transaction
    from core.model import CaseCategory, CaseField, Contact, Service

    directory.ensure_roles()
    agent = directory.add_user("anna", "Анна", last_name="Соколова", roles=["agent"], language="ru")
    with transaction():
        service = Service(key="support", title_en="Support", title_ru="Поддержка", is_default=True)
        contact = Contact(name="Пётр")
        db.session.add_all([service, contact])
        db.session.flush()
        choices = [{"key": "reporting", "title_en": "Reporting", "title_ru": "Отчётность"}]
        words = {"title_en": "Product", "title_ru": "Продукт"}
        db.session.add(CaseField(service_id=None, key="product", type="choice", choices=choices, **words))
        db.session.add(CaseCategory(service_id=None, key="fault", title_en="Fault", title_ru="Сбой"))
    return {"agent": agent.id, "service": service.id, "contact": contact.id}


@pytest.fixture
def open_case(desk: dict[str, int], db: Any) -> Any:
    """Opens a case with a chat in the agent's hands: (case, interaction info)."""

    def begin(subject: str = "") -> Any:
        from core.casework import create
        from core.db import transaction
        from core.model import Contact, Interaction, Service
        from core.snapshots import interaction_info

        with transaction():
            contact = db.session.get(Contact, desk["contact"])
            case = create(subject=subject, service=db.session.get(Service, desk["service"]), contact=contact)
            row = Interaction(
                channel="chat", case_id=case.id, service_id=desk["service"], contact_id=contact.id,
                agent_id=desk["agent"], state="active",
            )  # fmt: skip
            db.session.add(row)
            db.session.flush()
            return case.id, interaction_info(row)

    return begin


# --- links and maps ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "named", "guessed"),
    [
        ("<p>см. №3347</p>", {3347}, set()),
        ("<p>см. № 3347 и kb:12</p>", {3347, 12}, set()),
        ('<p><a href="kb:3347">так</a> <a href="/kb/articles/5?q=1">и так</a></p>', {3347, 5}, set()),
        ("<p>смотрите статью 3347 («3348», (3349))</p>", set(), {3347, 3348, 3349}),
        ("<ul><li>3347</li><li>порт 8443</li></ul>", set(), {3347}),
        ("<p>в 2026 году за 1500 ₽</p><code>№3347</code>", set(), set()),
    ],
)
def test_what_a_text_names(html: str, named: set[int], guessed: set[int]) -> None:
    from plugins.kb.use.links import _guessed, _said

    assert (_said(html), _guessed(html)) == (named, guessed)


@pytest.mark.feature("K-08")
def test_links_are_noted_at_each_save_and_broken_ones_told(write: Any, db: Any) -> None:
    from plugins.kb.use import links
    from plugins.kb.writing.operations import set_status, update_article

    there = write(3347, "<p>Это №3348</p>")
    circle = write(3348, "<p>Назад к №3347, к себе №3348 и в никуда №9999, в 2026 году</p>")
    assert [(row.article.number, row.to_number, row.why) for row in links.broken()] == [(3348, 9999, "missing")]
    assert [row.number for row in links.leading_to(3347)] == [3348]
    set_status(there.id, None, "archived")
    assert [(row.to_number, row.why) for row in links.broken()] == [(3347, "archived"), (9999, "missing")]
    update_article(circle.id, None, circle.version, {"sections": [{"title": "Ответ", "html": "<p>без ссылок</p>"}]})
    assert links.broken() == [] and links.note_all() == 2


def test_links_lead_agents_and_are_words_for_contacts(write: Any) -> None:
    from plugins.kb.use import links

    write(3347, "<p>цель</p>")
    html = '<p>см. «3347», «2026», № 9999 и <a href="kb:3347">эту</a> <a href="https://a.example">сюда</a></p>'
    drawn = links.linked(html, links.targets(links.numbers_in([{"html": html}])))
    assert '«<a class="kb-link" data-kb-article="3347" href="/kb/articles/3347">3347</a>»' in drawn
    assert "«2026»" in drawn and "kb-link-broken" in drawn
    assert '<a target="_blank" href="https://a.example">' in drawn
    assert links.unlinked(html) == html.replace('<a href="kb:3347">эту</a>', "эту")


@pytest.mark.feature("K-08")
def test_a_map_is_a_tree_of_steps_and_articles(write: Any) -> None:
    from plugins.kb.use import maps

    write(3347, "<p>цель</p>")
    html = (
        "<h2>Есть код</h2><ul><li>0x01<ul><li><a href='kb:3347'>первая</a></li></ul></li><li>0x02: №9999</li></ul>"
        "<h2>Кода нет</h2><p>Смотрите <a href='kb:3348'>карту</a></p>"
    ).replace("'", '"')
    write(3348, html, kind="map")
    tree = maps.branches(write(3349, html, kind="map", title="Карта"))

    def drawn(rows: Any) -> Any:
        return [(row.title or row.number, drawn(row.children)) for row in rows]

    assert drawn(tree) == [
        ("Есть код", [("0x01", [(3347, [])]), ("0x02", [(9999, [])])]),
        ("Кода нет", [(3348, [])]),
    ]
    first = tree[0].children
    assert first[0].children[0].target.there and first[1].children[0].target is None
    assert maps.branches(write(3350, "<p>" * 3000 + "<ul><li>" * 3000 + "№3347", kind="map"))


# --- articles that answers begin with ----------------------------------------------------------------


@pytest.mark.feature("K-06")
def test_an_answer_begins_with_the_services_article_once(
    write: Any, open_case: Any, desk: dict[str, int], db: Any
) -> None:
    from core import case_drafts
    from plugins.kb.use import defaults

    write(3347, "<p>Здравствуйте, $(from.name)! $(Cursor)</p>")
    write(3348, "<p>Только для чата, вопрос $(case.number)</p>")
    defaults.set_default("support", 3347)
    case_id, info = open_case("Тема")
    assert defaults.begin_answer(info)
    draft = case_drafts.find(desk["agent"], case_id, "reply")
    assert draft is not None and draft.body_html.startswith("<p>Здравствуйте, Пётр!")
    assert not defaults.begin_answer(info)
    case_drafts.save(desk["agent"], case_id, "reply", "")
    assert not defaults.begin_answer(info)

    defaults.set_default("support", 3348, channel="chat")
    case_id, info = open_case("Другая")
    case_drafts.save(desk["agent"], case_id, "reply", "<p>набрано раньше</p>")
    assert not defaults.begin_answer(info)
    assert case_drafts.find(desk["agent"], case_id, "reply").body_html == "<p>набрано раньше</p>"
    case_id, info = open_case("Третья")
    assert defaults.begin_answer(info)
    assert "Только для чата" in case_drafts.find(desk["agent"], case_id, "reply").body_html


def test_a_default_that_is_archived_is_skipped_and_told(write: Any, open_case: Any, desk: dict[str, int]) -> None:
    from plugins.kb.use import defaults
    from plugins.kb.writing.operations import set_status

    article = write(3347, "<p>Здравствуйте!</p>")
    defaults.set_default("support", 3347)
    assert defaults.health().ok
    set_status(article.id, None, "archived")
    assert not defaults.begin_answer(open_case("Тема")[1])
    assert not defaults.health().ok and "support: №3347" in defaults.health().detail
    for number, channel, code in (
        (3347, "", "article-not-published"),
        (1, "", "article-unknown"),
        (1, "fax", "channel-unknown"),
    ):
        with pytest.raises(Rejected, check=lambda error, code=code: error.code == code):
            defaults.set_default("support", number, channel=channel)
    defaults.remove_default("support")
    assert defaults.all_defaults() == [] and defaults.health().ok


def test_the_hook_fills_the_draft_as_the_agent_gets_the_interaction(
    write: Any, open_case: Any, desk: dict[str, int]
) -> None:
    from core import case_drafts
    from core.house import okno
    from plugins.kb.use import defaults

    write(3347, "<p>Здравствуйте!</p>")
    defaults.set_default("support", 3347)
    case_id, info = open_case("Тема")
    okno().hooks.during_assigned(info)
    assert case_drafts.find(desk["agent"], case_id, "reply").body_html == "<p>Здравствуйте!</p>"


@pytest.mark.feature("K-05")
def test_nothing_is_sent_with_a_variable_in_it(open_case: Any, desk: dict[str, int]) -> None:
    from core import casework

    _case_id, info = open_case("Тема")
    for words in ({"html": "<p>Здравствуйте, $(from.nick)!</p>"}, {"html": "<p>да</p>", "subject": "$(case.number)"}):
        with pytest.raises(Rejected, check=lambda error: error.code == "unfilled-variables"):
            casework.reply(info.id, desk["agent"], command_key=str(words), **words)


# --- articles of cases -------------------------------------------------------------------------------


@pytest.mark.feature("C-08")
def test_a_linked_article_gives_the_case_what_it_lacks(
    write: Any, open_case: Any, desk: dict[str, int], db: Any
) -> None:
    from core.model import Case, TimelineEntry
    from plugins.kb.use import case_articles

    article = write(3347, "<p>ответ</p>", products=["Таволга Отчётность"], tags=["сбой"])
    case_id, _info = open_case()
    done = case_articles.link(case_id, article.id, desk["agent"])
    assert (done.fresh, set(done.taken), done.may_rename) == (True, {"subject", "category", "product"}, False)
    case = db.session.get(Case, case_id, populate_existing=True)
    assert (case.subject, case.category, case.fields) == ("Статья 3347", "fault", {"product": "reporting"})
    assert not case_articles.link(case_id, article.id, desk["agent"]).fresh

    other, _info = open_case("Своя тема")
    done = case_articles.link(other, article.id, desk["agent"])
    assert "subject" not in done.taken and done.may_rename
    case_articles.take_title(other, article.id, desk["agent"], before="Своя тема")
    assert db.session.get(Case, other).subject == "Статья 3347"
    found = case_articles.cases_of(article.id, limit=1)
    assert ([row.id for row in found.cases], found.total, found.next_before) == ([other], 2, other)
    assert [row.id for row in case_articles.cases_of(article.id, before=other).cases] == [case_id]
    assert not case_articles.cases_of(article.id, case_articles.cases_seen_by([], 0)).cases

    case_articles.unlink(case_id, article.id, desk["agent"])
    case_articles.unlink(case_id, article.id, desk["agent"])
    assert case_articles.linked_to(case_id) == []
    kinds = db.session.scalars(db.select(TimelineEntry.kind).where(TimelineEntry.case_id == case_id)).all()
    assert [kind for kind in kinds if kind.startswith("kb.")] == ["kb.linked", "kb.unlinked"]
    with pytest.raises(Rejected, check=lambda error: error.code == "article-not-linked"):
        case_articles.take_title(case_id, article.id, desk["agent"])
