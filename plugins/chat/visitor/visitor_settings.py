"""Limits for what visitors send."""

from __future__ import annotations

from core.contracts import Setting, Text

FILE_TYPES = [
    "png", "jpg", "jpeg", "gif", "webp", "pdf", "txt", "log", "csv", "rtf", "doc", "docx", "xls", "xlsx", "ppt", "pptx", "odt", "ods",
    "zip", "mp3", "ogg", "m4a", "mp4", "webm", "mov", "eml", "msg",
]  # fmt: skip
SETTINGS = [
    Setting("chat.files", int, 10, Text("Files in one message of a visitor", "Файлов в одном сообщении посетителя")),
    Setting("chat.file_mb", int, 10, Text("Largest file of a visitor, MB", "Наибольший файл посетителя, МБ")),
    Setting(
        "chat.file_types",
        list,
        FILE_TYPES,
        Text("Types of files that visitors may send", "Какие файлы могут присылать посетители"),
    ),
    Setting(
        "chat.sessions_a_minute",
        int,
        120,
        Text(
            "New visitors from one address a minute, 0 for any number",
            "Новых посетителей с одного адреса в минуту, 0 — сколько угодно",
        ),
    ),
]
