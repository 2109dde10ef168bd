"""SIP messages as text: reading, writing, and the answer to a digest challenge (RFC 3261, RFC 8760)."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

SHORT = {"v": "via", "f": "from", "t": "to", "i": "call-id", "m": "contact", "l": "content-length", "c": "content-type"}
DIGESTS = {"MD5": "md5", "SHA-256": "sha256"}


@dataclass(slots=True)
class SipMessage:
    """A request or an answer. Headers keep their order; several of one name are possible."""

    start: str
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: str = ""

    @property
    def status(self) -> int:
        """The code of an answer, 0 for a request."""
        return int(self.start.split(" ", 2)[1]) if self.start.startswith("SIP/2.0 ") else 0

    @property
    def method(self) -> str:
        """A request's method; an answer's is in its CSeq."""
        return self.header("CSeq").split(" ")[-1] if self.status else self.start.split(" ", 1)[0]

    def header(self, name: str) -> str:
        """The first header of this name, or nothing."""
        return next((value for own, value in self.headers if own.lower() == name.lower()), "")

    def all(self, name: str) -> list[str]:
        """All headers of this name."""
        return [value for own, value in self.headers if own.lower() == name.lower()]

    def text(self) -> str:
        """As it goes over the wire."""
        lines = [self.start, *(f"{name}: {value}" for name, value in self.headers)]
        return "\r\n".join([*lines, f"Content-Length: {len(self.body.encode())}", "", self.body])


def parse(text: str) -> SipMessage:
    """Read a message. Raises ValueError for what is none."""
    head, gap, body = text.partition("\r\n\r\n")
    lines = re.sub(r"\r\n[ \t]+", " ", head).split("\r\n")
    if not gap or "SIP/2.0" not in lines[0]:
        raise ValueError("not a SIP message")
    headers = []
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon:
            raise ValueError(f"a SIP header without a colon: {line[:40]}")
        name = name.strip()
        if name.lower() not in ("content-length", "l"):
            headers.append((SHORT.get(name.lower(), name), value.strip()))
    return SipMessage(lines[0], headers, body)


def answer(request: SipMessage, status: int, reason: str, tag: str = "") -> SipMessage:
    """An answer without a body to a request."""
    copied = [pair for pair in request.headers if pair[0].lower() in ("via", "from", "call-id", "cseq")]
    to = request.header("To")
    to = to if ";tag=" in to or not tag else f"{to};tag={tag}"
    return SipMessage(f"SIP/2.0 {status} {reason}", [*copied, ("To", to)])


def address(header: str) -> str:
    """The URI in a Contact, From or To."""
    found = re.search(r"<([^>]+)>", header)
    return found.group(1) if found else header.split(";", 1)[0].strip()


def tag(header: str) -> str:
    """The tag in a From or To, or nothing."""
    found = re.search(r";\s*tag=([^;>\s]+)", header)
    return found.group(1) if found else ""


def challenge(header: str) -> dict[str, str]:
    """The parameters of a WWW-Authenticate or Authorization header."""
    found = re.findall(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))', header.partition(" ")[2])
    return {name.lower(): quoted or plain for name, quoted, plain in found}


def credentials(asked: dict[str, str], user: str, password: str, method: str, uri: str, client_nonce: str) -> str:
    """An Authorization header that answers a challenge. Raises ValueError for an algorithm that nobody has heard of."""
    algorithm = asked.get("algorithm", "MD5").upper()
    if algorithm not in DIGESTS:
        raise ValueError(f"Asterisk asks for a digest of {algorithm}")
    response = digest(asked, user, password, method, uri, client_nonce)
    parts = {"username": user, "realm": asked.get("realm", ""), "nonce": asked.get("nonce", ""), "uri": uri}
    quoted = [f'{name}="{value}"' for name, value in {**parts, "response": response}.items()]
    plain = [f"algorithm={algorithm}"]
    if "qop" in asked:
        plain += ["qop=auth", "nc=00000001", f'cnonce="{client_nonce}"']
    if "opaque" in asked:
        quoted.append(f'opaque="{asked["opaque"]}"')
    return "Digest " + ", ".join(quoted + plain)


def digest(asked: dict[str, str], user: str, password: str, method: str, uri: str, client_nonce: str) -> str:
    """The response of RFC 2617 and RFC 8760 to a challenge."""
    kind = DIGESTS[asked.get("algorithm", "MD5").upper()]

    def hashed(text: str) -> str:
        return hashlib.new(kind, text.encode(), usedforsecurity=False).hexdigest()

    who, what = hashed(f"{user}:{asked.get('realm', '')}:{password}"), hashed(f"{method}:{uri}")
    if "qop" in asked:
        return hashed(f"{who}:{asked.get('nonce', '')}:00000001:{client_nonce}:auth:{what}")
    return hashed(f"{who}:{asked.get('nonce', '')}:{what}")
