"""Where the files are that browsers load."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parent.parent / "static"
