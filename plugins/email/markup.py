"""HTML of mails: to plain text, from plain text, and made safe to show."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape, unescape
from urllib.parse import unquote, urlsplit

from plugins.email.html_tokens import Tag, Text, canonical, tokens

MAX_HTML = 2 << 20

_BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "center",
        "dd",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "table",
        "tr",
        "ul",
    ]
)
_SPACED = frozenset(["blockquote", "dl", "h1", "h2", "h3", "h4", "h5", "h6", "ol", "p", "pre", "table", "ul"])
_HIDDEN = frozenset(["script", "style", "title"])
_LINK = re.compile(r"\b(?:https?://|mailto:|www\.)[^\s<>\"']{1,2000}", re.IGNORECASE)
_TRAILING = ".,;:!?)]}»”"

TAGS = frozenset(
    [
        "a",
        "abbr",
        "address",
        "b",
        "bdi",
        "bdo",
        "big",
        "blockquote",
        "br",
        "caption",
        "center",
        "cite",
        "code",
        "col",
        "colgroup",
        "dd",
        "del",
        "dfn",
        "div",
        "dl",
        "dt",
        "em",
        "figcaption",
        "figure",
        "font",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "img",
        "ins",
        "kbd",
        "li",
        "mark",
        "ol",
        "p",
        "pre",
        "q",
        "s",
        "samp",
        "small",
        "span",
        "strike",
        "strong",
        "sub",
        "sup",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "time",
        "tr",
        "tt",
        "u",
        "ul",
        "var",
        "wbr",
    ]
)
# Only these: what an unclosed one of them swallows is lost to the reader too.
_DROPPED_WITH_CONTENT = {"script", "style", "title"}
_EVERYWHERE = {"title", "dir", "lang", "align", "valign", "style"}
_ATTRIBUTES: dict[str, set[str]] = {
    "*": _EVERYWHERE,
    "a": {"href", "name"},
    "blockquote": {"type"},
    "col": {"span", "width"},
    "colgroup": {"span", "width"},
    "font": {"color", "face", "size"},
    "hr": {"size", "width"},
    "img": {"src", "alt", "width", "height"},
    "li": {"value"},
    "ol": {"start", "type"},
    "table": {"border", "cellpadding", "cellspacing", "width", "bgcolor"},
    "td": {"colspan", "rowspan", "width", "height", "bgcolor"},
    "th": {"colspan", "rowspan", "width", "height", "bgcolor", "scope"},
    "tr": {"bgcolor", "height"},
    "ul": {"type"},
}
_STYLE_PROPERTIES = {
    "background-color",
    "border",
    "border-bottom",
    "border-collapse",
    "border-color",
    "border-left",
    "border-right",
    "border-spacing",
    "border-style",
    "border-top",
    "border-width",
    "color",
    "direction",
    "font-family",
    "font-size",
    "font-style",
    "font-weight",
    "height",
    "letter-spacing",
    "line-height",
    "list-style-type",
    "margin",
    "margin-bottom",
    "margin-left",
    "margin-right",
    "margin-top",
    "max-width",
    "min-width",
    "padding",
    "padding-bottom",
    "padding-left",
    "padding-right",
    "padding-top",
    "text-align",
    "text-decoration",
    "text-indent",
    "text-transform",
    "vertical-align",
    "white-space",
    "width",
    "word-break",
    "word-wrap",
}
_STYLE_FETCHES = re.compile(r"url\s*\(|image\s*\(|image-set|expression|@import|\\", re.IGNORECASE)
# The sanitiser's output is well formed: quotes inside values are escaped, so these can't match inside a value.
_IMAGE = re.compile(r'<img(?: [a-z-]+="[^"]*")*>')
_REMOTE_SOURCE = re.compile(r' src="(https?:[^"]*)"', re.IGNORECASE)
_SAFE_DATA_IMAGE = re.compile(r"data:image/(?:png|jpe?g|gif|webp|bmp);base64,[A-Za-z0-9+/=\s]+\Z", re.IGNORECASE)


class _TextWriter:
    """Collects text; blocks become lines, list items dashes, quotations lines with ``>``."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._line: list[str] = []
        self._hidden = ""
        self._quotes = 0
        self._preformatted = 0
        self._href = ""
        self._link_text: list[str] = []

    def write(self, token: Text | Tag) -> None:
        """Take the next token. Between the tags of a script or a style nothing is text."""
        if isinstance(token, Text):
            if not self._hidden:
                self._text(unescape(token.raw))
        elif self._hidden:
            # A style that was never closed must not hide the letter.
            if (token.closing and token.name == self._hidden) or token.name == "body":
                self._hidden = ""
        elif token.closing:
            self._end(token.name)
        elif token.name in _HIDDEN:
            self._hidden = token.name
        else:
            self._start(token.name, dict(token.attributes))

    def text(self) -> str:
        """What was collected, at most one empty line between paragraphs."""
        self._break(force=False)
        while self.lines and not self.lines[-1].strip("> "):
            self.lines.pop()
        text = "\n".join(self.lines).replace("\xa0", " ")
        return re.sub(r"\n{3,}", "\n\n", text).strip("\n")

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "br":
            self._break()
        elif tag in _BLOCKS:
            self._block(tag)
        if tag == "blockquote":
            self._quotes += 1
        elif tag == "pre":
            self._preformatted += 1
        elif tag == "li":
            self._line.append("- ")
        elif tag in ("td", "th") and self._line:
            self._line.append(" ")
        elif tag == "a":
            self._href, self._link_text = unescape(attributes.get("href", "")), []
        elif tag == "img" and attributes.get("alt"):
            self._line.append(f"[{unescape(attributes['alt'])}]")

    def _end(self, tag: str) -> None:
        if tag == "a":
            self._close_link()
        if tag == "blockquote":
            self._break(force=False)
            self._quotes = max(0, self._quotes - 1)
        if tag in _BLOCKS and tag != "hr":
            self._block(tag)
        if tag == "pre":
            self._preformatted = max(0, self._preformatted - 1)

    def _text(self, data: str) -> None:
        if self._href:
            self._link_text.append(data)
        if not self._preformatted:
            self._line.append(re.sub(r"[ \t\r\n\f]+", " ", data))
            return
        first, *others = data.split("\n")
        self._line.append(first)
        for line in others:
            self._break()
            self._line.append(line)

    def _close_link(self) -> None:
        href, shown, self._href = self._href, "".join(self._link_text).strip(), ""
        if href.startswith(("http://", "https://")) and href.rstrip("/") != shown.rstrip("/"):
            self._line.append(f" <{href}>" if shown else href)

    def _block(self, tag: str) -> None:
        self._break(force=False)
        if tag in _SPACED and self.lines and self.lines[-1].strip("> "):
            self.lines.append(">" * self._quotes)

    def _break(self, force: bool = True) -> None:
        line = "".join(self._line)
        line = line.rstrip() if self._preformatted else re.sub(r" {2,}", " ", line).strip()
        self._line.clear()
        if line or force:
            self.lines.append(f"{'>' * self._quotes} {line}" if self._quotes else line)


