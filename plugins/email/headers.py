"""Header values of a mail: encoded words (RFC 2047), parameters (RFC 2045, RFC 2231), addresses and message ids.

Every function takes what arrived, however broken, in time linear in its length, and never raises.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import unquote_to_bytes

from plugins.email.charsets import decode, known_charset

MAX_ADDRESSES = 200
MAX_MESSAGE_IDS = 100
MAX_PARAMETERS = 200

_ENCODED_WORD = re.compile(
    rb"=\?([A-Za-z0-9!#$%&'*+._:()-]{1,60})\?([bBqQ])\?([^?]{0,8000}(?:\?(?!=)[^?]{0,8000}){0,20})(?:\?=|\Z)"
)
_SPACES = re.compile(r"\s+")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/=]+")
_MESSAGE_ID = re.compile(r"<\s*([^<>\s]{1,900})\s*>")
_BARE_ID = re.compile(r"[^\s<>,;\"]{1,500}@[^\s<>,;\"]{1,400}")
_ADDRESS = re.compile(r"[^\s<>\"',;:()\[\]\\]{1,320}@[^\s<>\"',;:()\[\]\\]{1,255}")
_QUOTED_LOCAL = re.compile(r'"([^"@\s]{1,64})"@([^\s<>"\',;:()\[\]\\]{1,255})')


@dataclass(frozen=True, slots=True)
class Address:
    """A mailbox: display name and address in lower case, its domain in Unicode (``почта.рф``, not ``xn--…``)."""

    name: str
    address: str


def decode_base64(data: bytes) -> bytes:
    """Base64 with noise, missing padding or a cut end; plain text glued after the padding is dropped."""
    cleaned = _NOT_BASE64.sub(b"", data)
    end = cleaned.find(b"=")
    if end >= 0:
        cleaned = cleaned[:end]
    if len(cleaned) % 4 == 1:
        cleaned = cleaned[:-1]
    return binascii.a2b_base64(cleaned + b"=" * (-len(cleaned) % 4))


def decode_header(raw: bytes) -> str:
    """A header's text: encoded words in all the broken forms that are seen, raw 8-bit, folding and control characters."""
    text = _decode_once(raw)
    if "=?" in text and _ENCODED_WORD.search(text.encode("utf-8")):
        text = _decode_once(text.encode("utf-8"))
    return _SPACES.sub(" ", _CONTROLS.sub(" ", text)).strip()


def _decode_once(raw: bytes) -> str:
    if b"=?" not in raw:
        return decode(raw)[0]
    pieces: list[str] = []
    pending: list[bytes] = []
    charset = b""
    end = 0
    for word in _ENCODED_WORD.finditer(raw):
        gap = raw[end : word.start()]
        named = word[1].lower().partition(b"*")[0]
        # Senders cut a multibyte character between two words, so neighbours are joined before decoding.
        if pending and (gap.strip() or named != charset):
            pieces.append(_decode_word(b"".join(pending), charset))
            pending = []
        if gap.strip() or not end:
            pieces.append(decode(gap)[0])
        charset = named
        pending.append(_word_bytes(word[2], word[3]))
        end = word.end()
    pieces.append(_decode_word(b"".join(pending), charset))
    pieces.append(decode(raw[end:])[0])
    return "".join(pieces)


def _decode_word(data: bytes, charset: bytes) -> str:
    return decode(data, charset.decode("ascii", "replace"))[0]


def _word_bytes(encoding: bytes, text: bytes) -> bytes:
    if encoding in b"bB":
        return decode_base64(text)
    return binascii.a2b_qp(b"".join(text.split(b"\n")).replace(b"\r", b""), header=True)


