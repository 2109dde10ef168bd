"""Words of Russian and English text as index terms.

One analyser serves indexing, querying, spelling and highlighting, so that they cannot disagree. A text is cut into
*chains* (a word, or words joined by a hyphen, dot, colon, slash, underscore or at sign); each chain becomes *pieces*:
the joined form if it is a code (`СЗВ-ТД`, `1С:8.3`, an address) and every part of it.

A piece has a `term`, what the index stores (the stem of a word, a code as it is), and a `form`, the word as it was
written apart from case and «ё», kept for spelling and for preferring the exact form.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

import Stemmer

from core.search.russian_nouns import NOUN_STEMS

ANALYSER_VERSION = 2
"""Part of the index folder's name; raise it with any change of what a text is cut into."""

LONGEST_TERM = 64


def _listed(text: str) -> frozenset[str]:
    return frozenset(text.split())


RUSSIAN_STOP_WORDS = _listed("""
а без более бы был была были было быть в вам вами вас весь во вот все всего всей всем всех всю вы где да для до
его ее ей ему если есть еще же за зачем здесь и из или им ими их к каков каковы как какая какие каким каких какого
какое какой какую ко когда кого кому который которая которое которые кто куда ли либо мне мной мое мой моя мы на над
нам нами нас наш не него нее ней нет нему ни них но ну о об однако он она они оно от откуда очень по под почему при
про с сам свое свой своя себя сколько со та так такая такие такое такой там те тем то того той только том тот ту тут
ты у уже хотя чего чей чем чему что чтоб чтобы чье чья эта эти это этого этой этом этот эту я
""")
ENGLISH_STOP_WORDS = _listed("""
a about am an and any are aren as at be been being but by can couldn d did didn do does doesn doing don for from
had has hasn have he her him his how i if in into is isn it its ll m me my no not of on or our re s shall she should
so t than that the their them then there these they this those to too us ve was wasn we were what when where which
who whom why will with won would wouldn you your
""")
STOP_WORDS = RUSSIAN_STOP_WORDS | ENGLISH_STOP_WORDS

_CHAIN = re.compile(r"(?<!\w)[a-zс](?:\+\+|#)(?!\w)|\w+(?:[-.:/@'’]\w+)*")
_PART = re.compile(r"[^\W_]+")
_NUMERIC_OR_NAME = re.compile(r"[a-z0-9]+(?:[._][a-z0-9]+)+")
# «0x8010006B» is asked for as «8010006B» too; shorter ones would be found with any number.
_HEXADECIMAL = re.compile(r"0x[0-9a-f]{5,16}")
_DASHES = str.maketrans({"‐": "-", "‑": "-", "‒": "-", "–": "-", "−": "-", "ё": "е"})
_LATIN_TWINS = "abcehkmoptxy"
_CYRILLIC_TWINS = "авсенкмортху"
_TO_LATIN = str.maketrans(_CYRILLIC_TWINS, _LATIN_TWINS)
_TO_CYRILLIC = str.maketrans(_LATIN_TWINS, _CYRILLIC_TWINS)
_CYRILLIC_LETTER = re.compile("[а-я]")
_LATIN_LETTER = re.compile("[a-z]")

_russian = Stemmer.Stemmer("russian", 0)
_english = Stemmer.Stemmer("english", 0)


@dataclass(frozen=True, slots=True)
class Piece:
    """One term of a chain; `start` and `end` are character offsets within the chain, `step` its place in the chain."""

    term: str
    form: str
    start: int
    end: int
    step: int
    joined: bool


@dataclass(frozen=True, slots=True)
class Token:
    """One term of a text; `start` and `end` are character offsets, `position` counts words without stop words."""

    term: str
    form: str
    start: int
    end: int
    position: int
    joined: bool


def normalise(text: str) -> str:
    """Lower case, «ё» as «е», one kind of hyphen; always of the same length as `text`, so that offsets hold."""
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = "".join(low if len(low := character.lower()) == 1 else character for character in text)
    return lowered.translate(_DASHES)


def composed(text: str) -> str:
    """`text` with «й» and «ё» as single characters, as some systems send them as two."""
    return text if unicodedata.is_normalized("NFC", text) else unicodedata.normalize("NFC", text)


def chains(text: str) -> Iterator[tuple[str, int, int]]:
    """Each chain of a normalised text with its offsets."""
    for match in _CHAIN.finditer(text):
        yield match.group(), match.start(), match.end()


