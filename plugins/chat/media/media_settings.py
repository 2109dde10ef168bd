"""The settings of calls and shown pages."""

from __future__ import annotations

from core.contracts import Setting, Text

SETTINGS = [
    Setting(
        "chat.ice_servers",
        list,
        [],
        Text(
            "STUN and TURN servers for calls, such as turn:turn.example:3478; none: direct connections only",
            "Серверы STUN и TURN для звонков, например turn:turn.example:3478; пусто — только прямые соединения",
        ),
    ),
    Setting(
        "chat.turn_secret",
        str,
        "",
        Text(
            "Secret shared with the TURN server (static-auth-secret of coturn)",
            "Общий секрет с сервером TURN (static-auth-secret в coturn)",
        ),
        secret=True,
    ),
    Setting(
        "chat.relay_only",
        bool,
        False,
        Text(
            "Let calls go through the TURN server only, so that neither side learns the other's address",
            "Вести звонки только через сервер TURN: стороны не узнают адресов друг друга",
        ),
    ),
    Setting("chat.recording_mb", int, 1024, Text("Largest recording of a call, MB", "Самая большая запись звонка, МБ")),
    Setting(
        "chat.cobrowse_piece_mb",
        int,
        8,
        Text("Largest visitor's page to be shown, MB", "Самая большая показываемая страница посетителя, МБ"),
    ),
    Setting(
        "chat.cobrowse_mb",
        int,
        200,
        Text("How much one showing of a page may send, MB", "Сколько данных можно передать за один показ страницы, МБ"),
    ),
]
