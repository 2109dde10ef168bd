"""The tables of voice."""

from plugins.voice.models.calls import CALL_STATES, VoiceCall, VoiceCursor, VoiceLeg, VoicePhone
from plugins.voice.models.lines import VoiceLine, VoiceLineTeam
from plugins.voice.models.menus import VoiceMenu, VoiceMenuNumber
from plugins.voice.models.messages import VoiceChoice, VoiceMessage, VoiceRule
from plugins.voice.models.quality import FAULTS, SoundReport
from plugins.voice.models.recordings import CallRecording
from plugins.voice.models.registration import CallLink, VoiceCallback
from plugins.voice.models.voicemail import GREETINGS, VoiceForwarding, Voicemail, VoicemailBox, VoicemailGreeting

__all__ = [
    "CALL_STATES",
    "FAULTS",
    "GREETINGS",
    "CallLink",
    "CallRecording",
    "SoundReport",
    "VoiceCall",
    "VoiceCallback",
    "VoiceChoice",
    "VoiceCursor",
    "VoiceForwarding",
    "VoiceLeg",
    "VoiceLine",
    "VoiceLineTeam",
    "VoiceMenu",
    "VoiceMenuNumber",
    "VoiceMessage",
    "VoicePhone",
    "VoiceRule",
    "Voicemail",
    "VoicemailBox",
    "VoicemailGreeting",
]