@lru_cache(maxsize=200_000)
def stem(form: str) -> str:
    """The index term of a form: the Snowball stem of a word by its script; a code or a short word as it is."""
    if len(form) < 3 or not form.isalpha():
        return form
    if _CYRILLIC_LETTER.search(form):
        return NOUN_STEMS.get(form) or _without_fleeting_vowel(str(_russian.stemWord(form)))
    return str(_english.stemWord(form))


def _without_fleeting_vowel(stemmed: str) -> str:
    """«ошибок», «список», «настроек» as «ошибк», «списк», «настройк», which Snowball makes of their other forms."""
    if len(stemmed) >= 5 and stemmed.endswith(("ок", "ек")):
        if stemmed[-3] not in "аеиоуыэюя":
            return stemmed[:-2] + "к"
        if stemmed[-2] == "е":
            return stemmed[:-2] + "йк"
    return stemmed


def folded(form: str) -> str:
    """`form` with look-alike letters of the other alphabet replaced: «1С» is found as "1C" and the other way round."""
    has_digit = any(character.isdigit() for character in form)
    if has_digit:
        latin = form.translate(_TO_LATIN)
        return form if _CYRILLIC_LETTER.search(latin) else latin
    if _CYRILLIC_LETTER.search(form) and _LATIN_LETTER.search(form):
        cyrillic = form.translate(_TO_CYRILLIC)
        return form if _LATIN_LETTER.search(cyrillic) else cyrillic
    return form


def _is_joined_code(chain: str) -> bool:
    if not chain[-1].isalnum():
        return True
    if "@" in chain or any(character.isdigit() for character in chain):
        return True
    separators = {character for character in chain if not character.isalnum()}
    return separators == {"-"} or bool(_NUMERIC_OR_NAME.fullmatch(chain))


def _joined_form(chain: str) -> str:
    return folded(chain.replace("-", "").replace("’", "").replace("'", ""))


def _joined_pieces(chain: str) -> Iterator[Piece]:
    """The whole chain if it is a code, and its sections such as «8.3» of «1С:8.3»."""
    spans = [(0, len(chain))]
    sections = [match.span() for match in re.finditer(r"[^:/@]+", chain)]
    if len(sections) > 1:
        spans += sections
    for start, end in spans:
        section = chain[start:end]
        if len(section) > LONGEST_TERM or section.isalnum() or not _is_joined_code(section):
            continue
        form = _joined_form(section)
        yield Piece(stem(form), form, start, end, 0, True)


@lru_cache(maxsize=200_000)
def pieces(chain: str) -> tuple[Piece, ...]:
    """The pieces of one normalised chain, joined ones first; stop words give none."""
    if chain.isalnum():
        if chain in STOP_WORDS or len(chain) > LONGEST_TERM:
            return ()
        form = folded(chain)
        if _HEXADECIMAL.fullmatch(form):
            bare = form[2:]
            return (Piece(form, form, 0, len(chain), 0, True), Piece(bare, bare, 2, len(chain), 0, False))
        return (Piece(stem(form), form, 0, len(chain), 0, False),)
    result: list[Piece] = []
    steps: dict[int, int] = {}
    for match in _PART.finditer(chain):
        part = match.group()
        steps[match.start()] = len(result)
        if part in STOP_WORDS or len(part) > LONGEST_TERM:
            continue
        form = folded(part)
        result.append(Piece(stem(form), form, match.start(), match.end(), len(result), False))
    joined = [
        Piece(piece.term, piece.form, piece.start, piece.end, steps.get(piece.start, 0), True)
        for piece in _joined_pieces(chain)
    ]
    return (*joined, *result)


def placed_pieces(text: str) -> Iterator[tuple[Piece, int, int]]:
    """Every piece of `text` with the offset of its chain and its position: what indexing reads instead of tokens."""
    position = 0
    for match in _CHAIN.finditer(normalise(text)):
        cut = pieces(match.group())
        if not cut:
            continue
        offset = match.start()
        if len(cut) == 1:
            yield cut[0], offset, position
            position += 1
            continue
        plain = 0
        for piece in cut:
            yield piece, offset, position + piece.step
            plain += not piece.joined
        position += max(plain, 1)


def tokens(text: str) -> list[Token]:
    """Every token of `text`, in order; a joined code and its first part share a position."""
    return [
        Token(piece.term, piece.form, offset + piece.start, offset + piece.end, position, piece.joined)
        for piece, offset, position in placed_pieces(text)
    ]


def terms(text: str) -> list[str]:
    """The terms of `text` in order, without joined codes: what a phrase is made of."""
    return [piece.term for chain, _, _ in chains(normalise(text)) for piece in pieces(chain) if not piece.joined]
