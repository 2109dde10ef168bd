"""Common Russian nouns whose forms Snowball takes for verbs or adjectives and cuts to different stems.

«подпись» becomes «подп» but «подписи» «подпис»; «токен» «ток» but «токену» «токен»; «журнал» «журна» but «журналы»
«журнал». For these nouns of office and support language the stem is the one given here.
"""

from __future__ import annotations

_HARD = """
канал портал журнал терминал материал персонал филиал сигнал оригинал функционал потенциал квартал интервал идеал
экран план карман стран охран
проблем систем схем тем прием объем подъем модем режим диплом альбом симптом
токен обмен домен замен смен отмен член
кредит лимит реквизит аудит визит дефицит
правил
"""
_HARD_ENDINGS = ("", "а", "у", "ом", "ой", "ою", "е", "ы", "и", "ов", "о", "ам", "ами", "ах")
_SOFT = "подпис запис надпис опис перепис роспис рукопис печат памят"
_SOFT_ENDINGS = ("ь", "и", "ью", "ей", "ям", "ями", "ях")

NOUN_STEMS = {
    stem + ending: stem
    for stems, endings in ((_HARD, _HARD_ENDINGS), (_SOFT, _SOFT_ENDINGS))
    for stem in stems.split()
    for ending in endings
}
"""Form to stem."""
