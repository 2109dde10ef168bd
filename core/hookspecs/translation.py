"""The hook of translators: what contacts and agents write, in the other's language."""

from __future__ import annotations

import pluggy

hookspec = pluggy.HookspecMarker("okno")


@hookspec(firstresult=True)
def choose_translation(text: str, source: str, target: str) -> str | None:
    """Translate what a contact has written, or an agent's draft.

    Called: when an agent asks for it, in a web request, outside of any transaction, so it may talk to the network; the translation
    of a message is kept with it and not asked for again. The buttons are shown while a plugin implements this hook.
    Args: text: plain text, at most 20,000 characters. source: its likely language as ``ru`` or ``en``, "" for not known.
    target: the language wanted.
    Returns: the translation as plain text, or None to leave it to others; nobody: the agent is told so.
    Exceptions: counted; the next is asked.
    Used by: examples/okno-translate (a LibreTranslate server).

    Example::

        @hookimpl
        def choose_translation(text, source, target):
            answer = httpx.post(SERVICE, json={"q": text, "target": target}, timeout=10)
            return answer.json()["text"]
    """
