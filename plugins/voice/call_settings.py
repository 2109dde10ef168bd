"""The settings of calls."""

from __future__ import annotations

from core.contracts import Setting, Text

SETTINGS = (
    Setting(
        "voice.backend",
        str,
        "switch",
        Text(
            "What carries calls; when it is not enabled, the first that is",
            "Что передаёт звонки; если не включено — первое включённое",
        ),
    ),
    Setting(
        "voice.listen",
        str,
        "",
        Text(
            "host:port of the voice process for web and worker on other machines; empty: a socket file in the home folder",
            "хост:порт голосового процесса для других машин; пусто: файл сокета в домашней папке",
        ),
    ),
    Setting(
        "voice.secret",
        str,
        "",
        Text("Shared secret of voice.listen", "Общий секрет для voice.listen"),
        secret=True,
    ),
    Setting(
        "voice.allowed",
        list,
        [],
        Text(
            "Beginnings of numbers that may be dialled: +7, +375, and sip: for addresses without a number; empty: any",
            "Начала номеров, по которым можно звонить: +7, +375, а также sip: для адресов без номера; пусто: любые",
        ),
    ),
    Setting(
        "voice.forbidden",
        list,
        [],
        Text("Beginnings of numbers that may not be dialled", "Начала номеров, по которым звонить нельзя"),
    ),
    Setting(
        "voice.caller",
        str,
        "",
        Text(
            "The number that others see where a service has none", "Номер, который видят другие, если у сервиса его нет"
        ),
    ),
    Setting(
        "voice.ring_seconds",
        int,
        30,
        Text("How long a colleague's telephone rings", "Сколько секунд звонит телефон коллеги"),
    ),
    Setting(
        "voice.recording_tone",
        bool,
        True,
        Text(
            "A tone for everybody in a call when its recording begins and the service has no announcement",
            "Сигнал всем участникам в начале записи, если у сервиса нет предупреждения о записи",
        ),
    ),
    Setting(
        "voice.announce_seconds",
        int,
        60,
        Text(
            "How often callers who wait are told their place; 0: never",
            "Как часто ожидающим называют место в очереди, секунд; 0: никогда",
        ),
    ),
    Setting(
        "voice.visitor_calls",
        int,
        10,
        Text(
            "Calls a minute from pages behind one address; 0: any number",
            "Звонков в минуту со страниц за одним адресом; 0: сколько угодно",
        ),
    ),
    Setting(
        "voice.visitor_callbacks",
        int,
        5,
        Text(
            "Requests a minute to be called back from pages behind one address; 0: any number",
            "Просьб перезвонить в минуту со страниц за одним адресом; 0: сколько угодно",
        ),
    ),
    Setting(
        "voice.callback_tries",
        int,
        3,
        Text("How often somebody is called back who is not reached", "Сколько раз перезванивать, если не дозвонились"),
    ),
    Setting(
        "voice.callback_retry_minutes",
        int,
        10,
        Text(
            "Minutes until the second try of a call back; before each further one twice as long; 0: in turn at once",
            "Через сколько минут перезвонить снова, если не дозвонились; дальше пауза удваивается; 0: сразу в порядке очереди",
        ),
    ),
)
