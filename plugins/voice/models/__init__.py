"""The tables of voice."""
