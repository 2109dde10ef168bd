"""The quality of calls: what was measured by side and by agent, which calls are poor, what agents say, the pages, old rows."""

from __future__ import annotations

import importlib.util
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import select

from core.clock import now
from core.contracts import Rejected
from core.db import db, transaction
from core.model import Team, TimelineEntry
from core.own_settings import formatted
from plugins.voice.models.calls import VoiceCall, VoiceLeg
from plugins.voice.models.quality import FAULTS, SoundReport
from plugins.voice.quality import figures, sound_reports
from plugins.voice.quality.figures import Asked, Line
from tests.support.voice_features_house import FeaturesHouse

GOOD = {"worst_loss": 0.4, "worst_jitter": 6.0}
LOSSY = {"worst_loss": 4.5, "worst_jitter": 9.0}


@pytest.fixture
def house(features: FeaturesHouse) -> FeaturesHouse:
    return features


def leg(call: VoiceCall, kind: str, user_id: int | None = None, *, joined: bool = True, **measured: float) -> None:
    """Somebody who was in a call, with what was measured of them."""
    if "worst_loss" in measured:
        measured = {"loss_percent": 0.1, "jitter_ms": 2.0, "rtt_ms": 40.0, **measured}
    with transaction():
        count = db.session.scalar(select(sa.func.count()).select_from(VoiceLeg))
        row = VoiceLeg(key=f"leg-{count}", call_id=call.id, kind=kind, user_id=user_id, state="left", left_at=now())
        row.joined_at = now() if joined else None
        for name, value in measured.items():
            setattr(row, name, value)
        db.session.add(row)


def measured(house: FeaturesHouse, who: str = "anna", own: Any = None, other: Any = None, **values: Any) -> VoiceCall:
    """A call of an agent and a caller; what was measured of each."""
    call = house.call(who, **values)
    leg(call, "customer", **(other or {}))
    leg(call, "agent", house.users[who], **(own or {}))
    return call


def lately(**values: Any) -> Asked:
    return Asked(now() - timedelta(days=1), now(), **values)


def ids(**values: Any) -> list[int]:
    return [row.call.id for row in figures.page(lately(**values))]


def code_of(act: Any) -> str:
    with pytest.raises(Rejected) as refusal:
        act()
    db.session.rollback()
    return refusal.value.code


def text(answer: Any, status: int = 200) -> str:
    assert answer.status_code == status, answer.get_data(as_text=True)[-2000:]
    return answer.get_data(as_text=True)


# --- calls -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "jitter", "poor"), [(2.0, 20.0, False), (2.01, 0.0, True), (0.0, 20.1, True), (0.0, 0.0, False)]
)
def test_a_call_is_poor_over_two_percent_or_twenty_milliseconds_at_either_side(house, loss, jitter, poor):
    bad = {"worst_loss": loss, "worst_jitter": jitter}
    calls = [measured(house, own=GOOD, other=bad), measured(house, own=bad, other=GOOD)]
    assert [row.poor for row in figures.page(lately())] == [poor, poor]
    assert ids(poor=True) == (sorted((call.id for call in calls), reverse=True) if poor else [])


def test_each_side_has_its_figures_and_what_nobody_measured_is_said(house):
    call = house.call()
    leg(call, "customer", loss_percent=0.2, jitter_ms=3.0, rtt_ms=80.0, **LOSSY)
    leg(call, "agent", house.users["boris"], worst_loss=1.5, worst_jitter=18.0)
    leg(call, "agent", house.users["anna"], loss_percent=0.3, worst_loss=0.5, worst_jitter=19.0)
    leg(call, "supervisor", house.users["vera"], worst_loss=50.0, worst_jitter=500.0)
    silent = measured(house)
    last, first = figures.page(lately())
    assert (last.call.id, last.agent, last.other, last.poor) == (silent.id, None, None, False)
    # Of two agents the last figures are of who came last, the worst those of either; who listens in does not count.
    assert (first.agent.loss_percent, first.agent.worst_loss, first.agent.worst_jitter) == (0.3, 1.5, 19.0)
    assert (first.other.worst_loss, first.other.worst_jitter, first.other.rtt_ms) == (4.5, 9.0, 80.0)
    assert (first.agent.poor, first.other.poor, first.poor) == (False, True, True)


