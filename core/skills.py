"""Skills (навыки): what agents know to a level of 1 to 5, and what services ask for. The only code that changes them.

Every operation owns its transaction (or joins the caller's), writes :mod:`core.audit`, wakes the router and raises
:class:`core.contracts.Rejected` or :class:`core.schemas.Invalid`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import delete, func, select

from core import audit
from core.contracts import Rejected, Text
from core.db import db, on_commit, transaction
from core.directory import list_users, missing
from core.events.wake import wake
from core.model import Service, ServiceSkill, Skill, Team, TeamMember, User, UserSkill
from core.schemas import DemandForm, Invalid, SkillForm, checked

HIGHEST = 5


@dataclass(frozen=True, slots=True)
class SkillDemand:
    """What a service asks for: ``level`` at first, one less after each ``relax_seconds`` of waiting (0: never), down to ``floor``."""

    skill: str
    level: int = 1
    relax_seconds: int = 0
    floor: int = 0

    def __str__(self) -> str:
        """As the command line writes it: "tax:3", "tax:3:120:1"."""
        rest = (self.level, self.relax_seconds, self.floor) if self.relax_seconds else (self.level,)
        return ":".join([self.skill, *map(str, rest)])


# --- skills ------------------------------------------------------------------------------------------


def list_skills() -> list[Skill]:
    """All skills by key."""
    return list(db.session.scalars(select(Skill).order_by(Skill.key)))


def get_skill(key: str) -> Skill:
    """The skill of that key; raises ``Rejected`` (``not-found``)."""
    skill: Skill | None = db.session.scalar(select(Skill).where(Skill.key == key))
    if skill is None:
        raise missing("skill", "навык", key)
    return skill


def people_with_skills() -> dict[str, int]:
    """How many enabled users have each skill, by its key."""
    query = (
        select(Skill.key, func.count(User.id))
        .join(UserSkill, UserSkill.skill_id == Skill.id)
        .join(User, User.id == UserSkill.user_id)
        .where(User.disabled_at.is_(None))
        .group_by(Skill.key)
    )
    return {row.key: row[1] for row in db.session.execute(query)}


def add_skill(key: str, title_en: str, title_ru: str) -> Skill:
    """A new skill. Codes: ``invalid``, ``exists``."""
    values = checked(SkillForm, {"key": key, "title_en": title_en, "title_ru": title_ru})
    with transaction():
        if db.session.scalar(select(Skill.id).where(Skill.key == values["key"])) is not None:
            raise Invalid({"key": Text("A skill with this key exists.", "Навык с таким ключом уже есть.")}, "exists")
        skill = Skill(**values)
        db.session.add(skill)
        db.session.flush()
        audit.record("skill.add", "skill", skill.key, after=values)
    return skill


def update_skill(skill_id: int, **fields: Any) -> Skill:
    """Change the titles; the key stays."""
    values = checked(SkillForm, {name: value for name, value in fields.items() if name != "key"}, partial=True)
    with transaction():
        skill = _skill(skill_id)
        before = {name: getattr(skill, name) for name in values}
        for name, value in values.items():
            setattr(skill, name, value)
        audit.record("skill.change", "skill", skill.key, before, values)
    return skill


def remove_skill(skill_id: int) -> None:
    """Remove a skill and everybody's level of it; one that a service asks for is refused (``in-use``)."""
    with transaction():
        skill = _skill(skill_id)
        asking = select(Service.key).join(ServiceSkill).where(ServiceSkill.skill_id == skill_id).order_by(Service.key)
        services = list(db.session.scalars(asking))
        if services:
            names = ", ".join(services)
            text = Text(
                f"Services ask for this skill: {names}. Change them first.",
                f"Этот навык нужен сервисам: {names}. Сначала измените их.",
            )
            raise Rejected(text, "in-use")
        audit.record("skill.remove", "skill", skill.key, before={"title_en": skill.title_en})
        db.session.execute(delete(UserSkill).where(UserSkill.skill_id == skill_id))
        db.session.delete(skill)


def _skill(skill_id: int) -> Skill:
    skill = db.session.get(Skill, skill_id)
    if skill is None:
        raise missing("skill", "навык", skill_id)
    return skill


# --- who knows what ----------------------------------------------------------------------------------


def people_page(search: str, team: str, offset: int, limit: int) -> list[User]:
    """Enabled users by name, from ``offset`` on; all words of ``search`` in login or name, ``team`` by its key or ""."""
    query = select(User).where(User.disabled_at.is_(None)).order_by(User.last_name, User.first_name, User.id)
    if team:
        query = query.where(User.memberships.any(TeamMember.team.has(Team.key == team)))
    if search.strip():
        found = [user.id for user in list_users(search, disabled=False)]
        query = query.where(User.id.in_(found))
    return list(db.session.scalars(query.offset(offset).limit(limit)))


