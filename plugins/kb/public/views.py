"""The pages of the help centre. They know no session: what one visitor gets, a cache may give to the next."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from xml.sax.saxutils import escape, quoteattr
from zoneinfo import ZoneInfo

from babel.dates import format_date
from flask import Response, abort, make_response, redirect, render_template, request
from flask_babel import force_locale
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from core import __version__, storage
from core.contracts import Rejected
from core.house import okno
from core.permissions import public
from core.web.security import own_proof
from plugins.kb.finding import search_log
from plugins.kb.models import Article
from plugins.kb.public import index, reading, text, visitors
from plugins.kb.public.site import LOGO_TYPES, site
from plugins.kb.public.structured import article_data, breadcrumb_data, home_data
from plugins.kb.public.visible import Category, shelved
from plugins.kb.readers import feedback

LANGUAGES = ("ru", "en")
POPULAR, PAGE, SEARCH_PAGE, WORDS_MOST = 8, 50, 15, 300
SITEMAP_PAGE = 10_000
NAMED = re.compile(r"(\d{1,9})(?:-.*)?")
INLINE_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")


def base() -> str:
    """The address of the house from outside, without a slash at the end."""
    return str(okno().config.get("web.base_url") or request.host_url).rstrip("/")


def cached(draw: Callable[[], str | Response], *marks: object) -> Response:
    """The page, or 304 when the visitor has it: nothing but ``marks``, the address and the site decide what it says."""
    seconds = okno().config.get("kb.public_cache_seconds")
    told = repr((__version__, shelved().mark, request.full_path, site(), base(), marks))
    mark = hashlib.sha256(told.encode()).hexdigest()[:24]
    known = request.if_none_match.contains_weak(mark)
    answer = Response(status=304) if known else make_response(draw())
    answer.set_etag(mark, weak=True)
    answer.headers["Cache-Control"] = f"public, max-age={seconds}, stale-if-error=86400"
    return answer


def page(template: str, lang: str, **values: Any) -> str:
    """A page with what all of them need."""
    # The house's time zone: asking for the viewer's own would look at cookies, and caches would keep a page for each.
    look, zone = site(), ZoneInfo(okno().config.get("core.timezone"))
    others = values.pop("others", {other: f"{reading.ROOT}/{other}" for other in LANGUAGES})
    return render_template(
        f"kb/public/{template}",
        lang=lang,
        site=look,
        brand=look.titles.to(lang),
        root=f"{reading.ROOT}/{lang}",
        base=base(),
        others=others,
        theme=f"{reading.ROOT}/theme-{look.accent[1:]}-{look.accent_dark[1:]}.css",
        day=lambda moment: format_date(moment.astimezone(zone), "d MMMM yyyy", lang),
        **values,
    )


def _in(lang: str) -> Any:
    """The language of the address, whatever the browser prefers; 404 for one that is not spoken here."""
    if lang not in LANGUAGES:
        abort(404)
    return force_locale(lang)


def lost(lang: str) -> Response:
    """The page that says so, with a search box."""
    with _in(lang):
        answer = make_response(page("lost.html", lang, words=""), 404)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@public
def start() -> AnyResponse:
    """To the home page in the visitor's language."""
    lang = request.accept_languages.best_match(LANGUAGES) or okno().config.get("core.language")
    answer = redirect(f"{reading.ROOT}/{lang}")
    answer.headers["Vary"] = "Accept-Language"
    answer.headers["Cache-Control"] = "no-cache"
    return answer


@public
def home(lang: str) -> Response:
    """Categories and what is asked most."""

    def draw() -> str:
        rows = [(row, shelved().below(row.id, lang)) for row in shelved().top(lang)]
        data = home_data(site().titles.to(lang), base(), lang)
        return page("home.html", lang, categories=rows, popular=reading.popular(lang, POPULAR), data=data)

    with _in(lang):
        return cached(draw)


@public
def category(lang: str, name: str) -> AnyResponse:
    """A category: those below it and its articles; an old name leads to the new one."""
    with _in(lang):
        found = NAMED.fullmatch(name)
        row = shelved().categories.get(int(found.group(1))) if found else None
        if row is None or not row.counts.get(lang):
            return lost(lang)
        if name != row.name:
            return _moved(f"{reading.ROOT}/{lang}/sections/{row.name}")
        return cached(lambda: _draw_category(row, lang))


