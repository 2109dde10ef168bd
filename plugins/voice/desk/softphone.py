"""What the softphone is drawn from: its frame with all words, and the messages it can play."""

from __future__ import annotations

from typing import Any

from flask import render_template
from flask_babel import gettext as _
from flask_babel import pgettext

from core.contracts import Text
from core.permissions import require
from core.web.desk_frame import signed_in
from core.web.language import text
from plugins.voice import switchboard
from plugins.voice.calls.ending import ENDED
from plugins.voice.messages import operations as messages_of_calls

HELP_STEPS = (
    Text(
        "Press the icon left of the page’s address and allow the microphone.",
        "Нажмите значок слева от адреса страницы и разрешите микрофон.",
    ),
    Text(
        "Look whether another program holds the microphone, and whether it is plugged in.",
        "Проверьте, не занят ли микрофон другой программой и подключён ли он.",
    ),
    Text("Press «Try again»: the call goes on meanwhile.", "Нажмите «Повторить»: разговор тем временем не прервётся."),
)


# How a call ended, where that is news for the agent.
NEWS = ("lost", "busy", "rejected", "no_answer", "unreachable", "forbidden", "failed")
# Why somebody whom the agent has called into a call did not come; the softphone puts the name in.
NOT_JOINED = {
    "busy": Text("{name}: the number is busy", "{name}: занято"),
    "rejected": Text("{name} has declined the call", "{name}: вызов отклонён"),
    "no_answer": Text("{name} does not answer", "{name}: нет ответа"),
    "unreachable": Text("{name} cannot be reached", "{name}: абонент недоступен"),
    "forbidden": Text("{name}: calls in this direction are forbidden", "{name}: направление запрещено"),
    "failed": Text("{name}: the call failed", "{name}: сбой связи"),
}


def microphone_words() -> dict[str, str]:
    """Why nobody hears the agent, by what the browser says."""
    return {
        "no_microphone_denied": _("The browser may not use the microphone: you are not heard."),
        "no_microphone_missing": _("No microphone was found: you are not heard."),
        "no_microphone_busy": _("Another program holds the microphone: you are not heard."),
        "no_microphone_insecure": _("The browser gives the microphone only to pages with HTTPS: you are not heard."),
        "no_microphone_failed": _("The microphone could not be opened: you are not heard."),
    }


def _words() -> dict[str, Any]:
    return {
        "ended": {cause: text(ENDED[cause]) for cause in NEWS}
        | {"unseen": _("The call ended while the connection was away.")},
        "member": {cause: text(words) for cause, words in NOT_JOINED.items()},
        "aside": _("Your telephone {number} rings: pick it up."),
        "incoming": _("Is calling you"),
        "calling": pgettext("call", "Calling…"),
        "offered": _("Offered to you"),
        "menu": _("In the voice menu"),
        "queued": _("Waits in the queue"),
        "talking": _("In conversation"),
        "held": _("On hold"),
        "muted": _("Your microphone is off"),
        "microphone_off": _("Microphone is off"),
        "recording": pgettext("call", "Recording"),
        "recording_paused": pgettext("call", "Recording paused"),
        "conference": pgettext("call", "Conference"),
        "consulting": _("On hold while you consult"),
        "nobody": _("Unknown caller"),
        "hang_up": _("Hang up"),
        "end_consult": _("End the consultation"),
        "stop_supervising": pgettext("softphone", "Stop supervising"),
        "to_first": pgettext("softphone", "Customer"),
        "to_consulted": pgettext("softphone", "Colleague"),
        "kick": _("Remove from the conversation"),
        "screen": _("{name} shows you a case"),
        "supervise_monitor": _("You listen"),
        "supervise_whisper": _("Only the agent hears you"),
        "supervise_barge": _("Everybody hears you"),
        "failed": _("That did not work. Try again."),
        "no_line": _("There is no sound: the telephone could not be connected."),
        "lost": _("The sound is gone. Connecting again…"),
        "shaken": _("The connection is shaky, wait a moment…"),
        "elsewhere": _("The sound is in another tab of this browser."),
        "bad": _("Poor connection: {loss} % lost, jitter {jitter} ms."),
        "ms": _("ms"),
        **microphone_words(),
    }


@require("voice.call")
def softphone() -> str:
    """The softphone without calls; calls are put into it by the page. What the telephony cannot do is left out."""
    status = switchboard.status()
    records = status is None or bool(status["abilities"]["recording"])
    return render_template("voice/desk/softphone.html", words=_words(), help_steps=HELP_STEPS, records=records)


@require("voice.call")
def messages() -> str:
    """What can be played into a call: the agent's own messages, then those of all."""
    user_id = signed_in().id
    machine_id = messages_of_calls.machine_message_id(user_id)
    return render_template(
        "voice/desk/messages.html", messages=messages_of_calls.visible(user_id), machine_id=machine_id
    )