def skills_of(user_ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """Level by skill of each of these users."""
    found: dict[int, dict[str, int]] = {user_id: {} for user_id in user_ids}
    query = select(UserSkill.user_id, Skill.key, UserSkill.level).join(Skill).where(UserSkill.user_id.in_(list(found)))
    for user_id, key, level in db.session.execute(query):
        found[user_id][key] = level
    return found


def set_user_skills(user_id: int, levels: Mapping[str, int]) -> None:
    """Give a user exactly these skills, level (1 to 5) by key. 0 stands for none."""
    with transaction():
        known = {skill.key: 0 for skill in list_skills()}
        set_levels({user_id: {**known, **levels}})


def set_levels(changes: Mapping[int, Mapping[str, Any]]) -> int:
    """Change single levels of many users: level by skill by user, 0 takes a skill away. Returns how many changed.

    Raises ``Invalid`` (field "user:skill") for a level outside of 0 to 5 and ``not-found`` for unknown users and skills.
    """
    with transaction():
        users = {user.id: user for user in db.session.scalars(select(User).where(User.id.in_(list(changes))))}
        skills = {skill.key: skill for skill in list_skills()}
        rows = {
            (row.user_id, row.skill_id): row
            for row in db.session.scalars(select(UserSkill).where(UserSkill.user_id.in_(list(changes))))
        }
        changed = 0
        for user_id, levels in changes.items():
            if user_id not in users:
                raise missing("user", "пользователь", user_id)
            changed += _set_levels(users[user_id], levels, skills, rows)
        if changed:
            on_commit(lambda: wake("routing"))
    return changed


def _set_levels(
    user: User, levels: Mapping[str, Any], skills: Mapping[str, Skill], rows: Mapping[tuple[int, int], UserSkill]
) -> int:
    before, after = {}, {}
    for key, given in levels.items():
        if key not in skills:
            raise missing("skill", "навык", key)
        level, row = _level(user, key, given), rows.get((user.id, skills[key].id))
        was = row.level if row else 0
        if level == was:
            continue
        before[key], after[key] = was, level
        if row is None:
            db.session.add(UserSkill(user_id=user.id, skill_id=skills[key].id, level=level))
        elif level:
            row.level = level
        else:
            db.session.delete(row)
    if after:
        audit.record("user.skills", "user", user.login, before, after)
    return len(after)


def _level(user: User, key: str, given: Any) -> int:
    text = str(given).strip()
    if text in ("", "0"):
        return 0
    if not text.isdecimal() or not 1 <= int(text) <= HIGHEST:
        words = Text(
            f"{user.name}, «{key}»: a level is a number from 1 to {HIGHEST}, empty for none; not «{text}».",
            f"{user.name}, «{key}»: уровень — число от 1 до {HIGHEST}, пусто, если навыка нет; не «{text}».",
        )
        raise Invalid({f"{user.id}:{key}": words}, "level")
    return int(text)


# --- what services ask for ---------------------------------------------------------------------------


def demands_of(service_ids: Iterable[int]) -> dict[int, list[SkillDemand]]:
    """What each of these services asks for, by skill."""
    found: dict[int, list[SkillDemand]] = {service_id: [] for service_id in service_ids}
    query = select(ServiceSkill, Skill.key).join(Skill).where(ServiceSkill.service_id.in_(list(found)))
    for row, key in db.session.execute(query.order_by(Skill.key)):
        found[row.service_id].append(SkillDemand(key, row.level, row.relax_seconds, row.floor))
    return found


def set_service_skills(service_id: int, demands: Iterable[SkillDemand]) -> None:
    """Let a service ask for exactly these skills. Raises ``Invalid`` (``skills``): out of range, twice, floor above level."""
    chosen = [_checked(demand) for demand in demands]
    if len({demand.skill for demand in chosen}) != len(chosen):
        raise Invalid({"skills": Text("A skill is given twice.", "Навык указан дважды.")})
    with transaction():
        service = db.session.get(Service, service_id)
        if service is None:
            raise missing("service", "сервис", service_id)
        before = demands_of([service_id])[service_id]
        ids = {demand.skill: get_skill(demand.skill).id for demand in chosen}
        db.session.execute(delete(ServiceSkill).where(ServiceSkill.service_id == service_id))
        for demand in chosen:
            values = asdict(demand)
            del values["skill"]
            db.session.add(ServiceSkill(service_id=service_id, skill_id=ids[demand.skill], **values))
        db.session.flush()
        audit.record(
            "service.skills",
            "service",
            service.key,
            {"skills": sorted(map(str, before))},
            {"skills": sorted(map(str, chosen))},
        )
        on_commit(lambda: wake("routing"))


def _checked(demand: SkillDemand) -> SkillDemand:
    try:
        values = checked(DemandForm, asdict(demand))
    except Invalid as invalid:
        text = next(iter(invalid.errors.values()))
        raise Invalid({"skills": Text(f"{demand.skill}: {text.en}", f"{demand.skill}: {text.ru}")}) from None
    if values["floor"] > values["level"]:
        text = Text(
            f"{demand.skill}: the least level must not be above the level asked for.",
            f"{demand.skill}: наименьший уровень не может быть выше требуемого.",
        )
        raise Invalid({"skills": text})
    return SkillDemand(**values)
