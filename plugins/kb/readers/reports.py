"""Reports on the knowledge base: what is used, what is not, what readers think, what is old. Each is one table."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Integer, and_, case, cast, exists, func, or_, select, union

from core.clock import now
from core.contracts import Text
from core.db import db
from core.model import User
from plugins.kb.models import Article, Candidate, CaseArticle, Folder, Rating, Use

LIMIT = 200
DAYS = (7, 30, 90, 365)
MONTHS = (3, 6, 12, 24)
MONTH_DAYS = 30.44
# A text that a spreadsheet would take for a formula gets a quote before it.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report is about: the last ``days``, a folder with all below it, and from how many months on a text is old."""

    days: int = 30
    folder_id: int | None = None
    months: int = 12

    @property
    def since(self) -> datetime:
        """The first moment of the period."""
        return now() - timedelta(days=self.days)

    @property
    def old_before(self) -> datetime:
        """What was neither changed nor reviewed since then is old."""
        return now() - timedelta(days=self.months * MONTH_DAYS)


@dataclass(frozen=True, slots=True)
class Line:
    """A row: ``number`` leads to the article, 0 to none; ``values`` stand under the columns of the report."""

    number: int
    title: str
    values: tuple[Any, ...]
    article_id: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """A report by name: its title, what it tells, its columns beside number and title, and how it is read."""

    key: str
    title: Text
    about: Text
    icon: str
    columns: tuple[Text, ...]
    read: Callable[[Asked], list[Line]]


def folder_ids(folder_id: int | None) -> list[int] | None:
    """The folder and all below it; None for all folders."""
    if folder_id is None:
        return None
    below: dict[int | None, list[int]] = {}
    for id_, parent_id in db.session.execute(select(Folder.id, Folder.parent_id)):
        below.setdefault(parent_id, []).append(id_)
    found, waiting = [], [folder_id]
    while waiting:
        found.append(waiting.pop())
        waiting += below.get(found[-1], [])
    return found


def _within(query: Any, asked: Asked) -> Any:
    ids = folder_ids(asked.folder_id)
    return query if ids is None else query.where(Article.folder_id.in_(ids))


def _lines(query: Any, asked: Asked) -> list[Line]:
    rows = db.session.execute(_within(query, asked).limit(LIMIT)).all()
    return [Line(row[1], row[2], tuple(row[3:]), row[0]) for row in rows]


_HEAD: tuple[Any, ...] = (Article.id, Article.number, Article.title)
# As the property ``User.name`` has it, for grouping in the data base.
_NAME: Any = func.trim(User.first_name + " " + User.last_name)


def most_used(asked: Asked) -> list[Line]:
    """Articles by how often they were put into answers, with agents and the last time."""
    times = func.count(Use.id)
    query = select(*_HEAD, times, func.count(Use.user_id.distinct()), func.max(Use.at)).join(
        Use, Use.article_id == Article.id
    )
    return _lines(query.where(Use.at >= asked.since).group_by(*_HEAD).order_by(times.desc(), Article.number), asked)


def never_used(asked: Asked) -> list[Line]:
    """Published articles that nobody put into an answer in the period, the oldest first."""
    used = exists().where(Use.article_id == Article.id, Use.at >= asked.since)
    query = select(*_HEAD, Article.uses, Article.updated_at).where(Article.status == "published", ~used)
    return _lines(query.order_by(Article.updated_at, Article.number), asked)


def least_helpful(asked: Asked) -> list[Line]:
    """Articles that readers found unhelpful, by how many."""
    yes = func.sum(cast(Rating.helpful, Integer))
    no = func.count(Rating.id) - yes
    agents = func.sum(case((Rating.user_id.is_not(None) & Rating.helpful.is_(False), 1), else_=0))
    query = select(*_HEAD, no, yes, agents).join(Rating, Rating.article_id == Article.id)
    query = query.where(Rating.at >= asked.since).group_by(*_HEAD).having(no > 0)
    return _lines(query.order_by(no.desc(), yes, Article.number), asked)


def outdated(asked: Asked) -> list[Line]:
    """Published articles whose review date has passed, or that nobody changed or reviewed for some months."""
    due = and_(Article.review_at.is_not(None), Article.review_at <= now())
    old = and_(
        Article.review_at.is_(None),
        Article.updated_at < asked.old_before,
        or_(Article.reviewed_at.is_(None), Article.reviewed_at < asked.old_before),
    )
    query = (
        select(*_HEAD, _NAME, Article.review_at, Article.reviewed_at, Article.updated_at)
        .outerjoin(User, User.id == Article.owner_id)
        .where(Article.status == "published", or_(due, old))
    )
    return _lines(query.order_by(Article.review_at.is_(None), Article.review_at, Article.updated_at), asked)


