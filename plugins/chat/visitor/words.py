"""What the widget says, in both languages. A widget's own ``texts`` stand in for those of the same key."""

from __future__ import annotations

from core.contracts import Text

# What administrators may word themselves, with the names that the admin page shows.
OWN = {
    "greeting": Text("Greeting", "Приветствие"),
    "intro": Text("Before the questions", "Перед вопросами"),
    "offline": Text("When nobody is there", "Когда никого нет"),
    "thanks": Text("After the form is sent", "После отправки формы"),
    "consent": Text("Consent line under the questions", "Согласие под вопросами"),
}
WORDS = {
    "title": Text("Chat with us", "Чат с нами"),
    "greeting": Text("Write to us, we usually answer within a minute.", "Напишите нам, обычно мы отвечаем за минуту."),
    "intro": Text("Tell us a little about yourself first.", "Сначала расскажите немного о себе."),
    "offline": Text(
        "Nobody is here now. Leave a message, we will answer by email.",
        "Сейчас никого нет на месте. Оставьте сообщение, мы ответим по почте.",
    ),
    "thanks": Text("Thank you, your message has reached us.", "Спасибо, ваше сообщение получено."),
    "consent": Text("", ""),
    "open": Text("Open the chat", "Открыть чат"),
    "close": Text("Close the chat", "Закрыть чат"),
    "unread": Text("unread messages", "непрочитанные сообщения"),
    "messages": Text("Messages", "Сообщения"),
    "write": Text("Your message", "Ваше сообщение"),
    "send": Text("Send", "Отправить"),
    "attach": Text("Attach files", "Прикрепить файлы"),
    "drop": Text("Drop files here", "Перетащите файлы сюда"),
    "remove": Text("Remove", "Убрать"),
    "emoji": Text("Emoji", "Эмодзи"),
    "menu": Text("End the chat", "Завершить чат"),
    "sure": Text("End the chat?", "Завершить чат?"),
    "yes": Text("End it", "Завершить"),
    "no": Text("Go on", "Продолжить"),
    "start": Text("Start the chat", "Начать чат"),
    "name": Text("Your name", "Ваше имя"),
    "email": Text("Your email", "Ваша почта"),
    "required": Text("Please fill this in", "Заполните это поле"),
    "bad_email": Text("This is not an email address", "Это не похоже на адрес почты"),
    "offline_now": Text("Nobody is here now", "Сейчас никого нет"),
    "bot_name": Text("Assistant", "Помощник"),
    "waiting": Text("Looking for an agent…", "Ищем оператора…"),
    "place": Text("You are number {n} in the queue", "Вы {n}-й в очереди"),
    "wait_minutes": Text("about {n} min", "примерно {n} мин"),
    "wait_less": Text("less than a minute", "меньше минуты"),
    "active": Text("{name} is with you", "С вами {name}"),
    "joined": Text("{name} has joined the chat", "{name} теперь с вами в чате"),
    "closes": Text("The chat closes at {time} unless you write", "Чат закроется в {time}, если вы не ответите"),
    "ended": Text("The chat is over. Write to begin a new one.", "Чат завершён. Напишите, чтобы начать новый."),
    "typing": Text("{name} is typing", "{name} печатает"),
    "sending": Text("Sending", "Отправляется"),
    "sent": Text("Sent", "Отправлено"),
    "read": Text("Read", "Прочитано"),
    "lost": Text(
        "No connection. Your messages go out when it is back.", "Нет связи. Сообщения уйдут, когда она вернётся."
    ),
    "failed": Text("Not sent. Try again", "Не отправлено. Повторите"),
    "too_many": Text("At most {n} files at once", "Не больше {n} файлов сразу"),
    "too_large": Text("{name}: larger than {n} MB", "{name}: больше {n} МБ"),
    "wrong_type": Text("{name}: this type of file is not accepted", "{name}: такие файлы не принимаются"),
    "rate": Text("How did we do?", "Как вам наша помощь?"),
    "stars": Text("{n} out of 5", "{n} из 5"),
    "comment": Text("What could be better?", "Что можно сделать лучше?"),
    "rated": Text("Thank you for your opinion", "Спасибо за оценку"),
    "picture": Text("Picture", "Картинка"),
    "back": Text("Back", "Назад"),
    "fresh": Text("New message", "Новое сообщение"),
}


def words(language: str, own: dict[str, dict[str, str]]) -> dict[str, str]:
    """All texts by key in ``language``, the widget's own where it has any."""
    found = {key: text.to(language) for key, text in WORDS.items()}
    found.update({key: given[language] for key, given in own.items() if key in OWN and given.get(language)})
    return found