def test_the_list_is_narrowed_and_paged_by_id(house):
    anna, boris = house.users["anna"], house.users["boris"]
    calls = [measured(house, own=GOOD).id, measured(house, "boris", own=LOSSY).id, measured(house, own=LOSSY).id]
    measured(house, own=LOSSY, answered_at=None)
    measured(house, own=LOSSY, at=now() - timedelta(days=3))
    listened = house.call()
    leg(listened, "supervisor", house.users["vera"], **LOSSY)
    assert ids() == [listened.id, *reversed(calls)]
    assert ids(poor=True) == [calls[2], calls[1]]
    assert ids(poor=True, agent_id=boris) == [calls[1]]
    team = db.session.scalar(select(Team.id).where(Team.key == "second"))
    assert ids(team_id=team) == [calls[1]]
    sound_reports.say(calls[0], anna, "echo")
    assert ids(said=True) == [calls[0]] and ids(said=True, poor=True) == []
    first = [row.call.id for row in figures.page(lately(), limit=2)]
    assert [row.call.id for row in figures.page(lately(), before=first[-1], limit=2)] == [calls[1], calls[0]]


def test_the_list_and_the_table_take_a_constant_number_of_statements(house, count_queries):
    def ask() -> int:
        db.session.expire_all()
        with count_queries() as counted:
            figures.page(lately())
            figures.by_agent(lately(), "ru")
        return counted.count

    sound_reports.say(measured(house, own=GOOD, other=LOSSY).id, house.users["anna"], "noise")
    few = ask()
    for who in ("anna", "boris", "anna", "boris"):
        sound_reports.say(measured(house, who, own=LOSSY, other=GOOD).id, house.users[who], "echo")
    assert ask() == few == 5


# --- agents ------------------------------------------------------------------------------------------


def test_agents_are_compared_and_each_call_counts_once(house):
    anna, boris = house.users["anna"], house.users["boris"]
    call = measured(house, own=LOSSY, other={"worst_loss": 7.0, "worst_jitter": 3.0})
    leg(call, "agent", boris, worst_loss=1.0, worst_jitter=44.0)
    sound_reports.say(call.id, anna, "choppy")
    sound_reports.say(call.id, boris, "noise")
    measured(house, own=GOOD)
    measured(house)
    measured(house, "boris", other=GOOD)
    said = measured(house, "vera")
    sound_reports.say(said.id, house.users["vera"], "delay")
    lines, total = figures.by_agent(lately(poor=True), "ru")
    assert lines == [
        Line("Анна", 2, 1, 1, 7.0, 44.0, anna),
        Line("Вера", 0, 0, 1, None, None, house.users["vera"]),
        Line("Борис", 1, 0, 0, 0.4, 6.0, boris),
    ]
    assert total == Line("Всего", 3, 1, 2, 7.0, 44.0)
    assert [line.percent for line in (*lines, total)] == [50.0, None, 0.0, 33.3]
    assert figures.by_agent(lately(agent_id=boris), "en")[1] == Line("All", 1, 0, 0, 0.4, 6.0)


# --- files -------------------------------------------------------------------------------------------


def test_files_hold_all_calls_and_no_formulas(house, monkeypatch):
    monkeypatch.setattr(figures, "EXPORTED_AT_ONCE", 2)
    calls = [measured(house, own=GOOD) for _ in range(4)]
    call = measured(house, own=LOSSY, from_number="+74951112233")
    sound_reports.say(call.id, house.users["anna"], "other", "=1+1")
    written = figures.calls_csv(figures.every(lately()), "ru").splitlines()
    assert [int(line.split(",")[0]) for line in written[1:]] == [call.id, *reversed([one.id for one in calls])]
    assert f"'+74951112233,Анна,{figures.page(lately())[0].case_number},60,да,4.5,9.0,0.1,2.0,40.0,,,,,," in written[1]
    assert written[1].endswith("Анна: Другое — =1+1") and ",нет," in written[2]
    lines = figures.agents_csv(*figures.by_agent(lately(), "en"), "en").splitlines()
    assert lines[1:] == ["Анна,5,1,20,4.5,9.0,1", "All,5,1,20,4.5,9.0,1"]


