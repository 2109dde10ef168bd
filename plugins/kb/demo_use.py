"""How the demo centre uses its articles: folders of favourites, knowledge maps, an article that answers begin with."""

from __future__ import annotations

from sqlalchemy import select

from core.db import db, transaction
from core.model import Case, Service, Team, TeamMember, User
from plugins.kb.models import Article, FavouriteSet
from plugins.kb.use import case_articles, defaults, favourites, links
from plugins.kb.writing.operations import create_article, folded

OWN = {
    "a.sokolova": ("Подпись: чаще всего", (1001, 1002, 1004, 1053)),
    "j.harris": ("Account questions", (5051, 5052, 5053)),
}
TEAMS = {
    "first-line": ("Ответы первой линии", (1601, 1602, 1603, 1201)),
    "english-support": ("Team answers", (5351, 5352, 5203)),
}
DEFAULT = ("accounting", 1501)
LINKED = (1001, 1201, 1351, 5051)
MAPS = {
    1690: (
        1601,
        "ru",
        "Карта: документ не подписывается",
        "Не подписывается отчёт или документ: с чего начать?",
        "## Программа называет код ошибки\n\n- 0x8010006B или 0x8010006C\n  - [ПИН-код неверный](kb:1001)\n"
        "  - [ПИН-код заблокирован](kb:1002)\n- 0x80090016: [набор ключей не найден](kb:1052)\n"
        "- 0x800B010A: [цепочка сертификатов](kb:1053)\n\n## Кода нет\n\n- Носитель не виден: № 1006\n"
        "- Сертификат истёк: № 1004\n- Подписывает сотрудник по доверенности: [МЧД](kb:1005)\n\n"
        "## Не помогло\n\n- [Передать на вторую линию](kb:1601)\n",
    ),
    5390: (
        5352,
        "en",
        "Map: a customer cannot sign in",
        "Where to begin when somebody cannot sign in?",
        "## The password is refused\n\n- [Reset a password](kb:5051)\n\n## The code is refused\n\n"
        "- [Lost authenticator](kb:5052)\n\n## Single sign-on\n\n- [SAML](kb:5053)\n\n## Nothing helps\n\n- [Escalate](kb:5351)\n",
    ),
}


def load() -> None:
    """Put all of it in; safe to repeat."""
    with transaction():
        rows = db.session.execute(select(Article.number, Article.id))
        numbers: dict[int, int] = {row.number: row.id for row in rows}
        for number, (beside, *words) in MAPS.items():
            if number not in numbers and beside in numbers:
                numbers[number] = _map(number, numbers[beside], *words)
        _favourites(numbers)
        _cases(numbers)
        key, number = DEFAULT
        if number in numbers and db.session.scalar(select(Service.id).where(Service.key == key)) is not None:
            defaults.set_default(key, number)
    links.note_all()


def _map(number: int, beside_id: int, language: str, title: str, question: str, source: str) -> int:
    beside = db.session.get_one(Article, beside_id)
    section = {"title": "Шаги" if language == "ru" else "Steps", "markdown": source}
    fields = {"title": title, "question": question, "language": language, "folder_id": beside.folder_id}
    fields |= {"kind": "map", "sections": [section], "tags": ["карта знаний" if language == "ru" else "map"]}
    return create_article(None, fields, number=number, status="published").id


def _favourites(numbers: dict[int, int]) -> None:
    users = {row.login: row.id for row in db.session.scalars(select(User).where(User.login.in_(OWN)))}
    for login, (title, wanted) in OWN.items():
        if login in users:
            _fill(users[login], None, title, [numbers[number] for number in wanted if number in numbers])
    keepers = select(Team.key, Team.id, TeamMember.user_id).join(TeamMember, TeamMember.team_id == Team.id)
    rows = db.session.execute(keepers.where(Team.key.in_(TEAMS), TeamMember.supervisor).order_by(TeamMember.user_id))
    for key, team_id, user_id in {row.key: row for row in rows}.values():
        title, wanted = TEAMS[key]
        _fill(user_id, team_id, title, [numbers[number] for number in wanted if number in numbers])


def _fill(user_id: int, team_id: int | None, title: str, article_ids: list[int]) -> None:
    owner = FavouriteSet.team_id == team_id if team_id else FavouriteSet.user_id == user_id
    known = db.session.scalar(select(FavouriteSet.id).where(owner, FavouriteSet.title_key == folded(title)))
    set_id = known or favourites.save_set(user_id, title, team_id=team_id)
    for article_id in article_ids:
        favourites.add(user_id, article_id=article_id, set_id=set_id)


def _cases(numbers: dict[int, int]) -> None:
    """A few cases of the demo with an article that fits their subject's service."""
    cases = list(
        db.session.scalars(select(Case.id).where(Case.status == "closed").order_by(Case.id).limit(len(LINKED)))
    )
    for case_id, number in zip(cases, LINKED, strict=False):
        if number in numbers:
            case_articles.link(case_id, numbers[number], None)
