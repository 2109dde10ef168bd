"""What agents of the demo centre answer with, so that «/» finds something."""

from __future__ import annotations

from plugins.chat.desk import canned
from plugins.chat.desk.canned import Whose

REPLIES = (
    ("Начало разговора", "Приветствие", "<div>Здравствуйте, %F! Меня зовут %AF. Чем могу помочь?</div>"),
    ("Начало разговора", "Минуту", "<div>Спасибо, что написали. Минуту, сейчас посмотрю.</div>"),
    (
        "Доступ/Пароль",
        "Сброс пароля",
        "<div>На странице входа нажмите «Забыли пароль?» — письмо придёт за пару минут.</div>",
    ),
    ("Доступ/Подпись", "Носитель не виден", "<div>Переставьте носитель в другой разъём USB и обновите страницу.</div>"),
    ("Завершение", "Запрос создан", "<div>Ваш запрос — № $(case.number). Мы напишем, как только будут новости.</div>"),
    ("Завершение", "До свидания", "<div>Рады были помочь, %F. Хорошего дня!</div>"),
)


def load() -> None:
    """Add the replies for everybody that are not there yet; safe to repeat."""
    there = {one.title for one in canned.of_everybody()}
    everybody = Whose()
    for place, (path, title, html) in enumerate(REPLIES):
        if title not in there:
            canned.add(title, html, everybody, section_id=canned.ensure_path(path, everybody), position=place)
