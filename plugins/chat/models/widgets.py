"""Widgets and visits."""