def linked_cases(asked: Asked) -> list[Line]:
    """Articles by the cases they helped in: used in an answer, or linked by hand."""
    used = select(Use.article_id, Use.case_id).where(Use.case_id.is_not(None), Use.at >= asked.since)
    linked = select(CaseArticle.article_id, CaseArticle.case_id).where(CaseArticle.at >= asked.since)
    pairs = union(used, linked).subquery()
    by_hand = (
        select(CaseArticle.article_id, func.count().label("count"))
        .where(CaseArticle.at >= asked.since)
        .group_by(CaseArticle.article_id)
        .subquery()
    )
    cases = func.count(pairs.c.case_id)
    query = (
        select(*_HEAD, cases, func.coalesce(func.max(by_hand.c.count), 0))
        .join(pairs, pairs.c.article_id == Article.id)
        .outerjoin(by_hand, by_hand.c.article_id == Article.id)
    )
    return _lines(query.group_by(*_HEAD).order_by(cases.desc(), Article.number), asked)


def candidates(asked: Asked) -> list[Line]:
    """Who proposes cases as knowledge, and what becomes of them."""

    def counted(*states: str) -> Any:
        return func.sum(case((Candidate.state.in_(states), 1), else_=0))

    query = (
        select(
            User.id,
            _NAME,
            func.count(Candidate.id),
            counted("open", "drafted"),
            counted("published"),
            counted("declined"),
        )
        .join(Candidate, Candidate.user_id == User.id)
        .where(Candidate.at >= asked.since)
        .group_by(User.id, User.first_name, User.last_name)
        .order_by(func.count(Candidate.id).desc(), User.id)
    )
    rows = db.session.execute(query.limit(LIMIT)).all()
    return [Line(0, row[1], tuple(int(value or 0) for value in row[2:])) for row in rows]


REPORTS = (
    Report("used", Text("Most used", "Самые нужные"), Text("Put into answers in the period.", "Вставлены в ответы за период."), "clipboard-check", (Text("Uses", "Применений"), Text("Agents", "Операторов"), Text("Last", "Последнее")), most_used),
    Report("unused", Text("Never used", "Не используются"), Text("Published, but in nobody's answer in the period.", "Опубликованы, но за период никому не пригодились."), "mood-smile", (Text("Uses in all", "Всего применений"), Text("Changed", "Изменена")), never_used),
    Report("unhelpful", Text("Least helpful", "Не помогают"), Text("Readers said «not helpful» in the period.", "За период читатели ответили «не помогла»."), "thumb-down", (Text("Not helpful", "Не помогла"), Text("Helpful", "Помогла"), Text("«Not» of agents", "«Не помогла» от операторов")), least_helpful),
    Report("outdated", Text("Outdated", "Устарели"), Text("The review date has passed, or nobody has looked at them for long.", "Срок проверки прошёл, или их давно никто не смотрел."), "hourglass", (Text("Owner", "Ответственный"), Text("Review by", "Проверить до"), Text("Reviewed", "Проверена"), Text("Changed", "Изменена")), outdated),
    Report("cases", Text("Cases of articles", "Запросы по статьям"), Text("How many cases an article was used in or linked to.", "В скольких запросах статья использована или связана."), "folder", (Text("Cases", "Запросов"), Text("Linked by hand", "Связано вручную")), linked_cases),
    Report("candidates", Text("Candidates", "Кандидаты"), Text("Who proposes cases as knowledge, and what becomes of it.", "Кто предлагает запросы в базу знаний и что из этого выходит."), "bulb", (Text("Proposed", "Предложено"), Text("In work", "В работе"), Text("Published", "Опубликовано"), Text("Declined", "Отклонено")), candidates),
)  # fmt: skip
BY_KEY = {report.key: report for report in REPORTS}


def as_csv(report: Report, lines: Sequence[Line], lang: str) -> str:
    """The report for a spreadsheet: UTF-8 with a mark, semicolons, moments in ISO 8601."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(["№", Text("Title", "Название").to(lang), *(column.to(lang) for column in report.columns)])
    for line in lines:
        writer.writerow([line.number or "", _cell(line.title), *(_cell(value) for value in line.values)])
    return "\ufeff" + out.getvalue()


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat(timespec="minutes")
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return "" if value is None else value
