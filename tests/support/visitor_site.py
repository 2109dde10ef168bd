"""A customer's site on another origin: a tiny page with one line of ours, served by itself."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PAGE = """<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>Магазин: {path}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">{head}</head>
<body><header><p>Шапка сайта</p></header><main><h1>Магазин</h1><p>Обычная страница сайта.</p><a href="/other">Другая страница</a></main>
<script src="{centre}/{script}" data-entry="{entry}" async></script></body></html>"""


@contextmanager
def visitor_site(
    centre: str, entry: str, *, lang: str = "ru", head: str = "", script: str = "chat/widget.js"
) -> Iterator[str]:
    """The address of a site whose every page carries the widget ``entry`` of ``centre``."""

    class Site(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/favicon.ico":
                self.send_response(204)
                self.end_headers()
                return
            values = {"lang": lang, "head": head, "centre": centre, "entry": entry, "script": script}
            page = PAGE.format(path=self.path, **values).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Site)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
