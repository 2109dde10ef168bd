"""Voicemail: boxes with greetings, what callers leave, and where calls to an agent are forwarded."""
