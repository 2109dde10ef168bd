"""The new words of a reply apart from the old ones, as the usual clients write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.email.reply import split_reply

QUOTES = {
    "gmail": "On Fri, Nov 20, 2026 at 10:00 AM Okno <support@okno.test> wrote:\n\n> old words\n> more",
    "gmail, broken line": "On Fri, Nov 20, 2026 at 10:00 AM Okno Support Team\n<support@okno.test> wrote:\n\n> old words",
    "gmail in Russian": "пт, 20 нояб. 2026 г. в 10:00, Okno <support@okno.test>:\n\n> old words",
    "yandex": '20.11.2026, 10:00, "Поддержка" <support@okno.test>:\n> old words',
    "thunderbird in Russian": "20.11.2026 10:00, Поддержка пишет:\n> old words",
    "mail.ru": "Пятница, 20 ноября 2026, 10:00 +03:00 от Поддержка <support@okno.test>:\n \n>old words\n>more",
    "outlook": "From: Okno <support@okno.test>\nSent: Friday, November 20, 2026 10:00 AM\nTo: Ivan\nSubject: RE: phone\n\nold words",
    "outlook in Russian": "От: Поддержка <support@okno.test>\nОтправлено: 20 ноября 2026 г. 10:00\nКому: Иван\nТема: RE: телефон\n\nold words",
    "outlook with underscores": "________________________________\nОт: Поддержка\nОтправлено: 20 ноября 2026 г. 10:00\nКому: Иван\nТема: x\n\nold words",
    "outlook with bold fields": "*From:* Okno\n*Sent:* Friday\n*To:* Ivan\n*Subject:* x\n\nold words",
    "outlook in German": "Von: Okno <support@okno.test>\nGesendet: Freitag, 20. November 2026 10:00\nAn: Ivan\nBetreff: AW: Telefon\n\nold words",
    "old outlook": "-----Original Message-----\nFrom: Okno\nSent: Friday\n\nold words",
    "old outlook in Russian": "-----Исходное сообщение-----\nold words",
    "the bat": "Вы писали 20 ноября 2026 г., 10:00:00:\n\n> old words",
    "lotus": "Okno Support написал(а) 20.11.2026 10:00:\n> old words",
    "apple in German": "> Am 20.11.2026 um 10:00 schrieb Okno <support@okno.test>:\n> \n> old words",
    "quotes without a word before": "> old words\n> more",
    "yahoo": "Am Freitag, 20. November 2026, 10:00:00 MEZ hat Okno <support@okno.test> Folgendes geschrieben:\n\n> old words",
}


@pytest.mark.parametrize("client", QUOTES)
def test_the_new_words_are_told_from_the_quoted(client: str) -> None:
    reply = split_reply(f"Спасибо, теперь работает.\n\nИван\n\n{QUOTES[client]}")
    assert reply.new == "Спасибо, теперь работает.\n\nИван"
    assert "old words" in reply.quoted


def test_answers_between_quoted_lines_stay() -> None:
    text = "On 20.11.2026 Okno wrote:\n> Which phone?\nThe red one.\n> Since when?\nYesterday."
    assert split_reply(text).new == text


def test_a_forward_without_a_word_is_all_new() -> None:
    assert split_reply(QUOTES["outlook"]).new == QUOTES["outlook"].strip()


@pytest.mark.parametrize(
    "signature",
    [
        "-- \nИван Петров\n+7 900",
        "--\nIvan",
        "Sent from my iPhone",
        "Отправлено с iPhone",
        "Отправлено из мобильной Яндекс Почты",
    ],
)
def test_signatures_are_kept_apart(signature: str) -> None:
    reply = split_reply(f"Да, верно.\n\n{signature}\n\n{QUOTES['gmail']}")
    assert (reply.new, reply.signature) == ("Да, верно.", signature)


@pytest.mark.parametrize(
    "text",
    [
        "From: the office to home it takes 5 minutes.\nTo: be sure I asked.",
        "Он написал:\nприходите завтра",
        "Цена > 100 и < 200",
        "Тема: телефон\nне работает",
        "Список:\n- раз\n- два\n\nКонец",
        "В 10:00 мне сказали: ждите",
        "---\nчерта и текст",
    ],
)
def test_prose_is_not_taken_for_a_quotation(text: str) -> None:
    assert split_reply(text).new == text


@given(
    st.text(max_size=500)
    | st.lists(st.sampled_from([*QUOTES.values(), "> ", "\n", "word", "From: x", "--", "wrote:"]), max_size=20).map(
        "\n".join
    )
)
def test_nothing_is_lost(text: str) -> None:
    reply = split_reply(text)
    kept = "".join(f"{reply.new}{reply.signature}{reply.quoted}".split())
    assert kept == "".join(text.split())
