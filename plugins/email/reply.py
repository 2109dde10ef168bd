"""What is new in a reply, apart from what it quotes. Languages mixed in one mail, Outlook's blocks included."""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_LINES = 20_000

_QUOTE = re.compile(r"\s*(?:>|\|(?=\s)|»\s)")
_SEPARATOR = re.compile(
    r"\s*[-_=*]{2,}\s*(?:original message|original appointment|forwarded message|forwarded by .*|reply message|исходное сообщение"
    r"|пересылаемое сообщение|пересылаемое письмо|пересланное сообщение|начало переадресованного сообщения|конец переадресованного сообщения"
    r"|оригинальное сообщение|начало пересылаемого сообщения|конец пересылаемого сообщения|ursprüngliche nachricht|weitergeleitete nachricht"
    r"|message d'origine|mensaje original|messaggio originale|wiadomość oryginalna|вихідне повідомлення|reply above this line|ответьте выше этой строки)"
    r"[^-_=*]{0,80}[-_=*]*\s*$",
    re.IGNORECASE,
)
_UNDERSCORES = re.compile(r"\s*_{20,}\s*$")
_BEGIN_FORWARDED = re.compile(
    r"\s*(?:begin forwarded message|начало переадресованного сообщения|anfang der weitergeleiteten nachricht)\s*:\s*$",
    re.IGNORECASE,
)
_FIELD = re.compile(
    r"[\s>*]*(from|sent|to|subject|date|cc|reply-to|от|от кого|отправлено|дата|кому|тема|копия|von|gesendet|an|betreff|datum"
    r"|de|envoyé|à|objet|enviado|para|asunto|fecha|od|wysłano|do|temat|від|надіслано|кому)\s*:[\s*]*\S?",
    re.IGNORECASE,
)
_FIRST_FIELD = re.compile(r"[\s>*]*(?:from|от|от кого|von|de|da|od|від)\s*:[\s*]*\S", re.IGNORECASE)
# "On <date>, <someone> wrote:", with the date or the address that prose does not have.
_WROTE = re.compile(
    r"(?:wrote|writes|(?:на)?писал(?:и|а|\(-?а\))?|пишет|schrieb(?:en)?|a écrit|escribió|ha scritto"
    r"|napisał(?:\(a\))?|написав(?:\(ла\))?|пише|yazdı|写道|さんは書きました|geschrieben)\b[^\n]{0,160}[:：]\s*$",
    re.IGNORECASE,
)
# Gmail in Russian, Яндекс and Mail.ru leave the verb out: "20.11.2026, 10:00, Name <address>:".
_DATED_SENDER = re.compile(r"\d{1,2}[:.]\d{2}\b.*<[^<>\s]+@[^<>\s]+>\s*:\s*$")
_DATE_OR_ADDRESS = re.compile(
    r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}|\d{1,2}:\d{2}|\b(?:19|20)\d\d\b|\S@\S|<[^>]+>", re.IGNORECASE
)
_SIGNATURE = re.compile(r"--\s?$")
_SENT_FROM = re.compile(
    r"\s*(?:sent from (?:my|mail|outlook|yahoo)|get outlook for|отправлено (?:с|из) (?:моего|мобильн|iphone|ipad|почты|яндекс|mail)|отправлено из"
    r"|gesendet von|von meinem .{1,40} gesendet|envoyé depuis|enviado desde)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Reply:
    """A mail's text in two: what its sender wrote now (without the signature), and the rest as it stands."""

    new: str
    signature: str
    quoted: str


def split_reply(text: str) -> Reply:
    """Split at the first line that starts the quoted mail; answers written between quoted lines stay whole.

    When nothing would remain (a forward without a word), all of the text counts as new.
    """
    lines = text.replace("\r\n", "\n").split("\n")
    cut = _quotation_start(lines[:MAX_LINES])
    if cut is None:
        new, quoted = lines, []
    else:
        new, quoted = lines[:cut], lines[cut:]
    if not any(line.strip() for line in new):
        return Reply(text.strip(), "", "")
    body, signature = _without_signature(new)
    return Reply("\n".join(body).strip(), "\n".join(signature).strip(), "\n".join(quoted).strip("\n"))


def _quotation_start(lines: list[str]) -> int | None:
    for index, line in enumerate(lines):
        if not line.strip():
            continue
        if _SEPARATOR.match(line) or _BEGIN_FORWARDED.match(line):
            return index
        if _UNDERSCORES.match(line) and _is_field_block(lines, index + 1):
            return index
        if _FIRST_FIELD.match(line) and _is_field_block(lines, index):
            return index
        length = _attribution_length(lines, index)
        if length and not _answers_below(lines, index + length):
            return index
        if _QUOTE.match(line) and not _answers_below(lines, index):
            return index
    return None


def _attribution_length(lines: list[str], index: int) -> int:
    """How many lines (1–3) from ``index`` make an "… wrote:" line, broken or not; 0 when none."""
    joined = ""
    for count, line in enumerate(lines[index : index + 3], start=1):
        if not line.strip() or len(line) > 400:
            return 0
        joined = f"{joined} {line.strip()}"
        if _DATED_SENDER.search(joined):
            return count
        if _WROTE.search(joined):
            return count if _DATE_OR_ADDRESS.search(joined) or _quote_follows(lines, index + count) else 0
        if count == 1 and not _DATE_OR_ADDRESS.search(line):
            return 0
    return 0


def _quote_follows(lines: list[str], index: int) -> bool:
    following = next((line for line in lines[index : index + 4] if line.strip()), "")
    return bool(_QUOTE.match(following))


def _is_field_block(lines: list[str], index: int) -> bool:
    """Outlook's block: at least three header fields, or two when they are neighbours, among the next lines."""
    names = set()
    for line in [line for line in lines[index : index + 10] if line.strip()][:7]:
        field = _FIELD.match(line)
        if field:
            names.add(field[1].lower())
    return len(names) >= 3


def _answers_below(lines: list[str], index: int) -> bool:
    """Whether unquoted words follow quoted lines: the sender answers between or under the quotation."""
    quoted_seen = False
    for position in range(index, len(lines)):
        line = lines[position]
        if _QUOTE.match(line):
            quoted_seen = True
        elif line.strip() and quoted_seen:
            if _SIGNATURE.match(line) or _SENT_FROM.match(line) or _UNDERSCORES.match(line):
                return False
            return not _attribution_length(lines, position)
    return False


def _without_signature(lines: list[str]) -> tuple[list[str], list[str]]:
    for index, line in enumerate(lines):
        if index and (_SIGNATURE.match(line) or _SENT_FROM.match(line)) and len(lines) - index <= 25:
            return lines[:index], lines[index:]
    return lines, []
