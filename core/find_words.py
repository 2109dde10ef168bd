"""The word parts by which the directory finds people, contacts, organisations and services, kept as these change.

A name is cut at everything but letters and digits, so that «Анна Иванова-Петрова» is found by the beginning of any of its
three parts. ё is е. A telephone number is found by its digits from the country code, from the area code, with the trunk
prefix, and by its last seven and four digits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, delete, event, insert, inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from core.db import current_work, db, transaction
from core.model import Contact, ContactAddress, FindWord, Organisation, Service, User

PART = re.compile(r"[^\W_]+")
LONGEST = 60
BATCH = 2000
Key = tuple[str, int]
_TEXTS: dict[type[Any], tuple[str, tuple[str, ...]]] = {
    Contact: ("contact", ("name",)),
    Organisation: ("organisation", ("name", "tax_id")),
    Service: ("service", ("key", "title_en", "title_ru")),
    User: ("user", ("login", "first_name", "last_name", "nickname", "email", "phone")),
}


def parts_of(text: str) -> list[str]:
    """The word parts of ``text`` as they are compared: lower case, ё as е, at most 60 characters each."""
    return [part[:LONGEST] for part in PART.findall(text.casefold().replace("ё", "е"))]


def phone_parts(number: str) -> set[str]:
    """What a telephone number may be looked for by; empty when it holds fewer than three digits."""
    digits = "".join(character for character in number if character.isdigit())[:LONGEST]
    if len(digits) < 3:
        return set()
    if len(digits) == 11 and digits[0] in "78":
        national = {digits[1:]}
        whole = {"7" + digits[1:], "8" + digits[1:]}
    else:
        # Country codes have one to three digits; where the number begins is known to nobody without tables.
        national = {digits[cut:] for cut in (1, 2, 3) if len(digits) - cut >= 5}
        whole = {digits, *("0" + rest for rest in national)}
    return whole | national | {digits[-7:], digits[-4:]}


def _looks_like_phone(text: str) -> bool:
    return sum(character.isdigit() for character in text) >= 5 and not any(character.isalpha() for character in text)


def words_of(*texts: str) -> set[str]:
    """The words of one thing that has these texts."""
    found: set[str] = set()
    for text in texts:
        found |= phone_parts(text) if _looks_like_phone(text) else set(parts_of(text))
    return found


# --- kept in step -------------------------------------------------------------------------------------


def install() -> None:
    """Keep the words in step with every flush of this process. Safe to repeat."""
    if not event.contains(Session, "after_flush", _keep):
        event.listen(Session, "after_flush", _keep)


def _keep(session: Session, _context: Any) -> None:
    fresh: dict[Key, set[str]] = {}
    stale: set[Key] = set()
    for row in session.new:
        for key, texts in _entry(row):
            fresh.setdefault(key, set()).update(words_of(*texts))
    for row in session.dirty:
        stale.update(key for key, _texts in _entry(row, changed=True))
    gone: set[Key] = set()
    for row in session.deleted:
        keys = {key for key, _texts in _entry(row)}
        (stale if isinstance(row, ContactAddress) else gone).update(keys)
    if not (fresh or stale or gone):
        return
    connection = session.connection()
    for kind, object_id in stale | gone:
        connection.execute(delete(FindWord).where(FindWord.kind == kind, FindWord.object_id == object_id))
    for key in stale - gone:
        fresh[key] = _read(connection, key)
    _write(connection, fresh)


def _entry(row: Any, *, changed: bool = False) -> Iterator[tuple[Key, tuple[str, ...]]]:
    if isinstance(row, ContactAddress):
        if not changed or _differs(row, ("value", "contact_id")):
            yield ("contact", row.contact_id), (row.value,)
        return
    found = _TEXTS.get(type(row))
    if found is not None and (not changed or _differs(row, found[1])):
        yield (found[0], row.id), tuple(getattr(row, name) or "" for name in found[1])


def _differs(row: Any, names: Iterable[str]) -> bool:
    state = inspect(row)
    return any(state.attrs[name].history.has_changes() for name in names)


def _read(connection: Connection, key: Key) -> set[str]:
    kind, object_id = key
    model, names = next((model, names) for model, (name, names) in _TEXTS.items() if name == kind)
    columns = [getattr(model, name) for name in names]
    row = connection.execute(select(*columns).where(model.id == object_id)).first()
    texts = [value or "" for value in row] if row else []
    if kind == "contact":
        texts += connection.scalars(select(ContactAddress.value).where(ContactAddress.contact_id == object_id))
    return words_of(*texts)


def add(row: Any, *further: str) -> None:
    """Words of a row that came into its table past the flush (:func:`core.db.put`), and of ``further`` texts about it."""
    _write(current_work().connection, {key: words_of(*texts, *further) for key, texts in _entry(row)})


def _write(connection: Connection, words: dict[Key, set[str]]) -> None:
    rows = [{"kind": kind, "object_id": key, "word": word} for (kind, key), found in words.items() for word in found]
    if rows:
        upsert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
        connection.execute(upsert(FindWord).on_conflict_do_nothing(), rows)


def rebuild() -> int:
    """Make all words anew, for rows that came past the session (a restored dump, a bulk load); returns how many words."""
    with transaction():
        words: dict[Key, set[str]] = {}
        for model, (kind, names) in _TEXTS.items():
            for row in db.session.execute(select(model.id, *(getattr(model, name) for name in names))):
                words[kind, row[0]] = words_of(*(text or "" for text in row[1:]))
        for contact_id, value in db.session.execute(select(ContactAddress.contact_id, ContactAddress.value)):
            words["contact", contact_id] |= words_of(value)
        db.session.execute(delete(FindWord))
        rows = [
            {"kind": kind, "object_id": key, "word": word} for (kind, key), found in words.items() for word in found
        ]
        for start in range(0, len(rows), BATCH):
            db.session.execute(insert(FindWord), rows[start : start + BATCH])
        return len(rows)