def parse_parameters(raw: bytes) -> tuple[str, dict[str, str]]:
    """``type/subtype; name=value`` into the lower-case value and its decoded parameters, RFC 2231 pieces joined."""
    fields = _split_outside_quotes(raw, b";")
    value = decode(fields[0])[0].strip().lower()
    plain: dict[str, bytes] = {}
    pieces: dict[str, dict[int, tuple[bytes, bool]]] = {}
    for field in fields[1:MAX_PARAMETERS]:
        name_bytes, equals, content = field.partition(b"=")
        name = name_bytes.strip().lower().decode("ascii", "replace")
        if not equals or not name:
            continue
        content = _unquote(content)
        base, star, rest = name.partition("*")
        if not star:
            plain.setdefault(name, content)
            continue
        number = rest.rstrip("*")
        order = int(number) if number.isascii() and number.isdigit() and len(number) < 5 else 0
        pieces.setdefault(base, {}).setdefault(order, (content, name.endswith("*")))
    decoded = {name: decode_header(content) for name, content in plain.items()}
    decoded.update({name: _join_pieces(found) for name, found in pieces.items()})
    return value, decoded


def _join_pieces(pieces: dict[int, tuple[bytes, bool]]) -> str:
    """RFC 2231 continuations; the charset stands in the first piece, each piece may be percent-encoded or not."""
    charset = None
    joined = b""
    for position, order in enumerate(sorted(pieces)):
        content, encoded = pieces[order]
        if encoded and position == 0 and content.count(b"'") >= 2:
            charset_bytes, _, content = content.split(b"'", 2)
            charset = charset_bytes.decode("ascii", "replace") or None
        joined += unquote_to_bytes(content) if encoded else content
    if charset is None and b"=?" in joined:
        return decode_header(joined)
    return _CONTROLS.sub(" ", decode(joined, charset)[0]).strip()


def _unquote(content: bytes) -> bytes:
    content = content.strip()
    if content[:1] == b'"':
        content = content[1:]
        if content[-1:] == b'"':
            content = content[:-1]
        return re.sub(rb"\\([\"\\])", rb"\1", content)
    return content


def _split_outside_quotes(raw: bytes, separator: bytes) -> list[bytes]:
    if b'"' not in raw:
        return raw[:65536].split(separator)
    fields: list[bytes] = []
    current = bytearray()
    quoted = escaped = False
    for byte in (raw[i : i + 1] for i in range(min(len(raw), 65536))):
        if escaped:
            escaped = False
        elif quoted and byte == b"\\":
            escaped = True
        elif byte == b'"':
            quoted = not quoted
        elif byte == separator and not quoted:
            fields.append(bytes(current))
            current.clear()
            continue
        current += byte
    fields.append(bytes(current))
    return fields


def parse_addresses(raw: bytes) -> tuple[Address, ...]:
    """The mailboxes of a From, To, Cc or Reply-To header; groups are opened, empty entries and repetitions left out."""
    if len(raw) > 262144:
        raw = raw[:262144]
    found: dict[str, Address] = {}
    for token in _split_addresses(raw):
        address = _parse_address(token)
        if address and address.address not in found:
            found[address.address] = address
        if len(found) >= MAX_ADDRESSES:
            break
    return tuple(found.values())


def _split_addresses(raw: bytes) -> Iterable[bytes]:
    """Split at commas and semicolons outside quotes and comments; an unclosed quote ends with the header."""
    start = 0
    quoted = escaped = False
    depth = 0
    closing_quote = raw.rfind(b'"')
    for position, byte in enumerate(raw):
        if escaped:
            escaped = False
        elif byte == 0x5C:
            escaped = True
        elif byte == 0x22 and (quoted or position < closing_quote):
            quoted = not quoted
        elif quoted:
            continue
        elif byte == 0x28:
            depth += 1
        elif byte == 0x29:
            depth = max(0, depth - 1)
        elif byte in b",;" and (not depth or b")" not in raw[position : position + 200]):
            yield raw[start:position]
            start = position + 1
            depth = 0
    yield raw[start:]


