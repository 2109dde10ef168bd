"""How large the files of answers and notes may be (settings ``cases.file_mb`` and ``cases.files_mb``)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.contracts import FileIn, Rejected, Text
from core.house import okno

MEGABYTE = 1 << 20


def check(files: Sequence[FileIn]) -> None:
    """Raises ``Rejected`` (``file-too-large``, ``files-too-large``) when one file, or all together, are too much."""
    each = okno().config.get("cases.file_mb")
    for file in files:
        if len(file.content) > each * MEGABYTE:
            words = Text(
                f"«{file.name}» is larger than {each} MB: compress it or send a link.",
                f"Файл «{file.name}» больше {each} МБ: сожмите его или отправьте ссылку.",
            )
            raise Rejected(words, "file-too-large")
    check_total(len(file.content) for file in files)


def check_total(sizes: Iterable[int]) -> None:
    """Raises ``Rejected`` (``files-too-large``) for more bytes than one message may carry."""
    total = okno().config.get("cases.files_mb")
    if sum(sizes) > total * MEGABYTE:
        words = Text(
            f"The files are more than {total} MB together: send them in several messages.",
            f"Файлы вместе больше {total} МБ: отправьте их несколькими письмами.",
        )
        raise Rejected(words, "files-too-large")
