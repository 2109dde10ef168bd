"""What ties mails together: the thread token in the subject, message ids, and the key that finds a mail delivered twice."""

from __future__ import annotations

import hashlib
import html
import re
import unicodedata
from functools import lru_cache
from urllib.parse import unquote

from core.casework import TOKEN_ALPHABET, TOKEN_LENGTH
from plugins.email.headers import ascii_address, decode_header
from plugins.email.mime import ParsedMail

DEFAULT_PREFIX = "Okno"

_BETWEEN = r"[\s_\u00ad\u200b-\u200f\u2060\ufeff]{0,3}"
_REPLY_PREFIX = re.compile(
    r"\s*(?:re|r|fwd?|fw|aw|wg|antw(?:ort)?|antwoord|betr|doorst|sv|vs|vl|vb|vá|továbbítás|tr|réf?|ref|rif|i|rv|enc|res|odp|pd"
    r"|ynt|i̇lt|ilt|απ|πρθ|σχετ|atb|bls|ha|на|отв|ответ|fw|пер|пересл|пересылка|перенаправлено|нa|відп|вiдп|回复|回覆|答复|答覆|转发|轉寄|返信|転送|전달|회신)"
    r"\.?\s*(?:[\[(^]?\s*\d{1,3}\s*[\])]?)?\s*[:：]\s*",
    re.IGNORECASE,
)
_LABEL_PREFIX = re.compile(
    r"\s*(?:\[(?:external|ext|extern|внешн\w*|spam|спам|\*+spam\*+)\]|\*{2,}\s*(?:spam|спам)\s*\*{2,}"
    r"|(?:automatic reply|auto(?:matic)?[- ]?reply|автоответ|автоматический ответ|out of office)\s*[:：])\s*",
    re.IGNORECASE,
)
_QUOTED_BYTES = re.compile(r"=([0-9A-F]{2})", re.IGNORECASE)


def tag_subject(subject: str, token: str, prefix: str = DEFAULT_PREFIX) -> str:
    """The subject with ``[Okno #K7Q2M9XW4D]`` at its end, put there once however often it goes to and fro."""
    bare = strip_tokens(subject, prefix)
    return f"{bare} [{prefix} #{token}]".strip()


def find_tokens(text: str, prefix: str = DEFAULT_PREFIX) -> tuple[str, ...]:
    """Tokens in a subject (or a quoted text), in order, in canonical capitals, whatever mangled the brackets or spaces."""
    pattern = _token_pattern(prefix)
    found: dict[str, None] = {}
    for variant in _readings(text):
        for match in pattern.finditer(variant):
            token = re.sub(r"[^0-9A-Z]", "", match[1].upper())
            found.setdefault(token)
    return tuple(found)


def strip_tokens(text: str, prefix: str = DEFAULT_PREFIX) -> str:
    """The text without its tokens."""
    return " ".join(_token_pattern(prefix).sub(" ", unicodedata.normalize("NFKC", text)).split())


@lru_cache(maxsize=32)
def _token_pattern(prefix: str) -> re.Pattern[str]:
    name = _BETWEEN.join(re.escape(letter) for letter in unicodedata.normalize("NFKC", prefix))
    letter = f"[{TOKEN_ALPHABET}]"
    token = f"({letter}(?:{_BETWEEN}{letter}){{{TOKEN_LENGTH - 1}}})"
    sign = "(?:#|№|no)"  # NFKC makes "No" of "№".
    opening = rf"(?:[\[(【]{_BETWEEN}{name}{_BETWEEN}{sign}?|(?<!\w){name}{_BETWEEN}{sign})"
    return re.compile(rf"{opening}{_BETWEEN}{token}(?![0-9A-Z])(?:{_BETWEEN}[\])】])?", re.IGNORECASE)


def _readings(text: str) -> list[str]:
    """The text, and what it is when the encodings that got stuck in it are undone."""
    text = text[:20000]
    readings = [text]
    if "=?" in text:
        readings.append(decode_header(text.encode("utf-8", "replace")))
    if "&" in text:
        readings.append(html.unescape(text))
    if "%" in text:
        readings.append(unquote(text))
    if "=" in text:
        readings.append(_QUOTED_BYTES.sub(lambda code: chr(int(code[1], 16)), text))
    return [unicodedata.normalize("NFKC", reading) for reading in dict.fromkeys(readings)]


def normalise_subject(subject: str, prefix: str = DEFAULT_PREFIX) -> str:
    """The subject that a conversation keeps: no token, no Re:/Отв:/WG:/Fwd: in any number, single spaces."""
    text = strip_tokens(subject[:2000], prefix)
    for _ in range(50):
        found = _REPLY_PREFIX.match(text) or _LABEL_PREFIX.match(text)
        if not found:
            break
        text = text[found.end() :]
    return " ".join(text.split())


def source_key(raw: bytes, parsed: ParsedMail) -> str:
    """Names a mail by what it says, so that one mail delivered twice, by any ways, has one key.

    Message-ID, sender and content count; trace headers, folding, line ends and transfer encoding don't.
    Another content under the same Message-ID is another mail. Without a Message-ID date, subject and recipients count too.
    """
    digest = hashlib.blake2b(digest_size=20)

    def add(*values: str | bytes) -> None:
        for value in values:
            data = value.encode("utf-8", "replace") if isinstance(value, str) else value
            digest.update(len(data).to_bytes(8, "big") + data)

    add(parsed.message_id, parsed.from_address)
    if any(defect.startswith("unreadable") for defect in parsed.defects):
        add(raw)
        return f"mail:{digest.hexdigest()}"
    if not parsed.message_id:
        add(parsed.subject, parsed.date.isoformat() if parsed.date else "")
        add(*(address.address for address in (*parsed.to, *parsed.cc)))
    add(_steady(parsed.text), _steady(parsed.html))
    for attachment in parsed.attachments:
        content = attachment.content
        is_text = attachment.content_type.startswith(("text/", "message/"))
        add(attachment.name, content.replace(b"\r\n", b"\n").strip() if is_text else content)
    if not (parsed.message_id or parsed.text or parsed.html or parsed.attachments or parsed.subject):
        add(raw)
    return f"mail:{digest.hexdigest()}"


def _steady(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.split("\n")).strip()


def message_id(key: str, domain: str) -> str:
    """The Message-ID of our mail with this outbox key, the same at every retry."""
    digest = hashlib.blake2b(key.encode("utf-8"), digest_size=16).hexdigest()
    return f"<{digest}.okno@{_ascii_domain(domain)}>"


def is_our_message_id(identifier: str, domain: str) -> bool:
    """Whether ``message_id`` made this identifier for ``domain``."""
    return bool(re.fullmatch(rf"<[0-9a-f]{{32}}\.okno@{re.escape(_ascii_domain(domain))}>", identifier.lower()))


def _ascii_domain(domain: str) -> str:
    return ascii_address(f"okno@{domain or 'localhost'}").partition("@")[2].lower()


def reference_ids(parsed: ParsedMail) -> tuple[str, ...]:
    """Message ids that this mail may answer, likeliest first: In-Reply-To, then References from the last to the first.

    All of them: the parent may be a colleague's mail that we never saw, while an older one is ours.
    A delivery report counts as an answer to the mail that it returns.
    """
    returned = (parsed.bounced_message_id,) if parsed.bounced_message_id else ()
    ids = dict.fromkeys((*returned, *parsed.in_reply_to, *reversed(parsed.references)))
    ids.pop(parsed.message_id, None)
    return tuple(ids)
