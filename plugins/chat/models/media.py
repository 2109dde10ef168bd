"""Calls and shared pages."""
