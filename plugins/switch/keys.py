"""Pressed keys as tones (ITU-T Q.23)."""

from __future__ import annotations

from core.telephony import DriverError

ROWS, COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
KEYS = ("123A", "456B", "789C", "*0#D")
TONE_MS, GAP_MS, COMMA_MS = 120, 80, 2000
MOST_KEYS = 100

PITCHES = {key: (ROWS[row], COLUMNS[column]) for row, keys in enumerate(KEYS) for column, key in enumerate(keys)}


def key_tones(digits: str) -> str:
    """The sound address of pressed keys; a comma pauses two seconds. Raises ``unsupported`` for other signs."""
    keys = digits.upper()
    if not 0 < len(keys) <= MOST_KEYS or any(key != "," and key not in PITCHES for key in keys):
        raise DriverError("unsupported", f"not keys: {digits[:MOST_KEYS]}")
    return "tone:" + ",".join(_tone(key) for key in keys)


def _tone(key: str) -> str:
    if key == ",":
        return f"0/{COMMA_MS}"
    low, high = PITCHES[key]
    return f"{low}+{high}/{TONE_MS},0/{GAP_MS}"
