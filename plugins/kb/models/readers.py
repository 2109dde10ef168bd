"""What readers say of articles."""

from __future__ import annotations