def _parse_address(token: bytes) -> Address | None:
    token = token.strip()
    if not token:
        return None
    opening = token.rfind(b"<")
    if opening >= 0:
        inside = token[opening + 1 :].partition(b">")[0]
        address = _find_address(decode_header(inside))
        if address:
            return Address(_display_name(token[:opening]), address)
    # An encoder that swallowed the whole mailbox, or a mailbox without angle brackets.
    text = decode_header(token)
    address = _find_address(text)
    if not address:
        return None
    comment = re.search(r"\(([^()]{1,200})\)", text)
    before = re.split(r"[\s<]*[^\s<>\"',;:()]{1,320}@", text, maxsplit=1)[0]
    return Address(_clean_name(comment[1] if comment else before.rpartition(":")[2]), address)


def _find_address(text: str) -> str:
    text = text.strip().removeprefix("mailto:").removeprefix("MAILTO:").strip("'")
    quoted = _QUOTED_LOCAL.search(text)
    candidate = f"{quoted[1]}@{quoted[2]}" if quoted else ""
    if not candidate:
        found = _ADDRESS.search(text)
        candidate = found[0] if found else ""
    return normalise_address(candidate) if candidate else ""


def _display_name(raw: bytes) -> str:
    # "Group: member <a@b>" and RFC 822 routes leave a colon in front of the name.
    if b":" in raw and b'"' not in raw and b"=?" not in raw:
        raw = raw.rpartition(b":")[2]
    return _clean_name(decode_header(raw))


def _clean_name(name: str) -> str:
    name = name.strip()
    if len(name) > 1 and name[0] == name[-1] and name[0] in "\"'":
        name = name[1:-1]
    return name.replace('\\"', '"').replace("\\\\", "\\").strip(' \t"<>')[:200]


def normalise_address(address: str) -> str:
    """Lower case, domain in Unicode: one spelling for one mailbox, to compare and to show."""
    local, _, domain = address.strip().strip(".").rpartition("@")
    labels = [_unicode_label(label) for label in domain.lower().strip(".").split(".")]
    return f"{local.lower()}@{'.'.join(labels)}"


def _unicode_label(label: str) -> str:
    if not label.startswith("xn--") or len(label) > 63:
        return label
    try:
        return label[4:].encode("ascii").decode("punycode") if label.isascii() else label
    except (UnicodeError, ValueError, OverflowError):
        return label


def ascii_address(address: str) -> str:
    """The address with its domain in A-labels, as SMTP without SMTPUTF8 needs it (RFC 5891).

    Raises ``ValueError`` when the domain cannot be expressed so.
    """
    local, at, domain = address.rpartition("@")
    try:
        return f"{local}{at}{domain if domain.isascii() else domain.encode('idna').decode('ascii')}"
    except UnicodeError as error:
        raise ValueError(f"not a domain name: {domain!r}") from error


def parse_message_ids(raw: bytes) -> tuple[str, ...]:
    """Message ids in order, each with its angle brackets; bare ids of broken senders count too."""
    text = decode_header(raw[:131072])
    found = [f"<{identifier}>" for identifier in _MESSAGE_ID.findall(text)]
    if not found:
        found = [f"<{identifier}>" for identifier in _BARE_ID.findall(text)]
    unique = list(dict.fromkeys(found))
    return tuple(unique if len(unique) <= MAX_MESSAGE_IDS else unique[:1] + unique[1 - MAX_MESSAGE_IDS :])


def parse_date(raw: bytes) -> datetime | None:
    """A Date header as aware UTC; None when it says nothing or a year outside 1980–2100."""
    try:
        moment = parsedate_to_datetime(decode_header(raw[:200]))
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
        return None
    return moment if 1980 <= moment.year <= 2100 else None


def charset_of(parameters: dict[str, str]) -> str | None:
    """The declared charset when it is one that exists."""
    declared = parameters.get("charset")
    return declared if known_charset(declared) else None
