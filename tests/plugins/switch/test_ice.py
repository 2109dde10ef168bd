"""How the switch and browsers find each other."""

from __future__ import annotations

import base64
import hashlib
import hmac

import aioice.ice

from plugins.switch import ice


def test_no_server_is_asked_unless_the_settings_name_one() -> None:
    assert ice.configuration({}).iceServers == []


def test_turn_credentials_are_those_of_a_shared_secret() -> None:
    servers = ice.configuration({"switch.stun": ["s:1"], "switch.turn": "t:2", "switch.turn_secret": "x"}).iceServers
    assert [server.urls for server in servers] == ["stun:s:1", "turn:t:2"]
    turn = servers[1]
    assert turn.username.endswith(":switch")
    wanted = hmac.new(b"x", turn.username.encode(), hashlib.sha1).digest()
    assert base64.b64decode(turn.credential) == wanted


def test_hidden_addresses_are_left_out_and_the_list_stays_open() -> None:
    offer = "\r\n".join(
        [
            "v=0",
            "a=candidate:1 1 udp 2113937151 5cc7b9e7-b0f4-4a4d-8b2e-0a5d8c2f1b3a.local 50000 typ host",
            "a=candidate:2 1 udp 2113937151 192.0.2.1 50001 typ host",
            "a=end-of-candidates",
            "",
        ]
    )
    assert ice.without_hidden_candidates(offer).split("\r\n") == ["v=0", offer.split("\r\n")[2], ""]


def test_chosen_addresses_are_offered_else_those_of_the_machine() -> None:
    try:
        ice.offer_addresses(["192.0.2.7"])
        assert aioice.ice.get_host_addresses(True, False) == ["192.0.2.7"]
        ice.offer_addresses([])
        assert aioice.ice.get_host_addresses(True, False) == (ice._addresses_of_machine(True, False) or ["127.0.0.1"])
    finally:
        ice.offer_addresses([])
