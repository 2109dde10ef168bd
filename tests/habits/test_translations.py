"""Every text of the interface is there in Russian, and the catalogues hold nothing that is not used."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest

from scripts.translations import extract, find_catalogues, read_catalogue
from tests.support.places import ROOT

FOLDERS = list(find_catalogues(ROOT))
CYRILLIC = re.compile("[а-яё]", re.IGNORECASE)
# The same in both languages: names, formats, protocol words.
SAME = {"Okno", "Message-ID", "CSV", "SLA", "%(number)s"}


def translated(folder: Path) -> dict[str, str]:
    """msgid → Russian text of all catalogues in a translations folder; for plurals the first form."""
    texts: dict[str, str] = {}
    for path in sorted((folder / "ru" / "LC_MESSAGES").glob("*.po")):
        for message in read_catalogue(path):
            key = message.id[0] if isinstance(message.id, tuple) else message.id
            text = message.string[0] if isinstance(message.string, tuple) else message.string
            if key and text and not message.fuzzy:
                texts[key] = text
    return texts


def used(folder: Path) -> set[str]:
    """The texts that the package around a translations folder asks for."""
    ids = (message.id for message in extract(folder.parent))
    return {one[0] if isinstance(one, tuple) else one for one in ids if one}


@pytest.mark.feature("P-09")
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_every_text_has_its_russian(folder: Path) -> None:
    core = translated(ROOT / "core" / "translations")
    known = {**core, **translated(folder)}
    assert not sorted(used(folder) - set(known) - SAME)


@pytest.mark.feature("P-09")
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.parent.name)
def test_russian_texts_are_in_russian_and_keep_their_placeholders(folder: Path) -> None:
    for key, text in translated(folder).items():
        assert set(re.findall(r"%\((\w+)\)s", key)) >= set(re.findall(r"%\((\w+)\)s", text)), key
        assert CYRILLIC.search(text) or not re.search("[a-z]{4,}", key.replace("Okno", "")) or text == key, (key, text)


@pytest.mark.feature("P-09")
@pytest.mark.parametrize("language", ["ru", "en"])
def test_a_text_says_the_same_in_every_package(language: str) -> None:
    """All catalogues are one at run time: of two translations of a text one would win everywhere (use ``pgettext``)."""
    meanings: dict[tuple[str, str], set[str]] = defaultdict(set)
    for folder in FOLDERS:
        for path in (folder / language / "LC_MESSAGES").glob("*.po"):
            for message in read_catalogue(path):
                if message.id and message.string:
                    meanings[message.context or "", str(message.id)].add(str(message.string))
    assert {key: found for key, found in meanings.items() if len(found) > 1} == {}