# --- what agents say ---------------------------------------------------------------------------------


def test_an_agent_says_what_was_wrong_once_and_may_say_another_thing(house):
    call, anna = measured(house), house.users["anna"]
    sound_reports.say(call.id, anna, "echo")
    sound_reports.say(call.id, anna, "echo")
    sound_reports.say(call.id, anna, "choppy", "  каждые  5 секунд\x00 ")
    row = db.session.scalars(select(SoundReport)).one()
    assert (row.fault, row.comment, sound_reports.title_of(row, "en")) == (
        "choppy",
        "каждые 5 секунд",
        "Choppy sound — каждые 5 секунд",
    )
    sound_reports.take_back(call.id, anna)
    sound_reports.take_back(call.id, anna)
    assert sound_reports.of_calls([call.id]) == {}
    told = select(TimelineEntry).where(TimelineEntry.kind == "voice.sound").order_by(TimelineEntry.id)
    assert [
        entry.data["title_ru"] for entry in db.session.scalars(told.where(TimelineEntry.case_id == call.case_id))
    ] == [
        "Анна: плохой звук. Эхо",
        "Анна: плохой звук. Звук прерывался — каждые 5 секунд",
        "Анна: замечание о звуке снято",
    ]


def test_only_who_talked_says_it_and_only_what_there_is_to_say(house):
    call, boris = measured(house), house.users["boris"]
    leg(call, "agent", boris, joined=False)
    leg(call, "supervisor", house.users["vera"])
    for login in ("boris", "vera", "root"):
        assert (
            code_of(lambda who=login: sound_reports.say(call.id, house.users[who], "echo")) == "sound-report-not-yours"
        )
        assert code_of(lambda who=login: sound_reports.take_back(call.id, house.users[who])) == "sound-report-not-yours"
    anna = house.users["anna"]
    assert code_of(lambda: sound_reports.say(10**6, anna, "echo")) == "call-unknown"
    assert code_of(lambda: sound_reports.say(call.id, anna, "loud")) == "sound-fault-unknown"
    assert code_of(lambda: sound_reports.say(call.id, anna, "echo", "о" * 501)) == "sound-comment-long"
    assert sound_reports.say(call.id, anna, "echo", "о" * 500).comment == "о" * 500
    internal = house.call(with_case=False, direction="internal")
    leg(internal, "agent", anna)
    assert [sound_reports.say(internal.id, anna, fault).fault for fault in FAULTS] == list(FAULTS)


# --- pages -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("url", ["/voice/quality", "/voice/quality?by=agent", "/voice/quality/calls.csv", "/voice/quality/agents.csv"])  # fmt: skip
def test_the_pages_are_for_those_who_watch_quality(house, url):
    assert [house.client(login).get(url).status_code for login in ("anna", "vera", "root")] == [403, 200, 200]


def test_a_supervisor_finds_poor_calls_and_what_was_said(house):
    vera = house.client("vera")
    assert "За эти дни нет отвеченных звонков" in text(vera.get("/voice/quality"))
    good, bad = measured(house, own=GOOD, other=GOOD), measured(house, own=LOSSY, name="<b>Пётр</b>")
    sound_reports.say(bad.id, house.users["anna"], "echo", "<i>эхо</i>")
    page = text(vera.get("/voice/quality"))
    assert formatted(good.from_number) in page and "Хорошая связь" in page and "не измерено" in page
    assert "&lt;b&gt;Пётр" in page and "Эхо — &lt;i&gt;эхо" in page and "4,5 % · 9 мс" in page
    page = text(vera.get(f"/voice/quality?poor=1&said=1&agent={house.users['anna']}"))
    assert formatted(bad.from_number) in page and formatted(good.from_number) not in page and "Плохая связь" in page
    assert "За эти дни таких звонков нет" in text(vera.get(f"/voice/quality?poor=1&agent={house.users['boris']}"))
    assert "Доля плохих" in text(vera.get("/voice/quality?by=agent"))
    assert (
        "Ничего не измерено".lower() in text(vera.get(f"/voice/quality?by=agent&agent={house.users['boris']}")).lower()
    )
    nonsense = "from=x&until=9999-99-99&team=a&agent=-1&poor=yes&before=%00&by=z"
    assert formatted(good.from_number) in text(vera.get(f"/voice/quality?{nonsense}"))
    csv = vera.get("/voice/quality/calls.csv?poor=1")
    assert csv.mimetype == "text/csv" and "call-quality.csv" in csv.headers["Content-Disposition"]
    assert bad.from_number in text(csv) and good.from_number not in text(csv)
    assert "Анна,2,1,50,4.5,9.0,1" in text(vera.get("/voice/quality/agents.csv"))


