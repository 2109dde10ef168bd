"""A menu to begin with: greeting, hours, a choice, voicemail outside of the hours."""

from __future__ import annotations

from core.services import list_services

EXAMPLE = """\
title: {ru: Главное меню, en: Main menu}
language: ru
numbers: []
start: hello
steps:
  hello:
    type: say
    text: {ru: "Здравствуйте! Вы позвонили в службу поддержки.", en: "Hello! You have reached our support."}
    next: hours
  hours: {type: hours, service: SERVICE, open: choice, closed: closed}
  choice:
    type: digits
    text: {ru: "Соединить с оператором — 1. Заказать обратный звонок — 2.", en: "For an agent press 1. To be called back press 2."}
    options: {"1": agent, "2": back}
    otherwise: agent
  agent: {type: queue, service: SERVICE}
  back: {type: callback, service: SERVICE}
  closed:
    type: voicemail
    service: SERVICE
    text: {ru: "Мы сейчас не работаем. Оставьте сообщение после сигнала.", en: "We are closed. Please leave a message after the tone."}
"""


def document() -> str:
    """The example as YAML, for the default service."""
    services = list_services(inactive=False)
    default = next((service for service in services if service.is_default), services[0] if services else None)
    return EXAMPLE.replace("SERVICE", default.key if default else "support")
