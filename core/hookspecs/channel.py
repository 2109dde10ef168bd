"""Hooks of channels: ways in and out, and what happens to an interaction."""

from __future__ import annotations

import pluggy

from core.contracts import Channel, Inbound, InteractionInfo, MessageInfo

hookspec = pluggy.HookspecMarker("okno")


@hookspec
def register_channels() -> list[Channel]:  # type: ignore[empty-body]
    """Add ways in and out of the house.

    Called: once, at start.
    Returns: channels with names of their own; a name taken already is refused and counted as a fault.
    Exceptions: the plugin's channels are left out, the fault is counted.
    Used by: email, chat, voice.

    Example::

        @hookimpl
        def register_channels():
            return [Channel("sms", Text("SMS", "СМС"), "message", Capabilities(), "phone", deliver=enqueue_sms)]
    """


@hookspec
def before_interaction_open(inbound: Inbound) -> None:
    """Refuse a message before it opens or joins an interaction.

    Called: inside the transaction that takes the message in, before anything is written.
    Args: inbound: the message as the channel handed it over.
    Returns: nothing; raise ``Rejected`` to refuse.
    Exceptions: ``Rejected`` goes to the channel, which tells the sender; any other is counted and the message is taken in.
    Used by: chat (visitors who write too fast).

    Example::

        @hookimpl
        def before_interaction_open(inbound):
            if inbound.sender.value in BLOCKED:
                raise Rejected(Text("You are blocked", "Вы заблокированы"), "blocked")
    """


@hookspec
def after_interaction_opened(interaction: InteractionInfo) -> None:
    """Learn that a contact has opened a new interaction and it waits.

    Called: after the commit, in the process that took it in.
    Args: interaction: a picture of it at that moment.
    Returns: nothing.
    Exceptions: counted; others run.
    Used by: chat (tells the visitor that a person is being found).

    Example::

        @hookimpl
        def after_interaction_opened(interaction):
            metrics.count(interaction.channel)
    """


@hookspec
def during_message(message: MessageInfo) -> None:
    """Take part in the storing of a message, in its transaction.

    Called: after the message row is written, before the commit, for every direction and author.
    Args: message: what was stored.
    Returns: nothing.
    Exceptions: the plugin's own changes are undone to its savepoint, the message is kept, the fault is counted.
    Used by: kb (ties the use of an article to the message that carried it).

    Example::

        @hookimpl
        def during_message(message):
            db.session.add(WordCount(message_id=message.id, words=len(message.body_text.split())))
    """


@hookspec
def after_interaction_closed(interaction: InteractionInfo) -> None:
    """Learn that an interaction has ended for good.

    Called: after the commit of its disposition.
    Args: interaction: a picture of it, in state ``closed``.
    Returns: nothing.
    Exceptions: counted; others run.
    Used by: chat (tells the visitor that the conversation is over).

    Example::

        @hookimpl
        def after_interaction_closed(interaction):
            archive(interaction.id)
    """
