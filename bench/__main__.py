"""Run all benches one after the other, each bounded in time: ``python -m bench [NAME…]``."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
# Arguments keep a whole run within about eight minutes on two cores; the seconds bound one that hangs.
BENCHES: dict[str, tuple[tuple[str, ...], float]] = {
    "intake": (("-m", "bench.intake", "--mails", "1000"), 300),
    "pages": (("-m", "bench.pages", "--cases", "100000", "--rounds", "40"), 600),
    "search": (("-m", "bench.search", "--articles", "13000"), 600),
    "quality": (("-m", "bench.search_quality", "--fillers", "500"), 300),
    "desk": (("-m", "bench.desk"), 240),
    "routing": (("-m", "bench.routing"), 240),
    "simulation": (("-m", "bench.simulation", "--calls", "100000"), 240),
    "chat": (("-m", "bench.chat", "--visitors", "5000", "--rate", "200", "--seconds", "10"), 420),
    "voice": (("-m", "bench.voice"), 300),
    "queue": (("-m", "bench.voice_queue"), 240),
    "events": (("-m", "bench.events", "--streams", "2000", "--rate", "200"), 180),
}


def run(name: str) -> str:
    """Run one bench, its output as it comes; how it ended in a word."""
    arguments, seconds = BENCHES[name]
    print(f"\n=== {name}: python {' '.join(arguments)}", flush=True)
    try:
        code = subprocess.run([sys.executable, *arguments], cwd=HERE.parent, timeout=seconds, check=False).returncode
    except subprocess.TimeoutExpired:
        return f"stopped after {seconds:.0f} s"
    return "done" if code == 0 else f"ended with {code}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHES)}; all when none is given")
    chosen = parser.parse_args().names or list(BENCHES)
    if unknown := set(chosen) - BENCHES.keys():
        parser.error(f"no such bench: {', '.join(sorted(unknown))}")
    ended = {name: run(name) for name in chosen}
    print("\n" + "\n".join(f"{name:8} {how}" for name, how in ended.items()))
    return int(any(how != "done" for how in ended.values()))


if __name__ == "__main__":
    sys.exit(main())