def test_older_calls_are_behind_a_link(house, monkeypatch):
    monkeypatch.setattr(figures, "PAGE", 2)
    calls = [measured(house, own=GOOD) for _ in range(3)]
    page = text(house.client("vera").get("/voice/quality"))
    assert f"before={calls[1].id}" in page and formatted(calls[0].from_number) not in page
    assert formatted(calls[0].from_number) in text(house.client("vera").get(f"/voice/quality?before={calls[1].id}"))


def test_an_agent_says_it_in_the_panel_of_the_case_and_nobody_else_can(house):
    call = measured(house)
    panel = f"/voice/registration/case?case={call.case_id}"
    assert "Сообщить о плохом звуке" in text(house.client("anna").get(panel))
    assert "Сообщить о плохом звуке" not in text(house.client("vera").get(panel))
    url = f"/voice/quality/calls/{call.id}/sound?case={call.case_id}"
    said = text(house.post("anna", url, {"fault": "echo"}))
    assert "Вы: Эхо" in said and 'value="echo" aria-pressed="true"' in said
    assert "Вы: Эхо — сильное" in text(house.post("anna", url, {"fault": "echo", "comment": "сильное"}))
    refused = text(house.post("anna", url, {"fault": "echo", "comment": "о" * 501}))
    assert "Не длиннее 500 знаков" in refused and "о" * 501 in refused
    assert "Выберите, что было не так" in text(house.post("anna", url, {"fault": ""}))
    assert "Анна: Эхо — сильное" in text(house.client("vera").get(panel))
    assert house.post("vera", url, {"fault": "noise"}).status_code == 404
    assert house.post("anna", "/voice/quality/calls/999999/sound", {"fault": "noise"}).status_code == 404
    assert "Эхо —" not in text(house.post("anna", url, {"take_back": "1"}))


# --- old rows ----------------------------------------------------------------------------------------


def test_what_was_kept_as_a_document_becomes_numbers(database_url):
    path = Path(figures.__file__).parents[1] / "migrations" / "0003_quality.py"
    spec = importlib.util.spec_from_file_location("voice_0003", path)
    assert spec is not None and spec.loader is not None
    migration = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(migration)
    old = {"loss_percent": 0.1, "jitter_ms": 25, "rtt_ms": 40.5, "worst_loss": 3.5, "worst_jitter": 25}
    engine = sa.create_engine(database_url)
    kind = "JSONB" if engine.dialect.name == "postgresql" else "JSON"
    with engine.begin() as connection:
        for table in ("voice_call", '"user"'):
            connection.execute(sa.text(f"CREATE TABLE {table} (id INTEGER PRIMARY KEY)"))
        connection.execute(sa.text(f"CREATE TABLE voice_leg (id INTEGER PRIMARY KEY, quality {kind} NOT NULL)"))
        for number, quality in enumerate((old, {}, {"loss_percent": 1})):
            values = {"id": number, "quality": json.dumps(quality)}
            connection.execute(sa.text(f"INSERT INTO voice_leg VALUES (:id, CAST(:quality AS {kind}))" if kind == "JSONB" else "INSERT INTO voice_leg VALUES (:id, :quality)"), values)  # fmt: skip
        with Operations.context(MigrationContext.configure(connection)):
            migration.upgrade()
        rows = connection.execute(sa.text("SELECT * FROM voice_leg ORDER BY id")).mappings().all()
        assert connection.execute(sa.text("SELECT count(*) FROM voice_sound_report")).scalar() == 0
    engine.dispose()
    nothing = dict.fromkeys(old)
    assert [dict(row) for row in rows] == [
        {"id": 0, **old},
        {"id": 1, **nothing},
        {"id": 2, **nothing, "loss_percent": 1.0},
    ]
