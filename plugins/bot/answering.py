"""What the bot says: articles for what was asked, and when it is time for a person."""

from __future__ import annotations

import re
from html import unescape

from core.contracts import BotReply, BotTurn, SearchHit, SearchQuery, Text
from core.house import okno
from plugins.bot.rules import Rule, rule_of

BOT = "knowledge"
OFFERED = 3
MARKUP = re.compile(r"<[^>]*>")
YES, NO = Text("Yes, it helped", "Да, помогло"), Text("No, it did not", "Нет, не помогло")
WORDS = {
    "found": Text("This may help:", "Возможно, это поможет:"),
    "helped": Text("Did it help? You can also ask in other words.", "Помогло? Можно спросить и другими словами."),
    "glad": Text("Glad it helped! Write again whenever you need us.", "Рады, что помогло! Пишите, если понадобится ещё."),
    "ask": Text("Describe your question in a few words, and I will look for an answer.", "Опишите вопрос в нескольких словах, и я поищу ответ."),
    "none": Text("I have found nothing about it. A person will answer you here.", "Ничего не нашлось. Вам ответит оператор."),
    "person": Text("A person will answer you here.", "Вам ответит оператор."),
}  # fmt: skip
SHORT_WORDS = 2


def reply(turn: BotTurn) -> BotReply:
    """The answer to a turn."""
    rule, memory = rule_of(turn.interaction.service_id), dict(turn.memory)
    said = turn.text.strip().strip(".!").casefold()
    if memory.get("offered") and said == YES.to(_spoken(turn)).casefold():
        return BotReply(_words(turn, "glad"), ends=True, why=Text("An article helped", "Помогла статья"))
    if memory.get("offered") and said == NO.to(_spoken(turn)).casefold():
        return _person(turn, "person", Text("The articles did not help", "Статьи не помогли"))
    if turn.has_files and not said:
        return _person(turn, "person", Text("The contact sent files", "Клиент прислал файлы"))
    if int(memory.get("attempts", 0)) >= rule.attempts:
        return _person(turn, "person", Text("The bot has tried often enough", "Бот исчерпал попытки"))
    return _offer(turn, rule, memory)


def _offer(turn: BotTurn, rule: Rule, memory: dict[str, object]) -> BotReply:
    offered = [str(one) for one in memory.get("offered", [])]  # type: ignore[attr-defined]
    memory["attempts"] = int(str(memory.get("attempts", 0))) + 1
    found = find(turn.text, turn.language, offered)
    if found:
        lines = [f"• {title}\n{url}" for _id, title, url in found]
        text = "\n\n".join([_words(turn, "found"), *lines, _words(turn, "helped")])
        memory["offered"] = [*offered, *(id_ for id_, _title, _url in found)]
        return BotReply(_greeted(turn, rule, text), (YES.to(_spoken(turn)), NO.to(_spoken(turn))), memory=memory)
    if turn.first and len(turn.text.split()) <= SHORT_WORDS:
        return BotReply(_greeted(turn, rule, _words(turn, "ask")), memory=memory)
    return _person(turn, "none", Text("The bot has found nothing", "Бот ничего не нашёл"), rule)


def find(text: str, language: str, without: list[str]) -> list[tuple[str, str, str]]:
    """Id, title and whole address of what customers may read about it, the best first, a few at most."""
    found: list[tuple[str, str, str]] = []
    query = SearchQuery(text[:500], limit=OFFERED, filters={"language": (language or "ru",)}, without=tuple(without))
    for source in okno().customer_sources.values():
        for hit in source.search(query).hits:
            path = source.url(hit.id.partition(":")[2])
            if path:
                found.append((hit.id, _plain(hit), okno().config.base_url + path if path.startswith("/") else path))
    return found[:OFFERED]


def _plain(hit: SearchHit) -> str:
    return unescape(MARKUP.sub("", hit.title_html))


def _person(turn: BotTurn, words: str, why: Text, rule: Rule | None = None) -> BotReply:
    text = _words(turn, words)
    return BotReply(_greeted(turn, rule, text) if rule else text, hand_over=True, why=why)


def _greeted(turn: BotTurn, rule: Rule, text: str) -> str:
    greeting = rule.greeting(turn.language) if turn.first else ""
    return f"{greeting}\n\n{text}" if greeting else text


def _words(turn: BotTurn, key: str) -> str:
    return WORDS[key].to(_spoken(turn))


def _spoken(turn: BotTurn) -> str:
    return "en" if turn.language == "en" else "ru"
