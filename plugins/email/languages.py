"""Which language a mail is written in: by its script, then by small words. Good enough to choose a service."""

from __future__ import annotations

import re

_SCRIPTS = (
    ("ja", re.compile("[\u3040-\u30ff]")),
    ("ko", re.compile("[\uac00-\ud7af]")),
    ("zh", re.compile("[\u4e00-\u9fff]")),
    ("ar", re.compile("[\u0600-\u06ff]")),
    ("he", re.compile("[\u0590-\u05ff]")),
    ("el", re.compile("[\u0370-\u03ff]")),
    ("hy", re.compile("[\u0530-\u058f]")),
    ("ka", re.compile("[\u10a0-\u10ff]")),
)
_CYRILLIC = re.compile("[\u0400-\u04ff]")
_LATIN = re.compile("[A-Za-z\u00c0-\u024f]")
_UKRAINIAN = re.compile("[іїєґ]", re.IGNORECASE)
_BELARUSIAN = re.compile("ў", re.IGNORECASE)
_KAZAKH = re.compile("[әғқңөұүһ]", re.IGNORECASE)
_SMALL_WORDS = {
    "en": frozenset(
        [
            "the",
            "and",
            "you",
            "your",
            "for",
            "with",
            "this",
            "that",
            "have",
            "please",
            "not",
            "is",
            "are",
            "from",
            "my",
            "to",
            "of",
            "in",
            "it",
            "was",
        ]
    ),
    "de": frozenset(
        [
            "der",
            "die",
            "das",
            "und",
            "nicht",
            "ich",
            "sie",
            "mit",
            "für",
            "ist",
            "ein",
            "eine",
            "bitte",
            "wir",
            "auf",
            "den",
            "von",
            "zu",
            "es",
        ]
    ),
    "fr": frozenset(
        [
            "le",
            "la",
            "les",
            "et",
            "vous",
            "pour",
            "avec",
            "est",
            "une",
            "des",
            "je",
            "nous",
            "pas",
            "merci",
            "du",
            "dans",
            "que",
            "bonjour",
        ]
    ),
    "es": frozenset(
        [
            "el",
            "los",
            "las",
            "y",
            "por",
            "con",
            "para",
            "una",
            "usted",
            "que",
            "gracias",
            "no",
            "del",
            "mi",
            "está",
            "hola",
            "se",
        ]
    ),
    "it": frozenset(
        [
            "il",
            "gli",
            "e",
            "per",
            "con",
            "una",
            "che",
            "non",
            "grazie",
            "del",
            "della",
            "sono",
            "mi",
            "è",
            "di",
            "buongiorno",
        ]
    ),
    "pl": frozenset(
        ["i", "w", "nie", "na", "się", "z", "do", "jest", "proszę", "że", "dzień", "dobry", "o", "mam", "jak"]
    ),
    "tr": frozenset(["ve", "bir", "bu", "için", "ile", "merhaba", "değil", "ben", "çok", "teşekkürler", "mi"]),
}
_WORD = re.compile(r"[^\W\d_]+")


def guess_language(text: str) -> str:
    """An ISO 639-1 code, or '' when there is too little to tell."""
    sample = text[:5000]
    cyrillic = len(_CYRILLIC.findall(sample))
    latin = len(_LATIN.findall(sample))
    for language, script in _SCRIPTS:
        if len(script.findall(sample)) * 2 > max(cyrillic, latin, 1):
            return language
    if cyrillic >= 3 and cyrillic * 2 > latin:
        return _cyrillic_language(sample, cyrillic)
    return _latin_language(sample)


def _cyrillic_language(sample: str, letters: int) -> str:
    if len(_BELARUSIAN.findall(sample)) * 200 > letters:
        return "be"
    if len(_KAZAKH.findall(sample)) * 50 > letters:
        return "kk"
    return "uk" if len(_UKRAINIAN.findall(sample)) * 50 > letters else "ru"


def _latin_language(sample: str) -> str:
    words = [word.lower() for word in _WORD.findall(sample)]
    counts = {language: sum(word in small for word in words) for language, small in _SMALL_WORDS.items()}
    language, count = max(counts.items(), key=lambda counted: counted[1])
    return language if count >= 2 else ""
