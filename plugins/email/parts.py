"""The tree of a MIME message as offsets into its raw bytes (RFC 2045, RFC 2046).

Own splitter instead of the standard library's: that one walks line by line through one generator per nesting
level, which costs seconds on 30 MB and minutes on a nesting bomb. Here the work is bounded by ``MAX_DEPTH``
searches over the bytes, whatever they are.
"""

from __future__ import annotations

import re
from binascii import Error as BinasciiError
from binascii import a2b_qp, a2b_uu
from dataclasses import dataclass, field

from plugins.email.headers import decode_base64, parse_parameters

MAX_DEPTH = 20
MAX_PARTS = 500
MAX_HEADERS = 1000
MAX_HEADER_VALUE = 65536
MAX_HEADER_BLOCK = 1 << 20

_BLANK_LINE = re.compile(rb"\n[ \t]*\r?\n")
_HEADER = re.compile(rb"([\x21-\x39\x3b-\x7e]{1,200})[ \t]*:(.*)", re.DOTALL)
_DELIMITER_LINE = re.compile(rb"^--([^\r\n]{1,200}?)[ \t]*\r?$", re.MULTILINE)
_LEADING_NOISE = re.compile(rb"(?:[ \t]*\r?\n)*(?:>?From [^\r\n]*\r?\n)?")


@dataclass(slots=True)
class Part:
    """One node: its headers (lower-case name, unfolded raw value) and where its body lies in the message."""

    headers: list[tuple[str, bytes]]
    start: int
    end: int
    content_type: str = "text/plain"
    parameters: dict[str, str] = field(default_factory=dict)
    disposition: str = ""
    disposition_parameters: dict[str, str] = field(default_factory=dict)
    children: list[Part] = field(default_factory=list)

    def first(self, name: str) -> bytes | None:
        """The first value of a header that has any content, or None."""
        return next((value for key, value in self.headers if key == name and value.strip()), None)

    def all(self, name: str) -> list[bytes]:
        """Every value of a header in order."""
        return [value for key, value in self.headers if key == name]


