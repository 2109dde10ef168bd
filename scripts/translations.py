"""Translations: ``compile`` the .po files that changed, or ``update`` them with the texts found in the sources.

Every ``translations/`` folder under core and plugins is a catalogue of the package around it; its languages are the
folders in it. The compiled .mo files are made on each machine and never committed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
LANGUAGES = ("ru", "en")
METHODS = [("**/migrations/**", "ignore"), ("**/static/vendor/**", "ignore")]
METHODS += [("**.py", "python"), ("**/templates/**.html", "jinja2"), ("**/templates/**.txt", "jinja2")]
KEYWORDS = {
    "_": None,
    "gettext": None,
    "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2),
    "lazy_gettext": None,
    "_l": None,
    "lazy_ngettext": (1, 2),
}


def find_catalogues(root: Path) -> Iterator[Path]:
    """The ``translations`` folders of core and of each plugin."""
    for package in (root / "core", *sorted((root / "plugins").glob("*/"))):
        yield from sorted(folder for folder in package.glob("**/translations") if folder.is_dir())


def read_catalogue(path: Path) -> Catalog:
    """A .po file; its language is the name of the folder two levels up. Raises babel's PoFileError when broken."""
    with path.open("rb") as file:
        return read_po(file, locale=path.parent.parent.name, abort_invalid=True)


def compile_all(root: Path) -> list[Path]:
    """Compile each .po that is newer than its .mo; returns the .mo files written."""
    written = []
    for folder in find_catalogues(root):
        for source in sorted(folder.glob("*/LC_MESSAGES/*.po")):
            target = source.with_suffix(".mo")
            if target.exists() and target.stat().st_mtime_ns >= source.stat().st_mtime_ns:
                continue
            with target.open("wb") as file:
                write_mo(file, read_catalogue(source))
            written.append(target)
    return written


def extract(package: Path) -> Catalog:
    """All texts marked for translation in a package, with the places where they stand."""
    template = Catalog(project="Okno", charset="utf-8")
    found = extract_from_dir(
        package, METHODS, keywords=KEYWORDS, comment_tags=["Translators:"], strip_comment_tags=True
    )
    for filename, line, message, comments, context in found:
        place = f"{package.relative_to(ROOT)}/{filename}" if package.is_relative_to(ROOT) else filename
        template.add(message, None, [(place, line)], auto_comments=comments, context=context)
    return template


def update_all(root: Path) -> dict[Path, int]:
    """Bring every .po in step with the sources; returns the number of untranslated texts of each file."""
    open_texts = {}
    for folder in find_catalogues(root):
        template = extract(folder.parent)
        for language in LANGUAGES:
            path = folder / language / "LC_MESSAGES" / "messages.po"
            path.parent.mkdir(parents=True, exist_ok=True)
            catalogue = read_catalogue(path) if path.exists() else Catalog(locale=language, project="Okno")
            catalogue.update(template, no_fuzzy_matching=True, keep_user_comments=True)
            with path.open("wb") as file:
                write_po(file, catalogue, width=110, ignore_obsolete=True, sort_by_file=True, omit_header=False)
            open_texts[path] = sum(1 for message in catalogue if message.id and not any(_strings(message.string)))
    return open_texts


def _strings(string: str | tuple[str, ...]) -> tuple[str, ...]:
    return (string,) if isinstance(string, str) else tuple(string)


def main(arguments: list[str] | None = None) -> int:
    """The command line: ``python scripts/translations.py compile|update``."""
    parser = argparse.ArgumentParser(description="Compile or update the translations of core and plugins.")
    parser.add_argument("action", choices=["compile", "update"])
    if parser.parse_args(arguments).action == "compile":
        print(f"translations: {len(compile_all(ROOT))} compiled")
        return 0
    for path, missing in update_all(ROOT).items():
        print(f"translations: {path.relative_to(ROOT)}: {missing} to translate")
    return 0


if __name__ == "__main__":
    sys.exit(main())
