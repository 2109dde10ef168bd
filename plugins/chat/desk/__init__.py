"""The agent's side of a chat."""
