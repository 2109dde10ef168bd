"""Calls: who is in them and what becomes of them. Everything here changes rows in transactions; the voice process follows."""