def html_to_text(html: str) -> str:
    """Readable plain text; scripts, styles and comments are left out, links keep their address."""
    writer = _TextWriter()
    for token in tokens(html[:MAX_HTML]):
        writer.write(token)
    return writer.text()


def text_to_html(text: str) -> str:
    """Escaped HTML that keeps lines and spaces and makes addresses of the web clickable."""
    pieces: list[str] = []
    end = 0
    for found in _LINK.finditer(text):
        shown = found[0].rstrip(_TRAILING)
        pieces.append(escape(text[end : found.start()]))
        href = f"https://{shown}" if shown.lower().startswith("www.") else shown
        pieces.append(f'<a href="{escape(href)}">{escape(shown)}</a>')
        end = found.start() + len(shown)
    pieces.append(escape(text[end:]))
    return f'<div style="white-space:pre-wrap">{"".join(pieces)}</div>'


def sanitise(
    html: str,
    block_remote_images: bool = True,
    inline_image: Callable[[str], str | None] | None = None,
) -> str:
    """HTML of a stranger made safe to show: no script, form, frame, position or fetch survives.

    Remote images lose ``src`` and keep the address in ``data-src`` until the reader asks for them.
    ``inline_image`` maps the content id of a ``cid:`` image to an address of ours, or None to leave it out.
    """
    import nh3

    def keep(tag: str, attribute: str, value: str) -> str | None:
        if attribute == "style":
            return None if _STYLE_FETCHES.search(value) else value
        if tag == "a" and attribute == "href":
            return value if _scheme(value) in ("http", "https", "mailto", "tel") or value.startswith("#") else None
        if tag == "img" and attribute == "src":
            return _image_source(value, inline_image)
        return value

    safe = nh3.clean(
        canonical(html[:MAX_HTML]),
        tags=set(TAGS),
        clean_content_tags=_DROPPED_WITH_CONTENT,
        attributes=_ATTRIBUTES,
        attribute_filter=keep,
        filter_style_properties=_STYLE_PROPERTIES,
        url_schemes={"http", "https", "mailto", "tel", "cid", "data"},
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
    )
    return _IMAGE.sub(_hold_back, safe) if block_remote_images else safe


def has_remote_images(html: str) -> bool:
    """Whether sanitised HTML (images blocked) has images that wait for the reader's consent."""
    return ' data-src="' in html


def _image_source(value: str, inline_image: Callable[[str], str | None] | None) -> str | None:
    value = value.strip()
    scheme = _scheme(value)
    if scheme == "cid":
        return inline_image(unquote(value[4:])) if inline_image else None
    if scheme == "data":
        return value if _SAFE_DATA_IMAGE.match(value) else None
    if value.startswith("//"):
        return f"https:{value}"
    return value if scheme in ("http", "https") else None


def _hold_back(image: re.Match[str]) -> str:
    return _REMOTE_SOURCE.sub(r' data-src="\1"', image[0])


def _scheme(value: str) -> str:
    try:
        return urlsplit(value.strip()).scheme.lower()
    except ValueError:
        return ""
