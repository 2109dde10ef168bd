"""What visitors may send: how many files, how large, of which types; archives and pictures that unpack to far more are refused.

Nothing is unpacked or decoded: archives are judged by their directory, pictures by their header.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Sequence

from core import photos
from core.contracts import FileIn, Rejected, Text
from core.house import okno

NAME_MOST = 120
PIXELS_MOST, SIDE_MOST = 40_000_000, 16_000
UNPACKED_MOST, TIMES_MOST, ENTRIES_MOST = 500 << 20, 200, 10_000
PICTURES = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp"}
# What begins so is a program, whatever its name says: Windows, Linux, macOS, scripts.
PROGRAMS = (b"MZ", b"\x7fELF", b"\xcf\xfa\xed\xfe", b"\xca\xfe\xba\xbe", b"#!")
SIGNATURES = {"pdf": b"%PDF-", "zip": b"PK", "docx": b"PK", "xlsx": b"PK", "pptx": b"PK", "odt": b"PK", "ods": b"PK"}
TYPES = {
    "pdf": "application/pdf",
    "txt": "text/plain",
    "log": "text/plain",
    "csv": "text/csv",
    "zip": "application/zip",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "mp4": "video/mp4",
    "webm": "video/webm",
}


def checked(files: Sequence[FileIn]) -> tuple[FileIn, ...]:
    """The files with clean names and the types that their content shows.

    Raises ``Rejected``: ``files-too-many``, ``file-empty``, ``visitor-file-large``, ``file-type-refused``, ``archive-bomb``,
    ``picture-too-large``.
    """
    most = int(okno().config.get("chat.files"))
    if len(files) > most:
        words = Text(
            f"At most {most} files at once: send the others after them.",
            f"Не больше {most} файлов сразу: остальные отправьте следом.",
        )
        raise Rejected(words, "files-too-many")
    return tuple(_checked(file) for file in files)


def allowed_types() -> list[str]:
    """Extensions that are taken, in lower case without the dot."""
    return [str(one).lower().lstrip(".") for one in okno().config.get("chat.file_types")]


def _checked(file: FileIn) -> FileIn:
    name = clean_name(file.name)
    if not file.content:
        raise Rejected(Text(f"«{name}» is empty", f"Файл «{name}» пуст"), "visitor-file-empty")
    most = int(okno().config.get("chat.file_mb"))
    if len(file.content) > most << 20:
        words = Text(
            f"«{name}» is larger than {most} MB: compress it or send a link.",
            f"Файл «{name}» больше {most} МБ: сожмите его или пришлите ссылку.",
        )
        raise Rejected(words, "visitor-file-large")
    extension = name.rsplit(".", 1)[-1].lower() if "." in name else ""
    kind = _kind(name, extension, file.content)
    return FileIn(name, kind, file.content)


def _kind(name: str, extension: str, content: bytes) -> str:
    """The content type; raises ``Rejected`` for what is not what its name says or would do harm when opened."""
    expected = SIGNATURES.get(extension, b"")
    if extension not in allowed_types() or content.startswith(PROGRAMS) or not content.startswith(expected):
        raise _refused(name)
    if extension in PICTURES:
        return _picture(name, content)
    if content.startswith(b"PK"):
        _check_archive(name, content)
    return TYPES.get(extension, "application/octet-stream")


def _picture(name: str, content: bytes) -> str:
    # GIF89a, 18: the signature, then the logical screen's width and height.
    if content[:6] in (b"GIF87a", b"GIF89a") and len(content) >= 10:
        kind, width, height = (
            "image/gif",
            int.from_bytes(content[6:8], "little"),
            int.from_bytes(content[8:10], "little"),
        )
    elif (found := photos.examine(content)) is not None:
        kind, width, height = found
    else:
        raise _refused(name)
    if max(width, height) > SIDE_MOST or width * height > PIXELS_MOST:
        words = Text(
            f"«{name}» has {width} × {height} pixels, at most {PIXELS_MOST // 1_000_000} million are taken: make it smaller.",
            f"В картинке «{name}» {width} × {height} точек, а можно до {PIXELS_MOST // 1_000_000} млн: уменьшите её.",
        )
        raise Rejected(words, "picture-too-large")
    return kind


def _check_archive(name: str, content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as damaged:
        raise _refused(name) from damaged
    unpacked = sum(entry.file_size for entry in entries)
    if len(entries) > ENTRIES_MOST or unpacked > min(UNPACKED_MOST, TIMES_MOST * len(content) + (1 << 20)):
        words = Text(
            f"«{name}» unpacks to far more than it is: send what is inside.",
            f"Архив «{name}» распаковывается в несоразмерно большой объём: пришлите само содержимое.",
        )
        raise Rejected(words, "archive-bomb")


def _refused(name: str) -> Rejected:
    words = Text(
        f"«{name}»: this type of file is not accepted. Send a picture, a PDF, a document or a ZIP archive.",
        f"«{name}»: такие файлы не принимаются. Пришлите картинку, PDF, документ или архив ZIP.",
    )
    return Rejected(words, "file-type-refused")


def clean_name(name: str) -> str:
    """A file's name without folders and what addresses or headers could stumble over; the end of a long one is kept."""
    last = re.split(r"[\\/]", name)[-1]
    clean = re.sub(r'[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069<>:"|?*#%]', "_", last).strip(" .")
    return clean[-NAME_MOST:] or "file"
