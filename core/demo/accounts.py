"""The demo centre's accounts to try; imports nothing, so that the supervisor can print them."""

from __future__ import annotations

PASSWORD = "okno-demo"
ACCOUNTS = {
    "a.sokolova": ("agent, first line", "оператор, 1-я линия"),
    "j.harris": ("agent, English support", "оператор, поддержка на английском"),
    "e.orlova": ("supervisor", "супервизор"),
    "v.tikhonova": ("knowledge base editor", "редактор базы знаний"),
    "admin": ("administrator", "администратор"),
}


def demo_accounts(language: str) -> list[tuple[str, str]]:
    """Logins, and what each is for in ``language``."""
    return [(login, words[language == "ru"]) for login, words in ACCOUNTS.items()]
