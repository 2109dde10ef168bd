"""How an agent is connected: by the browser, a SIP phone, a telephone outside, or not at all; microphone and loudspeaker."""

from __future__ import annotations

from flask import Response, render_template, request
from flask_babel import gettext as _

from core.contracts import Text
from core.permissions import require
from core.web.desk_commands import done
from core.web.desk_frame import signed_in
from plugins.voice.calls import phones, picture
from plugins.voice.desk.softphone import microphone_words

WAYS = (
    ("browser", Text("In this browser", "В браузере")),
    ("sip", Text("A SIP telephone", "SIP-телефон")),
    ("external", Text("A telephone number", "Телефонный номер")),
    ("none", Text("No telephone", "Без телефона")),
)


@require("voice.call")
def devices() -> str:
    """The panel among the agent's own settings."""
    words = {
        "default": _("As the system says"),
        "speak": _("Say something: the bar shows how loud you are."),
        "recording": _("Recording for four seconds: say something."),
        "playing": _("This is how you are heard."),
        **microphone_words(),
    }
    phone = picture.phone_of(signed_in().id)
    return render_template(
        "voice/desk/devices.html",
        words=words,
        ways=WAYS,
        way=phone.way if phone else "browser",
        address=phone.address.removeprefix("tel:") if phone else "",
        nailed=bool(phone and phone.nailed),
        auto_answer=bool(phone and phone.auto_answer),
    )


@require("voice.call")
def connect() -> Response:
    """Keep how the agent is connected: ``way``, ``address``, ``nailed``, ``auto_answer``."""
    form = request.form
    phones.choose(
        signed_in().id,
        form.get("way", ""),
        form.get("address", ""),
        nailed="nailed" in form,
        auto_answer="auto_answer" in form,
    )
    return done(toast={"level": "success", "text": _("Saved")})
