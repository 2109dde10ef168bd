"""Bytes of a mail into text, when the declared character set is right, wrong, unknown or absent.

Nothing here raises: what cannot be decoded is decoded with replacement characters and said so.
"""

from __future__ import annotations

import codecs
import re

from core.schemas import UNSTORABLE

CYRILLIC_CHARSETS = ("windows-1251", "koi8-r", "ibm866", "iso8859-5", "mac-cyrillic")
SAMPLE_BYTES = 8192

ALIASES = {
    "ansi_x3.110-1983": "cp1252",
    "cp-850": "cp850",
    "cp-866": "ibm866",
    "gb2312": "gb18030",
    "gb_2312-80": "gb18030",
    "gbk": "gb18030",
    "iso-8859-8-e": "iso-8859-8",
    "iso-8859-8-i": "iso-8859-8",
    "koi8": "koi8-r",
    "ks_c_5601-1987": "cp949",
    "latin": "cp1252",
    "unicode-1-1-utf-8": "utf-8",
    "utf8mb4": "utf-8",
    "win-1251": "windows-1251",
    "win1251": "windows-1251",
    "windows1251": "windows-1251",
    "x-cp1251": "windows-1251",
    "x-cp1252": "cp1252",
    "x-gbk": "gb18030",
    "x-mac-cyrillic": "mac-cyrillic",
    "x-sjis": "shift_jis",
}

# Python knows these as text encodings, but they are program notations or quadratic in time, never a mail's charset.
_REFUSED = {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "mbcs", "oem", "unicode-escape"}
_SAYS_NOTHING = {"ascii", "iso8859-1", "cp1252", "latin-1"}
_UTF8_SEQUENCE = re.compile(rb"[\xc2-\xf4][\x80-\xbf]+")
_HIGH = re.compile(rb"[\x80-\xff]")
_HIGH_NEIGHBOURHOOD = re.compile(rb"[\x80-\xffA-Za-z]*[\x80-\xff][\x80-\xffA-Za-z]*")
_WORD = re.compile(r"[^\W\d_]+")

# Share of each letter in Russian and Ukrainian running text, rounded to what tells the code pages apart.
_FREQUENT = dict.fromkeys("оеаинтсрвлкмдпу", 1.0) | dict.fromkeys("яыьгзбчйхжшюіїє", 0.6)
_RARE = dict.fromkeys("цщэфёъґў", 0.1)
_LETTER_WEIGHT = _FREQUENT | _RARE


def storable(text: str) -> str:
    """Text without NUL and lone surrogates, which neither UTF-8 nor PostgreSQL can hold."""
    return UNSTORABLE.sub("\ufffd", text) if UNSTORABLE.search(text) else text


def known_charset(declared: str | None) -> str | None:
    """The Python codec name for a declared charset, or None when there is none that may decode a mail."""
    if not declared:
        return None
    name = declared.strip(" \t\"'<>;").lower().partition("*")[0]
    if name.startswith("charset="):
        name = name[len("charset=") :].strip("\"'")
    name = ALIASES.get(name, name)
    try:
        codec = codecs.lookup(name).name
        "".encode(codec)
    except (LookupError, ValueError, TypeError, UnicodeError):
        return None
    return None if codec in _REFUSED else codec


def decode(data: bytes, declared: str | None = None) -> tuple[str, str | None]:
    """Decode ``data``; returns the text and a defect (``charset-guessed:…``, ``charset-wrong:…``) or None."""
    if data.isascii() and (declared is None or not _is_seven_bit_encoding(declared)):
        return storable(data.decode("ascii")), None
    codec = known_charset(declared)
    if data.startswith(codecs.BOM_UTF8):
        return storable(data[3:].decode("utf-8", "replace")), None
    if codec is None or codec in _SAYS_NOTHING:
        return _decode_undeclared(data, declared, codec)
    return _decode_declared(data, str(declared), codec)


def _is_seven_bit_encoding(declared: str) -> bool:
    """Whether ASCII bytes may mean something else: iso-2022, utf-7, utf-16, utf-32, hz."""
    return (
        declared.strip(" \"'").lower().startswith(("iso-2022", "iso2022", "csiso2022", "utf", "unicode", "hz", "ucs"))
    )