class Splitter:
    """Splits one message; ``defects`` gathers what was wrong with it."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.defects: list[str] = []
        self._parts = 0

    def split(self) -> Part:
        """The root part with all its descendants."""
        noise = _LEADING_NOISE.match(self.raw)
        return self._part(noise.end() if noise else 0, len(self.raw), 0, "text/plain")

    def content(self, part: Part) -> bytes:
        """The decoded content of a leaf; undecodable transfer encodings give the bytes as they are."""
        data = self.raw[part.start : part.end]
        encoding = (part.first("content-transfer-encoding") or b"").strip(b" \t\"';.").lower()
        if encoding == b"base64":
            return decode_base64(data)
        if encoding == b"quoted-printable":
            return a2b_qp(data)
        if encoding in (b"x-uuencode", b"uuencode", b"x-uue"):
            return self._decode_uu(data)
        if encoding not in (b"", b"7bit", b"8bit", b"binary", b"7-bit", b"8-bit"):
            self.defect("unknown-transfer-encoding")
        return data

    def defect(self, name: str) -> None:
        """Note a defect once."""
        if name not in self.defects and len(self.defects) < 50:
            self.defects.append(name)

    def _part(self, start: int, end: int, depth: int, default_type: str) -> Part:
        self._parts += 1
        headers, body = self._headers(start, end)
        part = Part(headers, body, end, default_type)
        self._describe(part, default_type)
        if part.content_type.startswith("multipart/"):
            if depth >= MAX_DEPTH:
                self.defect("nested-too-deep")
            else:
                self._children(part, depth)
        return part

    def _describe(self, part: Part, default_type: str) -> None:
        raw_type = part.first("content-type")
        if raw_type is not None:
            value, part.parameters = parse_parameters(raw_type[:MAX_HEADER_VALUE])
            found = re.match(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+", value)
            if found:
                part.content_type = found[0][:120]
            else:
                part.content_type = "text/html" if value.startswith("html") else "text/plain"
                self.defect("bad-content-type")
        raw_disposition = part.first("content-disposition")
        if raw_disposition is not None:
            part.disposition, part.disposition_parameters = parse_parameters(raw_disposition[:MAX_HEADER_VALUE])

    def _children(self, part: Part, depth: int) -> None:
        boundary = part.parameters.get("boundary", "").encode("utf-8", "replace") or self._guess_boundary(part)
        spans = self._spans(part, boundary) if boundary else []
        if not spans:
            self.defect("multipart-without-parts")
            return
        inner_default = "message/rfc822" if part.content_type == "multipart/digest" else "text/plain"
        for start, end in spans:
            if self._parts >= MAX_PARTS:
                self.defect("too-many-parts")
                break
            part.children.append(self._part(start, end, depth + 1, inner_default))

    def _guess_boundary(self, part: Part) -> bytes:
        self.defect("no-boundary")
        found = _DELIMITER_LINE.search(self.raw, part.start, part.end)
        return found[1] if found else b""

    def _spans(self, part: Part, boundary: bytes) -> list[tuple[int, int]]:
        """Where the parts lie: the line break before a delimiter belongs to the delimiter (RFC 2046, 5.1.1)."""
        delimiter = b"--" + boundary.rstrip()
        spans: list[tuple[int, int]] = []
        opened = -1
        position = self.raw.find(delimiter, part.start, part.end)
        while position >= 0:
            after = position + len(delimiter)
            line_end = self.raw.find(b"\n", after, part.end)
            line_end = part.end if line_end < 0 else line_end
            rest = self.raw[after : min(line_end, after + 200)].strip()
            at_line_start = position == part.start or self.raw[position - 1 : position] == b"\n"
            if at_line_start and rest in (b"", b"--"):
                if opened >= 0:
                    spans.append((opened, self._before_line_break(opened, position)))
                opened = -1 if rest else min(line_end + 1, part.end)
                if rest or len(spans) >= MAX_PARTS:
                    break
            position = self.raw.find(delimiter, after, part.end)
        if opened >= 0:
            self.defect("unclosed-multipart")
            spans.append((opened, part.end))
        return spans

    def _before_line_break(self, start: int, position: int) -> int:
        if position > start and self.raw[position - 1 : position] == b"\n":
            position -= 1
            if position > start and self.raw[position - 1 : position] == b"\r":
                position -= 1
        return position

    def _headers(self, start: int, end: int) -> tuple[list[tuple[str, bytes]], int]:
        if self.raw[start : start + 1] == b"\n":
            return [], start + 1
        if self.raw[start : start + 2] == b"\r\n":
            return [], start + 2
        blank = _BLANK_LINE.search(self.raw, start, end)
        block_end, body = (blank.start(), blank.end()) if blank else (end, end)
        if block_end - start > MAX_HEADER_BLOCK:
            self.defect("headers-too-large")
            block_end = start + MAX_HEADER_BLOCK
        lines = self.raw[start:block_end].split(b"\n")
        headers, body_line = self._header_lines(lines)
        if body_line is not None:
            body = min(start + sum(len(line) + 1 for line in lines[:body_line]), end)
        return headers, body

    def _header_lines(self, lines: list[bytes]) -> tuple[list[tuple[str, bytes]], int | None]:
        """The headers, and the index of the line where the body starts without the blank line it should have."""
        folded: list[tuple[str, list[bytes]]] = []
        last_header = max(
            (i for i, line in enumerate(lines) if line[:1] not in b" \t" and _HEADER.match(line)), default=-1
        )
        for index, line in enumerate(lines):
            line = line.rstrip(b"\r")
            match = _HEADER.match(line) if line[:1] not in (b" ", b"\t") else None
            if match:
                if len(folded) >= MAX_HEADERS:
                    self.defect("too-many-headers")
                    break
                folded.append((match[1].decode("ascii").lower(), [match[2]]))
            elif line[:1] in (b" ", b"\t") and folded:
                folded[-1][1].append(line)
            elif line.strip() and index > last_header:
                self.defect("no-blank-line-after-headers")
                return self._unfold(folded), index
            elif line.strip() and folded:
                # A subject that was broken without indentation: better in the header than lost.
                self.defect("broken-folding")
                folded[-1][1].append(b" " + line)
        return self._unfold(folded), None

    def _unfold(self, folded: list[tuple[str, list[bytes]]]) -> list[tuple[str, bytes]]:
        headers = []
        for name, lines in folded:
            value = b"".join(lines).strip()
            if len(value) > MAX_HEADER_VALUE:
                self.defect("header-too-long")
                value = value[:MAX_HEADER_VALUE]
            headers.append((name, value))
        return headers

    def _decode_uu(self, data: bytes) -> bytes:
        decoded = bytearray()
        for line in data.splitlines():
            if line.startswith((b"begin ", b"end")) or not line.strip():
                continue
            try:
                decoded += a2b_uu(line)
            except BinasciiError:
                self.defect("bad-uuencode")
        return bytes(decoded)
