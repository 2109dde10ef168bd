"""A small centre with calls, and browsers whose microphones say a tone each; what a page hears is read from its audio element."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Frame, Locator, Page, expect, sync_playwright

from tests.support.applications import MigratedTemplates
from tests.support.browser import ARGUMENTS, PROGRAMS, Pages
from tests.support.kb_house import _free_port
from tests.support.okno_process import Okno, Served
from tests.support.shift_house import PASSWORD
from tests.support.visitor_site import visitor_site
from tests.support.waiting import wait_until

PLUGINS = ["voice", "switch"]
NUMBER, INTERNAL = "+78000000001", "207"
# Each test has agents of its own: whoever is left with a call by one is not asked in the next.
PEOPLE = {
    "anna": ("Анна", "Соколова"),
    "boris": ("Борис", "Мельников"),
    "egor": ("Егор", "Лапин"),
    "zoya": ("Зоя", "Кравец"),
    "ivan": ("Иван", "Рыбаков"),
    "elena": ("Елена", "Орлова"),
}
ENGLISH = {"anna": ("Anna", "Wright"), "boris": ("Ben", "Clarke"), "zoya": ("Zoe", "Cole"), "elena": ("Helen", "Moore")}
MEDIA = [
    "--use-fake-ui-for-media-stream",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--allow-loopback-in-peer-connection",
]
# Whole periods in 20 ms; none is a harmonic of another.
VISITOR, AGENT, COLLEAGUE, SUPERVISOR = TONES = (400, 950, 1350, 1850)
PRESENT, ABSENT = -45.0, -62.0
# The page opens the browser's own microphone, so permission and devices are real; what it says is a tone.
SAYS = """(() => {
  const devices = navigator.mediaDevices;
  if (!devices) return;
  const asked = devices.getUserMedia.bind(devices);
  window.microphoneAllowed = ALLOWED;
  devices.getUserMedia = async (wish) => {
    if (!window.microphoneAllowed) throw new DOMException("Permission denied", "NotAllowedError");
    for (const track of (await asked(wish)).getTracks()) track.stop();
    const sound = new AudioContext();
    const [tone, volume, out] = [sound.createOscillator(), sound.createGain(), sound.createMediaStreamDestination()];
    tone.frequency.value = (wish.audio?.deviceId && window.otherMicrophone) || HERTZ;
    volume.gain.value = 0.2;
    tone.connect(volume).connect(out);
    tone.start();
    return out.stream;
  };
})()"""
# The page listens by itself from the first question on; asked, it tells its last looks, so that several pages are heard at once.
LISTEN = """async (tones) => {
  const stream = document.querySelector("audio[data-far]")?.srcObject;
  if (!stream?.getAudioTracks().length) return [];
  if (window.ear?.stream !== stream) {
    clearInterval(window.ear?.timer);
    const sound = window.ear?.sound ?? new AudioContext();
    const analyser = sound.createAnalyser();
    Object.assign(analyser, { fftSize: 8192, smoothingTimeConstant: 0 });
    sound.createMediaStreamSource(stream).connect(analyser);
    const [found, hertz] = [new Float32Array(analyser.frequencyBinCount), sound.sampleRate / analyser.fftSize];
    const loudest = (from, to) => Math.max(...found.slice(Math.round(from / hertz), Math.round(to / hertz) + 1));
    const looks = [];
    const look = () => {
      analyser.getFloatFrequencyData(found);
      looks.push({ loudest: loudest(80, 4000), ...Object.fromEntries(tones.map((tone) => [tone, loudest(tone - 18, tone + 18)])) });
      looks.splice(0, looks.length - LOOKS);
    };
    await sound.resume();
    window.ear = { stream, sound, looks, timer: setInterval(look, 150) };
  }
  return window.ear.looks;
}"""
LOOKS = 4


def says(tone: int, allowed: bool = True) -> str:
    """The script of a page whose microphone says ``tone``."""
    return SAYS.replace("HERTZ", str(tone)).replace("ALLOWED", "true" if allowed else "false")


def add_people_and_a_number(language: str = "ru") -> None:
    """Agents and their supervisor who read ``language``, one service with a number."""
    from core import directory, reasons, services
    from core.db import db, transaction
    from core.model import Team
    from plugins.voice.lines.directory import save_line
    from plugins.voice.messages.rules import Rule, set_rule

    directory.ensure_roles()
    reasons.ensure_reasons()
    first = directory.add_team("first", "First line", "Первая линия")
    with transaction():
        db.session.execute(db.update(Team).values(after_sign_in="not_ready"))
    users = {
        login: directory.add_user(
            login,
            name,
            last_name=last,
            password=PASSWORD,
            roles=["supervisor" if login == "elena" else "agent"],
            teams=["first"],
            language=language,
        )
        for login, (name, last) in (PEOPLE if language == "ru" else ENGLISH).items()
    }
    with transaction():
        users["zoya"].phone = INTERNAL
    directory.set_members(first.id, {user.id: login == "elena" for login, user in users.items()})
    service = services.add_service(
        "support", "Support", "Поддержка", teams=["first"], offer_seconds=60, wrap_up_seconds=600
    )
    services.update_service(service.id, disposition_required=False)
    services.add_entry(service.id, "voice", NUMBER)
    set_rule("support", Rule(record="ask"))
    save_line("books", title_en="Accounts", title_ru="Бухгалтерия", product="1С", number="+7 495 000-00-01")
    services.add_disposition(service.id, "solved", "Solved in the call", "Решено в разговоре", success="success")
    services.add_disposition(service.id, "call-back", "To be called back", "Нужно перезвонить", closes_case=False)


@dataclass
class SoftphoneHouse:
    """A running centre; ``shop`` is a page of another site that carries the script."""

    served: Served
    shop: str = ""

    @property
    def url(self) -> str:
        return self.served.url

    def rows(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        """What its data base says, read beside it."""
        path = self.served.okno.home / "okno.db"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=10)) as connection:
            return connection.execute(question, values).fetchall()

    def desk(
        self,
        pages: Pages,
        login: str,
        tone: int,
        *,
        ready: bool = False,
        denied: bool = False,
        url: str = "",
        context: BrowserContext | None = None,
        **options: object,
    ) -> Page:
        """An agent's desk, whose microphone says ``tone``; ``denied`` until ``window.microphoneAllowed`` is set. ``url`` is another
        way to the centre, ``context`` a profile that is ready for it."""
        pages.allow("/sign-in: .* 409 ")
        context = context or pages.context(**options)  # type: ignore[arg-type]
        context.add_init_script(says(tone, not denied))
        page = pages.open(f"{url or self.url}/sign-in", context)
        page.fill("#login", login)
        page.fill("#password", PASSWORD)
        page.keyboard.press("Enter")
        tabs, here = page.locator("#tabs .tab").first, page.locator(".auth-card button[autofocus]")
        expect(tabs.or_(here)).to_be_attached()
        if here.count():
            here.click()
        expect(tabs).to_be_attached()
        if ready:
            self.set_ready(page)
        return page

    def set_ready(self, page: Page) -> None:
        """«Готов»."""
        page.locator(".state-button").click()
        page.locator("#state-menu form:has(input[name=state][value=ready]) button").click()
        expect(page.locator(".state-button")).to_have_class(re.compile("state-good"))

    def visitor(self, pages: Pages, name: str = "Пётр", locale: str = "ru", shop: bool = False) -> Frame:
        """Somebody who opens the demo page, or a ``shop`` on another site, and calls; gives the frame of the call."""
        context = pages.context(locale)
        context.add_init_script(says(VISITOR))
        page = pages.open(self.shop if shop else f"{self.url}/voice/demo", context)
        page.locator("okno-call .okno-open" if shop else "[data-okno-call]").click()
        frame = page.locator("okno-call iframe").element_handle().content_frame()
        assert frame is not None
        frame.locator("[name=name]").fill(name)
        frame.locator(".call-begin [type=submit]").click()
        return frame

    def nobody_is_ready(self) -> None:
        """Whoever was left ready by a test before is not offered the calls of the next."""
        with closing(sqlite3.connect(self.served.okno.home / "okno.db", timeout=10)) as connection, connection:
            connection.execute("UPDATE presence SET state = 'offline', version = version + 1 WHERE state = 'ready'")

    def no_call_is_open(self) -> None:
        """Until every call has ended, in the data base."""
        wait_until(
            lambda: not self.rows("SELECT 1 FROM voice_call WHERE ended_at IS NULL"), what="calls that have ended"
        )


def heard(place: Page | Frame) -> list[dict[str, float]]:
    """The last looks at what the page hears: decibels of each tone and of the loudest one; none without a stream."""
    found: list[dict[str, float]] = place.evaluate(LISTEN.replace("LOOKS", str(LOOKS)), list(TONES))
    return found


def hears(place: Page | Frame, *tones: int, music: bool = False) -> None:
    """Wait until exactly these tones are there, in all of the last looks; ``music``: something is, but none of the tones alone."""

    def right(look: dict[str, float]) -> bool:
        if music:
            return look["loudest"] > PRESENT and look[str(AGENT)] < ABSENT
        return all(look[str(one)] > PRESENT if one in tones else look[str(one)] < ABSENT for one in TONES)

    def settled() -> bool:
        looks = heard(place)
        return len(looks) == LOOKS and all(right(look) for look in looks)

    wait_until(settled, 25, what=f"{tones or ('music' if music else 'silence')} at {place.url}: {heard(place)}")


def phone(page: Page) -> Locator:
    """The softphone at a desk."""
    return page.locator("#softphone")


def program() -> str | None:
    """Chromium, where it is installed."""
    return next((path for path in PROGRAMS if Path(path).exists()), None)


@contextmanager
def served_house(
    templates: MigratedTemplates, folder: Path, language: str = "ru", environment: Mapping[str, str] | None = None
) -> Iterator[SoftphoneHouse]:
    """A centre in ``folder``, until the end of the block. More settings may be given."""
    home = folder / "home"
    home.mkdir()
    templates.copy("sqlite", {"core.plugins": PLUGINS}, home, add_people_and_a_number, language=language)
    (home / "okno.toml").write_text(f"[core]\nplugins = {PLUGINS}\n", "utf-8")
    port, log = _free_port(), folder / "run.log"
    okno = Okno(home)
    # Loopback is the only address that both sides surely have.
    settings = {
        "WEB_PORT": str(port),
        "SWITCH_ADDRESSES": "127.0.0.1",
        "VOICE_FORBIDDEN": "+881",
        "CORE_LANGUAGE": language,
    }
    variables = {f"OKNO_{name}": value for name, value in settings.items()} | dict(environment or {})
    process = okno.start("run", log=log, env=variables)
    served = Served(okno, process, f"http://127.0.0.1:{port}", 0, log)
    try:
        served.wait_until_ready()
        wait_until((home / "run" / "voice.sock").exists, 60, what="the voice process")
        with visitor_site(served.url, NUMBER, script="voice/call.js") as shop:
            # By another name, so that it is another site for the browser.
            yield SoftphoneHouse(served, shop.replace("127.0.0.1", "localhost"))
    finally:
        served.stop()
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium with a made-up microphone that needs no question."""
    if (path := program()) is None:
        pytest.skip("no Chromium (apt install chromium)")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS, *MEDIA])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def house(migrated_templates: MigratedTemplates, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoftphoneHouse]:
    """One centre for the module."""
    with served_house(migrated_templates, tmp_path_factory.mktemp("softphone")) as made:
        yield made
