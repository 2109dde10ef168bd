"""Compiled templates kept in the home folder: after a start the first pages come as quickly as the next."""

from __future__ import annotations

import pickle
from contextlib import suppress
from pathlib import Path

import jinja2
from jinja2.bccache import Bucket, FileSystemBytecodeCache

FOLDER = "cache/templates"


class KeptTemplates(FileSystemBytecodeCache):
    """One file a template, used as long as its source, Python and Jinja are those it was compiled from.

    The folder is made with the first template. One that cannot be written to, and a file that is damaged, cost the time of
    compiling.
    """

    def __init__(self, home: Path) -> None:
        super().__init__(str(home / FOLDER), f"{jinja2.__version__}-%s")

    def load_bytecode(self, bucket: Bucket) -> None:
        try:
            super().load_bytecode(bucket)
        except (OSError, EOFError, ValueError, TypeError, pickle.UnpicklingError):
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        with suppress(OSError):
            Path(self.directory).mkdir(mode=0o700, parents=True, exist_ok=True)
            super().dump_bytecode(bucket)
