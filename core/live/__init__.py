"""What live text channels have in common: a web chat, messengers, whatever comes.

A live text channel declares ``Capabilities(live=True)`` and does four things of its own: it proves who writes, names each source
message for ever, hands it to :func:`core.live.talk.take_in`, and carries answers out in its ``deliver``. What a conversation is,
when a new one begins, what an edit or a departure does, files that are fetched later, receipts and bots are here, the same for all.
``tests/plugins/test_live_channels.py`` runs one contract on every channel.
"""

LANE = "live"
"""The lane of the outbox for what people wait for at the other end: it never waits for letters or webhooks."""