def _draw_category(row: Category, lang: str) -> str:
    at = min(max(request.args.get("page", 1, type=int), 1), 10_000)
    path = shelved().above(row.id, lang)
    count = reading.own_count(row.id, lang)
    others = {
        other: f"{reading.ROOT}/{other}/sections/{row.name}" if row.counts.get(other) else f"{reading.ROOT}/{other}"
        for other in LANGUAGES
    }
    return page(
        "category.html",
        lang,
        category=row,
        path=path,
        below=shelved().below(row.id, lang),
        rows=reading.in_folder(row.id, lang, PAGE, (at - 1) * PAGE),
        at=at,
        pages=-(-count // PAGE),
        others=others,
        real_others=tuple(other for other in LANGUAGES if row.counts.get(other)),
        data=breadcrumb_data(path, lang, base()),
    )


def _moved(address: str) -> AnyResponse:
    """301 to where it is now, with the question of the request."""
    answer = redirect(f"{address}?{urlencode(list(request.args.items(multi=True)))}".rstrip("?"), 301)
    answer.headers["Cache-Control"] = "public, max-age=3600"
    return answer


@public
def article(lang: str, name: str) -> AnyResponse:
    """An article; an old name, or the wrong language in the address, leads to where it is now."""
    with _in(lang):
        found = NAMED.fullmatch(name)
        row = reading.article(int(found.group(1))) if found else None
        if row is None:
            return lost(lang)
        right = reading.article_path(row.number, row.slug or row.title, row.language)
        if request.path != right:
            return _moved(right)
        yes, every = reading.helpful(row.id)
        answer = cached(lambda: _draw_article(row, lang, yes, every), row.version, yes, every)
        answer.last_modified = row.updated_at
        return answer


def _draw_article(row: Article, lang: str, yes: int, every: int, problem: str = "", written: str = "") -> str:
    parts = text.parts(row, reading.addresses_in(row))
    title, question = text.without_variables(row.title), text.without_variables(row.question)
    path = shelved().above(row.folder_id, lang)
    known = reading.translations(row)
    said = request.args.get("said", "")
    return page(
        "article.html",
        lang,
        article=row,
        title=title,
        question=question,
        parts=parts,
        contents=[
            (anchor, words)
            for part in parts
            for anchor, words in ([(part.anchor, part.title)] if len(parts) > 1 else []) + list(part.headings)
        ],
        path=path,
        related=reading.related(row),
        files=reading.attachments(row.id),
        helpful=(yes, every),
        said=said if said in ("yes", "no", "thanks") else "",
        problem=problem,
        written=written,
        here_path=known[row.language],
        others={other: known.get(other, f"{reading.ROOT}/{other}") for other in LANGUAGES},
        real_others=tuple(other for other in LANGUAGES if other in known),
        data=article_data(row, title, question, parts, path, site().titles.to(lang), base()),
    )


@own_proof  # type: ignore[untyped-decorator]
@public
def rate(lang: str, number: int) -> AnyResponse:
    """«Helpful» or not, then perhaps a comment. What looks like a robot is thanked and forgotten."""
    with _in(lang):
        row = reading.article(number)
        if row is None:
            return lost(lang)
        if visitors.is_foreign():
            abort(403)
        back = reading.article_path(row.number, row.slug or row.title, row.language)
        if visitors.is_robot():
            return _seen(back, "thanks")
        if visitors.too_often():
            words = _("That is a lot for one minute. Please wait a little and try again.")
            return _said_again(row, lang, words, 429)
        return _kept(row, lang, back)


def _kept(row: Article, lang: str, back: str) -> AnyResponse:
    helpful, words = request.form.get("helpful", ""), request.form.get("comment", "")
    if helpful in ("yes", "no"):
        key = feedback.visitor_key(row.id, request.remote_addr or "", request.headers.get("User-Agent", ""))
        feedback.rate(row, key, helpful == "yes")
    if "comment" not in request.form:
        return _seen(back, helpful if helpful in ("yes", "no") else "")
    try:
        feedback.comment(row, words)
    except Rejected as refusal:
        return _said_again(row, lang, refusal.text.to(lang), 422, words)
    return _seen(back, "thanks")


def _seen(back: str, said: str) -> AnyResponse:
    answer = redirect(f"{back}?said={said}#rating" if said else f"{back}#rating", 303)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _said_again(row: Article, lang: str, problem: str, status: int, written: str = "") -> Response:
    yes, every = reading.helpful(row.id)
    answer = make_response(_draw_article(row, lang, yes, every, problem, written), status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@public
def search(lang: str) -> Response:
    """The articles for the words of ``q``."""
    words = " ".join(request.args.get("q", "")[:WORDS_MOST].split())
    at = min(max(request.args.get("page", 1, type=int), 1), 50)

    def draw() -> str:
        found = index.search(words, lang, limit=SEARCH_PAGE, offset=(at - 1) * SEARCH_PAGE) if words else None
        if found and at == 1:
            search_log.note(words, found.total, "public")
        return page(
            "search.html",
            lang,
            words=words,
            found=found,
            at=at,
            pages=-(-found.total // SEARCH_PAGE) if found else 0,
            path_of=reading.article_path,
            popular=reading.popular(lang, POPULAR) if not found or not found.hits else (),
            others={other: f"{reading.ROOT}/{other}/search?{urlencode({'q': words})}" for other in LANGUAGES},
            real_others=(),
        )

    with _in(lang):
        answer = make_response(draw())
        answer.headers["Cache-Control"] = "no-cache"
        return answer


@public
def nowhere(rest: str) -> Response:
    """Addresses that lead nowhere."""
    lang = rest.partition("/")[0]
    return lost(lang if lang in LANGUAGES else str(okno().config.get("core.language")))


@public
def file(file_id: int, name: str) -> Response:
    """A file of a public article; pictures are shown, everything else is saved."""
    row = reading.file(file_id)
    if row is None or row.name != name:
        abort(404)
    shown = row.content_type in INLINE_TYPES
    if request.if_none_match.contains(row.sha256):
        answer = Response(status=304)
    else:
        try:
            answer = Response(storage.get(row.sha256))
        except FileNotFoundError:
            abort(404)
        answer.mimetype = row.content_type if shown else "application/octet-stream"
    answer.set_etag(row.sha256)
    answer.headers["Cache-Control"] = f"public, max-age={okno().config.get('kb.public_cache_seconds')}"
    answer.headers.set("Content-Disposition", "inline" if shown else "attachment", filename=row.name)
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return answer


@public
def theme(_colours: str) -> Response:
    """The two colours of the house as a stylesheet; its name changes with them."""
    look = site()
    css = f":root {{ --accent: light-dark({look.accent}, {look.accent_dark}); --accent-fill: {look.accent}; }}\n"
    answer = Response(css, mimetype="text/css")
    answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return answer


@public
def logo() -> Response:
    """The picture of the settings."""
    path = site().logo
    if path is None:
        abort(404)
    answer = Response(path.read_bytes(), mimetype=LOGO_TYPES[path.suffix.lower()])
    answer.headers["Cache-Control"] = "public, max-age=3600"
    answer.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return answer


@public
def robots() -> Response:
    """What search engines may read: the help centre, nothing else."""
    lines = ["User-agent: *"]
    if okno().config.get("kb.public"):
        lines += [f"Allow: {reading.ROOT}", "Allow: /kb/static/", f"Disallow: {reading.ROOT}/*/search", "Disallow: /"]
        lines += ["", f"Sitemap: {base()}{reading.ROOT}/sitemap.xml"]
    else:
        lines.append("Disallow: /")
    answer = Response("\n".join(lines) + "\n", mimetype="text/plain")
    answer.headers["Cache-Control"] = "public, max-age=3600"
    return answer


@public
def sitemap() -> Response:
    """All pages; more than ten thousand are split into parts that this one lists."""
    total = reading.total()
    if total <= SITEMAP_PAGE or "part" in request.args:
        return _xml(lambda: _urls(min(max(request.args.get("part", 0, type=int), 0), 10_000)))
    parts = range(-(-total // SITEMAP_PAGE))
    rows = [f"<sitemap><loc>{base()}{reading.ROOT}/sitemap.xml?part={number}</loc></sitemap>" for number in parts]
    index_of = f'<sitemapindex xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{"".join(rows)}</sitemapindex>'
    return _xml(lambda: [index_of])


def _xml(lines: Callable[[], list[str]]) -> Response:
    def draw() -> Response:
        return Response("\n".join(['<?xml version="1.0" encoding="UTF-8"?>', *lines()]), mimetype="application/xml")

    return cached(draw)


def _urls(part: int) -> list[str]:
    lines = ['<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml">']
    if part == 0:
        lines += [_url(f"{reading.ROOT}/{lang}", None, ()) for lang in LANGUAGES]
        lines += [
            _url(f"{reading.ROOT}/{lang}/sections/{row.name}", None, ())
            for row in shelved().categories.values()
            for lang in LANGUAGES
            if row.counts.get(lang)
        ]
    lines += [_url(one.path, one.changed, one.others) for one in reading.sitemap(SITEMAP_PAGE, part * SITEMAP_PAGE)]
    return [*lines, "</urlset>"]


def _url(path: str, changed: datetime | None, others: tuple[tuple[str, str], ...]) -> str:
    links = "".join(
        f'<xhtml:link rel="alternate" hreflang="{lang}" href={quoteattr(base() + other)}/>' for lang, other in others
    )
    when = f"<lastmod>{changed.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}</lastmod>" if changed else ""
    return f"<url><loc>{escape(base() + path)}</loc>{when}{links}</url>"
