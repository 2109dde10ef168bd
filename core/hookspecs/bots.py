"""Hooks of bots: who answers before an agent does."""

from __future__ import annotations

import pluggy

from core.contracts import BotReply, BotTurn, Inbound, ServiceInfo

hookspec = pluggy.HookspecMarker("okno")


@hookspec(firstresult=True)
def choose_bot(inbound: Inbound, service: ServiceInfo) -> str | None:
    """Let a bot begin a new conversation of a live text channel instead of the queue.

    Called: inside the transaction that opens the conversation, once for each; never talk to the network.
    Args: inbound: the first message. service: where it leads.
    Returns: a name for the bot, which comes back in its turns, or None to leave it to others; nobody: it waits for an agent.
    Exceptions: counted; the next is asked.
    Used by: bot (services for which it is switched on).

    Example::

        @hookimpl
        def choose_bot(inbound, service):
            return "orders" if service.key == "shop" else None
    """


@hookspec(firstresult=True)
def choose_bot_reply(turn: BotTurn) -> BotReply | None:
    """Answer what a contact wrote to a bot.

    Called: by the worker, outside of any transaction, so it may take its time; again for the same turn after a crash.
    Args: turn: what was written, whose bot is meant (``turn.bot``), and what that bot remembers.
    Returns: what to say, or None for another's bot; nobody answers: the conversation goes to the queue.
    Exceptions: counted; the next is asked.
    Used by: bot (articles of the knowledge base).

    Example::

        @hookimpl
        def choose_bot_reply(turn):
            if turn.bot == "orders":
                return BotReply("Which order?", buttons=("The last one",), memory={"asked": True})
    """
