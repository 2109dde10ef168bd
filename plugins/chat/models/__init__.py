"""The tables of chat."""
