"""Why a SIP call ended, and how one is refused: status codes of RFC 3261 in the contract's words."""

from __future__ import annotations

BY_STATUS = {
    486: "busy",
    600: "busy",
    603: "rejected",
    607: "rejected",
    408: "no_answer",
    480: "no_answer",
    487: "cancelled",
    401: "forbidden",
    403: "forbidden",
    407: "forbidden",
    404: "unreachable",
    410: "unreachable",
    484: "unreachable",
    604: "unreachable",
    502: "unreachable",
    503: "unreachable",
    504: "unreachable",
}
REFUSALS = {
    "busy": 486,
    "rejected": 603,
    "no_answer": 480,
    "forbidden": 403,
    "unreachable": 404,
    "failed": 500,
    "lost": 500,
}


def word(status: int, answered: bool) -> str:
    """The cause of a call that ended with this status; one that was up ended normally whatever it says."""
    if answered and status not in (408, 503):
        return "normal"
    return "lost" if answered else BY_STATUS.get(status, "failed")


def refusal(cause: str) -> int:
    """The status that refuses an incoming call for this cause."""
    return REFUSALS.get(cause, 603)
