"""People of a served centre who speak tones: agents with a softphone and visitors with a page, over HTTP and WebRTC, without a browser."""

from __future__ import annotations

import asyncio
import http.cookiejar
import json
import re
import shutil
import sqlite3
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Coroutine, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from tests.support.applications import MigratedTemplates
from tests.support.kb_house import _free_port
from tests.support.okno_process import Okno, Served
from tests.support.shift_house import PASSWORD
from tests.support.softphone_house import NUMBER, add_people_and_a_number
from tests.support.tone_parties import Party
from tests.support.waiting import wait_until

PLUGINS = ["voice", "switch"]
T = TypeVar("T")


class Sound:
    """The loop in which all parties speak and hear, in a thread of its own."""

    def __init__(self) -> None:
        from plugins.switch.ice import offer_addresses

        offer_addresses(["127.0.0.1"])
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()

    def do(self, work: Coroutine[Any, Any, T], seconds: float = 40) -> T:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(seconds)

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
        self.loop.close()


class Refusal(AssertionError):
    """The server said no; ``code`` says why."""

    def __init__(self, code: str, text: str) -> None:
        self.code, self.text = code, text
        super().__init__(f"{code}: {text}")


@dataclass
class Person:
    """Somebody with a microphone: ``offer`` carries the party's SDP to the server, as the contract's driver would take it."""

    house: CallCentre
    tone: int
    party: Party | None = None

    def offer_to_server(self, sdp: str) -> str:
        raise NotImplementedError

    async def offer(self, _leg: str, sdp: str) -> str:
        """What :class:`Party` calls."""
        return await asyncio.get_running_loop().run_in_executor(None, self.offer_to_server, sdp)

    def connect(self) -> None:
        """Make the way of sound and wait until media flow."""
        self.party = Party(self, type(self).__name__, self.tone)  # type: ignore[arg-type]
        self.house.sound.do(self.party.connect())

    def hears(self, *tones: int) -> None:
        """Wait until just these tones are heard."""
        assert self.party is not None
        self.house.sound.do(self.party.hears(*tones))

    def hears_something_else(self) -> None:
        """Wait until there is sound, but nobody's tone (music, a ringing)."""
        assert self.party is not None
        party = self.party
        wait_until(lambda: bool(abs(party.listened()).max(initial=0) > 300), what="a sound")

    def leave(self) -> None:
        """Close the microphone's connection, as a browser that is closed."""
        if self.party is not None:
            self.house.sound.do(self.party.leave())
            self.party = None


@dataclass
class Agent(Person):
    """An agent at the desk."""

    login: str = ""
    opener: urllib.request.OpenerDirector = field(init=False)
    csrf: str = ""

    def sign_in(self) -> None:
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
        page = self.opener.open(f"{self.house.url}/sign-in").read().decode()
        self.csrf = _token(page)
        form = {"login": self.login, "password": PASSWORD, "csrf_token": self.csrf}
        page = self.opener.open(f"{self.house.url}/sign-in", urllib.parse.urlencode(form).encode()).read().decode()
        self.csrf = _token(page)

    def post_form(self, path: str, **form: str) -> None:
        body = urllib.parse.urlencode({**form, "csrf_token": self.csrf}).encode()
        self.opener.open(f"{self.house.url}{path}", body).read()

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        return _ask(self.opener, method, f"{self.house.url}/voice/{path}", body, {"X-CSRF-Token": self.csrf})

    def offer_to_server(self, sdp: str) -> str:
        return str(self.ask("POST", "leg", {"sdp": sdp})["sdp"])

    @property
    def calls(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("GET", "state")["calls"]
        return found

    def ringing(self, state: str = "offered") -> str:
        """Wait until a call rings; its key."""
        call = wait_until(lambda: next((one for one in self.calls if one["state"] == state), None), what="a call")
        return str(call["key"])

    def answer(self, state: str = "offered") -> str:
        key = self.ringing(state)
        if self.party is None:
            self.connect()
        self.do(key, "answer")
        return key

    def do(self, key: str, what: str, **body: Any) -> Any:
        return self.ask("POST", f"calls/{key}/{what}", body)["call"]


@dataclass
class Visitor(Person):
    """Somebody who calls from a page."""

    name: str = "Пётр"
    number: str = "+74951234567"
    made: dict[str, Any] = field(default_factory=dict)

    def offer_to_server(self, sdp: str) -> str:
        body = {"entry": NUMBER, "sdp": sdp, "name": self.name, "number": self.number}
        opener = urllib.request.build_opener()
        self.made = _ask(opener, "POST", f"{self.house.url}/voice/visitor/calls", body, {})
        return str(self.made["sdp"])

    @property
    def key(self) -> str:
        return str(self.made["key"])

    def do(self, what: str, **body: Any) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.made['token']}"}
        path = f"{self.house.url}/voice/visitor/calls/{self.key}/{what}"
        found: dict[str, Any] = _ask(urllib.request.build_opener(), "POST", path, body, headers)["state"]
        return found

    def comes_to(self, state: str) -> dict[str, Any]:
        """Wait until the page would show this state."""

        def there() -> dict[str, Any] | None:
            shown = self.do("state")
            return shown if shown["state"] == state else None

        found: dict[str, Any] = wait_until(there, what=f"{state}; it is {self.do('state')}")  # type: ignore[assignment]
        return found


