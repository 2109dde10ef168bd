"""What must not get from a case into an article: names, addresses, telephone numbers, long numbers.

Masking errs on the side of hiding; the editor reads the draft before anybody else does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from core.contracts import Text

EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
PHONE = re.compile(r"(?<![\w.])\+?\d[\d\-\s()\u00a0]{8,17}\d(?!\w)")
LONG_NUMBER = re.compile(r"(?<![\w#])\d{9,}(?!\w)")
_PIECE = re.compile(r"(<[^>]*>)")
SHORTEST_NAME = 3
ENDING = r"[а-яёa-z]{0,3}"
MAIL, CALL, NUMBER, NAME = (
    Text("[e-mail]", "[почта]"),
    Text("[phone]", "[телефон]"),
    Text("[number]", "[номер]"),
    Text("[name]", "[имя]"),
)


def names_pattern(names: Iterable[str]) -> re.Pattern[str] | None:
    """Any of the words of ``names`` with Russian endings, also several in a row; None without any."""
    words = {word for name in names for word in re.findall(r"[^\W\d_]+", name) if len(word) >= SHORTEST_NAME}
    if not words:
        return None
    # «Ирина» is found as «Ирине», «Крылов» as «Крылову»: a final vowel may change, a consonant gets an ending.
    stems = sorted((re.escape(re.sub(r"[аеёиоуыэюяйь]$", "", word.lower())) for word in words), key=len, reverse=True)
    one = rf"(?:{'|'.join(stems)}){ENDING}"
    return re.compile(rf"\b{one}(?:\s+{one})*\b", re.IGNORECASE)


def masked(text: str, lang: str, names: Iterable[str] = (), instead: str = "") -> str:
    """Plain ``text`` without personal data; ``instead`` stands for names (None given: a word in brackets)."""
    result = EMAIL.sub(MAIL.to(lang), text)
    result = PHONE.sub(CALL.to(lang), result)
    result = LONG_NUMBER.sub(NUMBER.to(lang), result)
    pattern = names_pattern(names)
    return pattern.sub(lambda _match: instead or NAME.to(lang), result) if pattern else result


def masked_html(html: str, lang: str, names: Iterable[str] = (), instead: str = "") -> str:
    """The same for HTML: what stands between the tags; addresses of links to mail and telephones go."""
    kept = list(names)
    clean = re.sub(r'\s(?:href|title|alt)="(?:mailto:|tel:)?[^"]*@[^"]*"|\shref="(?:mailto|tel):[^"]*"', "", html)
    return "".join(
        piece if piece.startswith("<") else masked(piece, lang, kept, instead) for piece in _PIECE.split(clean)
    )
