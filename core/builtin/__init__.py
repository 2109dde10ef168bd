"""The core's own plugins: what it does through the same hooks as everybody else, each replaceable by a plugin."""

from core.builtin import basics, errors, find, people_desk, ping_desk, router, steps, supervision, webhooks

BUILTINS = {
    "core.router": router,
    "core.steps": steps,
    "core.basics": basics,
    "core.find": find,
    "core.people": people_desk,
    "core.pings": ping_desk,
    "core.errors": errors,
    "core.webhooks": webhooks,
    "core.supervision": supervision,
}

__all__ = ["BUILTINS"]