def _token(page: str) -> str:
    found = re.search(r'name="csrf-token" content="([^"]+)"', page)
    assert found is not None, page[:500]
    return found[1]


def _ask(opener: urllib.request.OpenerDirector, method: str, url: str, body: Any, headers: dict[str, str]) -> Any:
    data = json.dumps(body).encode() if body is not None else None
    sent = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Language": "ru", **headers}
    try:
        with opener.open(urllib.request.Request(url, data, sent, method=method)) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as refused:
        said = json.loads(refused.read())["error"]
        raise Refusal(said["code"], said["text"]) from None


@dataclass
class CallCentre:
    """A running centre and the people around it."""

    served: Served
    sound: Sound
    people: list[Person] = field(default_factory=list)
    desks: dict[str, Agent] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return self.served.url

    @property
    def home(self) -> Path:
        return self.served.okno.home

    def agent(self, login: str, tone: int, *, ready: bool = False) -> Agent:
        """An agent at the desk, signed in once for all tests, ready or not ready."""
        made = self.desks.get(login)
        if made is None:
            made = self.desks[login] = Agent(self, tone, login=login)
            made.sign_in()
        made.tone = tone
        made.post_form("/desk/state", state="ready" if ready else "not_ready")
        self.people.append(made)
        return made

    def visitor(self, tone: int, **who: str) -> Visitor:
        """A visitor whose call goes on."""
        made = Visitor(self, tone, **who)
        self.people.append(made)
        made.connect()
        return made

    def user_id(self, login: str) -> int:
        return int(self.rows("SELECT id FROM user WHERE login = ?", login)[0][0])

    def rows(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        """What its data base says, read beside it."""
        with closing(sqlite3.connect(f"file:{self.home / 'okno.db'}?mode=ro", uri=True, timeout=10)) as connection:
            return connection.execute(question, values).fetchall()

    def voice_pid(self) -> int:
        return int(json.loads((self.home / "run" / "okno.json").read_text())["children"]["voice"])

    def all_leave(self) -> None:
        """Nobody is ready, everybody closes the browser; until no call is open and no wrap-up goes on."""
        for desk in self.desks.values():
            desk.post_form("/desk/state", state="not_ready")
        for person in self.people:
            if isinstance(person, Visitor) and person.made:
                person.do("hangup")
            person.leave()
        self.people.clear()
        wait_until(
            lambda: not self.rows("SELECT 1 FROM voice_call WHERE ended_at IS NULL"), 40, "calls that have ended"
        )


def furnish() -> None:
    """People and a number; wrap-up is over after a second."""
    from core import services
    from core.services import get_service

    add_people_and_a_number()
    services.update_service(get_service("support").id, wrap_up_seconds=1)


def serve_calls(
    templates: MigratedTemplates,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    plugins: Sequence[str] = PLUGINS,
) -> Iterator[CallCentre]:
    """A centre with the embedded switch, on loopback; nobody is signed off for lack of a page. More settings and other plugins may
    be given."""
    home = folder / "home"
    home.mkdir()
    templates.copy("sqlite", {"core.plugins": list(plugins)}, home, furnish)
    (home / "okno.toml").write_text(f"[core]\nplugins = {list(plugins)}\n", "utf-8")
    port, log, okno = _free_port(), folder / "run.log", Okno(home)
    settings = {
        "OKNO_WEB_PORT": str(port),
        "OKNO_SWITCH_ADDRESSES": "127.0.0.1",
        "OKNO_ROUTING_GRACE_SECONDS": "3600",
        "OKNO_VOICE_VISITOR_CALLS": "0",
        **(environment or {}),
    }
    served = Served(okno, okno.start("run", log=log, env=settings), f"http://127.0.0.1:{port}", 0, log)
    sound = Sound()
    try:
        served.wait_until_ready()
        wait_until((home / "run" / "voice.sock").exists, 60, what="the voice process")
        yield CallCentre(served, sound)
    finally:
        served.stop()
        sound.close()
        shutil.rmtree(home, ignore_errors=True)
