"""Supervisors see and decide for the agents of their own teams; sessions are opened, forced, limited by network."""

from __future__ import annotations

import pytest

from core import clock, directory, leaving, presence, sessions, supervision
from core.app import register_contributions
from core.contracts import Rejected
from core.db import db, transaction
from core.house import okno
from core.model import Interaction, SignIn, TeamMember, User
from core.web.browsers import browser_words

BROWSERS = {
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36": "Chrome 131, Windows",
    "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 YaBrowser/24.12.0.0 Safari/537.36": "Яндекс Браузер 24, Windows",
    "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0": "Edge 131, Windows",
    "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0": "Firefox 133, Linux",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1": "Safari 18, iPhone",
    "curl/8.5.0": "curl",
    "": "",
}  # fmt: skip


@pytest.fixture
def elena(centre):
    """The supervisor of the one team."""
    directory.ensure_roles()
    user = directory.add_user("elena", "Elena", roles=["supervisor"], teams=["first"])
    with transaction():
        mine = TeamMember.user_id == user.id
        db.session.execute(db.update(TeamMember).where(mine).values(supervisor=True))
    return user


@pytest.fixture
def stranger(centre):
    directory.ensure_roles()
    return directory.add_user("oleg", "Oleg", roles=["supervisor"])


@pytest.mark.feature("R-02")
def test_a_supervisor_sees_the_agents_of_the_own_teams_and_what_they_have_in_hand(
    centre, elena, stranger, count_queries
):
    anna = centre.agents[0]
    interaction = centre.taken(anna)
    teams = supervision.teams_of(elena)
    since = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)

    def asked(only=None):
        with count_queries() as seen:
            found = supervision.watched(teams, since, clock.now(), only)
        return seen.count, found

    number, found = asked()
    assert [agent.user.login for agent in found] == ["anna", "boris", "vera"]
    first = found[0]
    assert (first.state, [item.id for item in first.interactions]) == ("busy", [interaction])
    assert first.spans[-1].state == "busy" and found[1].state == "offline"
    assert asked([anna])[0] <= number <= 8
    assert supervision.count_states(teams) == {"busy": 1, "offline": 2}
    assert supervision.teams_of(stranger) == []
    assert not supervision.supervises(stranger, anna)


@pytest.mark.feature("D-08", "R-02")
def test_only_the_own_supervisor_decides_and_signing_out_gives_back_what_is_live(centre, elena, stranger):
    anna = centre.agents[0]
    centre.ready(anna)
    with pytest.raises(Rejected) as refused:
        supervision.force(stranger, anna, "not_ready")
    assert refused.value.code == "not-yours"
    assert supervision.force(elena, anna, "not_ready", "lunch") == "now"
    sessions.open_session(anna, ip="", user_agent="", force=True)
    supervision.sign_out(elena, anna)
    assert presence.of(anna).state == "offline" and not sessions.open_ones(anna)
    change = presence.last_change(anna)
    assert (change.cause, change.actor_id) == ("supervisor", elena.id)
    with pytest.raises(Rejected):
        supervision.force(elena, anna, "ready")


# --- sessions ----------------------------------------------------------------------------------------


@pytest.mark.feature("D-09")
def test_a_second_browser_is_asked_first_and_only_then_ends_the_other(centre):
    anna = centre.agents[0]
    _, first = sessions.open_session(anna, ip="192.0.2.1", user_agent="one")
    with pytest.raises(Rejected) as asked:
        sessions.open_session(anna, ip="192.0.2.2", user_agent="two")
    assert asked.value.code == "signed-in-elsewhere"
    _, second = sessions.open_session(anna, ip="192.0.2.2", user_agent="two", force=True)
    assert [row.id for row in sessions.open_ones(anna)] == [second]
    assert db.session.get(SignIn, first).ended_why == "elsewhere"
    sessions.open_session(anna, ip="192.0.2.2", user_agent="two", replaces=second)
    assert db.session.get(SignIn, second).ended_why == "again"


@pytest.mark.feature("D-09")
def test_signing_out_is_refused_while_somebody_is_on_the_line_and_letters_stay(centre):
    anna = centre.agents[0]
    interaction = centre.taken(anna)
    token, sign_in = sessions.open_session(anna, ip="", user_agent="")
    found = leaving.in_hand(anna)
    assert [item.id for item in found.letters] == [interaction] and not found.live
    centre.toy.live = True
    register_contributions(okno())
    with pytest.raises(Rejected) as refused:
        leaving.sign_out(anna, sign_in)
    assert refused.value.code == "live-in-hand" and "Anna" in refused.value.text.ru
    centre.toy.live = False
    register_contributions(okno())
    leaving.sign_out(anna, sign_in)
    assert presence.of(anna).state == "offline"
    assert sessions.valid(token) is None
    assert db.session.get(Interaction, interaction).agent_id == anna


def test_networks_limit_who_may_sign_in(centre):
    values = centre.app.extensions["okno"].config.values
    assert sessions.address_allowed("203.0.113.9")
    values["web.allowed_networks"] = ["192.0.2.0/24", "2001:db8::/32"]
    try:
        assert sessions.address_allowed("192.0.2.77") and sessions.address_allowed("2001:db8::1")
        assert sessions.address_allowed("::ffff:192.0.2.77")
        assert not sessions.address_allowed("203.0.113.9") and not sessions.address_allowed("nonsense")
    finally:
        values["web.allowed_networks"] = []


@pytest.mark.parametrize(("line", "words"), BROWSERS.items())
def test_a_browser_is_named_as_people_call_it(line, words):
    assert browser_words(line) == words


def test_a_user_in_no_team_follows_the_house(centre):
    with transaction():
        db.session.add(User(login="solo", first_name="Solo"))
    solo = directory.get_user("solo").id
    rules = presence.rules_of(solo)
    assert (rules.after_sign_in, rules.after_work, rules.away_minutes, rules.break_minutes) == (
        "not_ready",
        "ready",
        15,
        60,
    )
