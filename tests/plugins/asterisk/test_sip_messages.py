"""SIP messages: reading what Asterisk sends, writing, and digests by the examples of the RFCs."""

from __future__ import annotations

import pytest

from plugins.asterisk import sip_messages

OK = (
    "SIP/2.0 200 OK\r\nv: SIP/2.0/WS df7.invalid;branch=z9hG4bK56\r\nf: <sip:okno-web@host>;tag=bK1\r\n"
    't: "Okno, Inc; x" <sip:okno@host>;tag=as58f4\r\ni: abc\r\nCSeq: 2 INVITE\r\nContact:\r\n <sip:192.0.2.1:8088;transport=ws>\r\n'
    "Content-Length: 5\r\n\r\nv=0\r\n"
)


def test_short_and_folded_headers_are_read() -> None:
    message = sip_messages.parse(OK)
    assert (message.status, message.method, message.body) == (200, "INVITE", "v=0\r\n")
    assert message.header("call-id") == "abc" and sip_messages.tag(message.header("To")) == "as58f4"
    assert sip_messages.address(message.header("Contact")) == "sip:192.0.2.1:8088;transport=ws"


def test_what_is_written_is_read_again() -> None:
    made = sip_messages.SipMessage(
        "INVITE sip:okno@host SIP/2.0", [("To", "<sip:okno@host>"), ("CSeq", "1 INVITE")], "привет"
    )
    again = sip_messages.parse(made.text())
    assert (again.start, again.headers, again.body) == (made.start, made.headers, made.body)
    assert f"Content-Length: {len('привет'.encode())}" in made.text()


@pytest.mark.parametrize("text", ["", "GET / HTTP/1.1\r\n\r\n", "SIP/2.0 200 OK\r\nno colon\r\n\r\n", "SIP/2.0 200 OK"])
def test_what_is_no_message_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        sip_messages.parse(text)


def test_a_digest_is_that_of_rfc_2617() -> None:
    asked = {"realm": "testrealm@host.com", "nonce": "dcd98b7102dd2f0e8b11d0f600bfb0c093", "qop": "auth"}
    found = sip_messages.digest(asked, "Mufasa", "Circle Of Life", "GET", "/dir/index.html", "0a4f113b")
    assert found == "6629fae49393a05397450978507c4ef1"


def test_a_digest_of_sha_256_is_that_of_rfc_7616() -> None:
    asked = {
        "realm": "http-auth@example.org",
        "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
        "qop": "auth",
        "algorithm": "SHA-256",
    }
    nonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
    found = sip_messages.digest(asked, "Mufasa", "Circle of Life", "GET", "/dir/index.html", nonce)
    assert found == "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"


def test_an_unknown_algorithm_is_refused() -> None:
    with pytest.raises(ValueError):
        sip_messages.credentials({"algorithm": "ROT13"}, "a", "b", "INVITE", "sip:x", "n")
