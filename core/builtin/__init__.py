"""The core's own plugins: what it does through the same hooks as everybody else, each replaceable by a plugin."""

from core.builtin import basics, errors, find, ping_desk, router, steps, webhooks

BUILTINS = {
    "core.router": router,
    "core.steps": steps,
    "core.basics": basics,
    "core.find": find,
    "core.pings": ping_desk,
    "core.errors": errors,
    "core.webhooks": webhooks,
}

__all__ = ["BUILTINS"]
