"""Any source in, any format out: which reader or writer it is for."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from core.house import okno
from plugins.kb.exchange import archive, csv_exchange, folder_exchange, other_systems
from plugins.kb.exchange.importer import Progress
from plugins.kb.exchange.portable import BadSource, Outcome

FORMATS = ("markdown", "csv", "zendesk")
SUFFIX = {"markdown": ".zip", "csv": ".csv", "zendesk": ".json"}


def load(
    path: Path,
    user_id: int | None = None,
    progress: Progress | None = None,
    *,
    dry: bool = False,
    restart: bool = False,
    source: str = "",
) -> Outcome:
    """Import a folder, a zip of one, a CSV table or JSON of another system. Raises :class:`BadSource`."""
    told = {"dry": dry, "restart": restart}
    if path.is_dir():
        return folder_exchange.load_folder(path, user_id, progress, source=source, **told)
    if not path.is_file():
        raise BadSource(f"{path} is not a folder or a file of articles")
    suffix = path.suffix.lower()
    if suffix == ".zip":
        return _zip(path, user_id, progress, source or f"zip:{path.name}", **told)
    if suffix in (".csv", ".tsv", ".txt"):
        return csv_exchange.load_csv(path, user_id, progress, source=source, **told)
    if suffix == ".json":
        return other_systems.load_json(path, user_id, progress, source=source, **told)
    raise BadSource(f"{path.name}: choose a folder, a .zip of one, a .csv table or .json of Zendesk or Freshdesk")


def _zip(
    path: Path, user_id: int | None, progress: Progress | None, source: str, *, dry: bool, restart: bool
) -> Outcome:
    most = int(okno().config.get("kb.import_mb")) << 20
    with tempfile.TemporaryDirectory(prefix="okno-import-") as place:
        root = Path(place) / (path.stem or "articles")
        root.mkdir()
        archive.unpack(path, root, most)
        return folder_exchange.load_folder(root, user_id, progress, source=source, dry=dry, restart=restart)


def save(path: Path, kind: str, progress: Progress | None = None) -> int:
    """Write every article to ``path`` in a format; ``markdown`` makes a folder, or a zip of one where it ends in ``.zip``."""
    try:
        if kind == "csv":
            return csv_exchange.save_csv(path, progress)
        if kind == "zendesk":
            return other_systems.save_zendesk(path, progress)
        if path.suffix.lower() != ".zip":
            return folder_exchange.save_to_folder(path, progress)
        with tempfile.TemporaryDirectory(prefix="okno-export-") as place:
            root = Path(place) / "articles"
            total = folder_exchange.save_to_folder(root, progress)
            made = Path(place) / "articles.zip"
            archive.pack(root, made)
            shutil.move(made, path)
            return total
    except OSError as error:
        raise BadSource(f"{path} cannot be written: {error.strerror}") from error
