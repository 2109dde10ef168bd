"""Why a channel ended: Asterisk's Q.850 codes and dial results in the contract's words, and the way back."""

from __future__ import annotations

# ITU-T Q.850; 26 is Asterisk's «answered elsewhere», 102 a timer of the network.
BY_CODE = {
    16: "normal",
    31: "normal",
    26: "cancelled",
    127: "normal",
    17: "busy",
    21: "rejected",
    18: "no_answer",
    19: "no_answer",
    102: "no_answer",
    1: "unreachable",
    2: "unreachable",
    3: "unreachable",
    20: "unreachable",
    22: "unreachable",
    27: "unreachable",
    28: "unreachable",
    34: "unreachable",
    38: "unreachable",
    41: "unreachable",
    42: "unreachable",
    50: "forbidden",
    52: "forbidden",
    54: "forbidden",
    57: "forbidden",
}
BY_DIAL_STATUS = {
    "BUSY": "busy",
    "NOANSWER": "no_answer",
    "CANCEL": "cancelled",
    "CONGESTION": "unreachable",
    "CHANUNAVAIL": "unreachable",
}
# What DELETE /channels/{id} takes as its reason.
REASONS = {
    "normal": "normal",
    "cancelled": "normal",
    "lost": "normal",
    "busy": "busy",
    "rejected": "rejected",
    "forbidden": "rejected",
    "no_answer": "no_answer",
    "unreachable": "congestion",
    "failed": "failure",
}


def word(code: int, dial_status: str, answered: bool, incoming: bool) -> str:
    """The cause of a hangup that we did not ask for.

    Before an answer the result of dialling says more than the code, and a caller who gives up has cancelled.
    """
    if answered:
        return BY_CODE.get(code, "normal" if code == 0 else "failed")
    if incoming:
        return "cancelled" if code in (0, 16, 26, 31, 127) else BY_CODE.get(code, "failed")
    return BY_DIAL_STATUS.get(dial_status) or BY_CODE.get(code, "failed")