def _decode_declared(data: bytes, declared: str, codec: str) -> tuple[str, str | None]:
    try:
        text = data.decode(codec)
    except (UnicodeError, ValueError):
        guess = guess_charset(data)
        if guess is None:
            return storable(data.decode(codec, "replace")), f"charset-wrong:{declared}"
        return storable(data.decode(guess, "replace")), f"charset-wrong:{declared}"
    better = _clearly_better(data, codec)
    if better:
        return storable(data.decode(better, "replace")), f"charset-wrong:{declared}"
    return storable(text), None


def _decode_undeclared(data: bytes, declared: str | None, codec: str | None) -> tuple[str, str | None]:
    guess = guess_charset(data)
    if guess is None and codec not in (None, "ascii"):
        return storable(data.decode("cp1252", "replace")), None
    guess = guess or "cp1252"
    defect = None if guess == "utf-8" and not declared else f"charset-guessed:{guess}"
    return storable(data.decode(guess, "replace")), defect


def _clearly_better(data: bytes, codec: str) -> str | None:
    """Another code page for bytes that any single-byte charset accepts, only when the evidence is strong."""
    if codec.startswith(("utf", "gb", "big5", "euc", "shift", "iso2022", "cp93", "cp94", "cp95", "hz")):
        return None
    sample = data[:SAMPLE_BYTES]
    if is_utf8(data) and len(_UTF8_SEQUENCE.findall(sample)) >= 2:
        return "utf-8"
    if len(_HIGH.findall(sample)) < 8:
        return None
    best, score = _best_cyrillic(sample)
    return best if score > 0.6 and score > _cyrillic_score(sample, codec) + 0.5 else None


def guess_charset(data: bytes) -> str | None:
    """The charset of undeclared bytes: UTF-8, a Cyrillic code page, then what charset-normalizer says, else None."""
    if is_utf8(data):
        return "utf-8"
    sample = b" ".join(_HIGH_NEIGHBOURHOOD.findall(data[: SAMPLE_BYTES * 8]))[:SAMPLE_BYTES]
    best, score = _best_cyrillic(sample)
    if score > 0.45:
        return best
    if _mostly_utf8(data):
        return "utf-8"
    if len(_HIGH.findall(sample)) < 8:
        return None
    return _statistical_guess(data[:SAMPLE_BYTES])


def is_utf8(data: bytes) -> bool:
    """Whether all of ``data`` is well-formed UTF-8."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _mostly_utf8(data: bytes) -> bool:
    """UTF-8 with a few broken characters: cut in the middle, or a foreign footer glued on."""
    high = len(_HIGH.findall(data[:SAMPLE_BYTES]))
    proper = sum(len(found) for found in _UTF8_SEQUENCE.findall(data[:SAMPLE_BYTES]))
    return high > 0 and proper / high > 0.8


def _best_cyrillic(sample: bytes) -> tuple[str, float]:
    scores = [(_cyrillic_score(sample, charset), charset) for charset in CYRILLIC_CHARSETS]
    score, charset = max(scores, key=lambda scored: scored[0])
    return charset, score


def _cyrillic_score(sample: bytes, charset: str) -> float:
    """How much the sample reads as Russian or Ukrainian in ``charset``: about 0.8 when right, near or below 0 when not.

    Letters count by frequency; capitals inside words, mixed scripts and symbols count against, because
    they are what the same bytes look like in a neighbouring code page.
    """
    text = sample.decode(charset, "replace")
    high = sum(1 for character in text if ord(character) > 127)
    if not high:
        return 0.0
    score = 0.0
    in_words = 0
    for word in _WORD.findall(text):
        foreign = sum(1 for letter in word if ord(letter) > 127)
        if not foreign:
            continue
        in_words += foreign
        score -= 1.5 * (len(word) - foreign)
        all_capitals = word.isupper()
        for position, letter in enumerate(word):
            weight = _LETTER_WEIGHT.get(letter.lower(), -1.0) if ord(letter) > 127 else 0.0
            if letter.isupper() and position and not all_capitals:
                weight = -1.0
            elif all_capitals and len(word) > 1:
                weight *= 0.75
            score += weight
    return (score - 0.8 * (high - in_words)) / high


def _statistical_guess(sample: bytes) -> str | None:
    from charset_normalizer import from_bytes

    best = from_bytes(sample, steps=3, chunk_size=512, enable_fallback=False).best()
    return known_charset(best.encoding) if best is not None else None
