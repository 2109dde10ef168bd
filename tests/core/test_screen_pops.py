"""Screen pops: variables filled in and encoded, only addresses of the web, scripts free of scripts."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import screen_pops, variables
from core.contracts import Rejected, VariableContext
from core.db import db, transaction
from core.model import Case, Interaction
from core.schemas import Invalid


@pytest.mark.parametrize(
    ("template", "origin"),
    [
        ("https://crm.example/?q=$(case.number)", "https://crm.example"),
        ("HTTP://Crm.Example:8080/a", "http://crm.example:8080"),
        ("https://касса.рф/", "https://xn--80aa1agk.xn--p1ai"),
        ("https://crm.example", "https://crm.example"),
        ("https://$(case.subject)/", None),
        ("https://crm.example$(case.subject)/", None),
        ("https://user@crm.example/", None),
        ("https://crm.example:port/", None),
        ("javascript:alert(1)", None),
        ("//crm.example/", None),
        ("data:text/html,x", None),
        ("https://", None),
        ("https://crm.example; script-src *", None),
    ],
)
def test_an_address_has_a_host_of_the_administrators_own(template, origin):
    found = screen_pops.origin_of(template)
    assert (found or "").startswith((origin or "").split("xn--")[0]) if origin else found is None
    if origin and "xn--" not in origin:
        assert found == origin


@given(st.text(max_size=60))
def test_an_origin_never_breaks_out_of_a_policy(template):
    found = screen_pops.origin_of(template)
    assert found is None or not set(found) & set(" ;,'\"\n")


@pytest.fixture
def interaction(centre):
    centre.mail(subject="a&b=c#d /?$(User.firstName) <b>")
    return db.session.scalars(db.select(Interaction)).one()


def add(**values):
    return screen_pops.add_pop(title_en="T", title_ru="О", **values)


def test_values_are_encoded_in_addresses_and_escaped_in_scripts(centre, interaction):
    context = screen_pops.context_of(interaction, centre.agents[0])
    page = add(kind="url", template="https://crm.example/f?s=$(case.subject)&n=$(case.number)&x=$(no.such)")
    filled = screen_pops.fill(page, context)
    case = db.session.scalars(db.select(Case)).one()
    assert dict(parse_qsl(urlsplit(filled.url).query)) == {"s": case.subject, "n": case.number}
    assert urlsplit(filled.url).netloc == "crm.example" and filled.empty == ("no.such",)
    script = add(
        kind="script", template="<h3>A</h3>$(case.subject)<h3 onclick='x()'>B</h3><script>x()</script>$(no.such)"
    )
    filled = screen_pops.fill(script, context)
    assert "&lt;b&gt;" in filled.html and "<script" not in filled.html and "onclick" not in filled.html
    assert "$(no.such)" not in filled.html
    assert len(screen_pops.steps(filled.html)) == 2


def test_what_may_not_open_is_refused(centre):
    for values in (
        {"kind": "url", "template": "javascript:alert(1)"},
        {"kind": "url", "template": ""},
        {"kind": "page", "template": "https://crm.example"},
    ):
        with pytest.raises(Invalid):
            add(**values)
    row = add(kind="url", template="https://crm.example")
    with pytest.raises(Invalid):
        screen_pops.update_pop(row.id, template="ftp://crm.example")
    screen_pops.remove_pop(row.id)
    with pytest.raises(Rejected):
        screen_pops.get_pop(row.id)


def test_a_service_gets_its_own_and_general_ones_in_order(centre):
    last = add(kind="url", template="https://b.example", position=2)
    first = add(kind="url", template="https://a.example", position=1, service_id=centre.service_id)
    add(kind="url", template="https://c.example", active=False)
    assert [row.id for row in screen_pops.pops_of(centre.service_id)] == [first.id, last.id]
    assert [row.id for row in screen_pops.pops_of(None)] == [last.id]


def test_a_variable_in_a_variables_value_stays_text(centre, interaction):
    with transaction():
        interaction.case.subject = "$(case.number)"
    page = add(kind="url", template="https://crm.example/$(case.subject)")
    context = VariableContext(user_id=centre.agents[0], case_id=interaction.case_id)
    assert screen_pops.fill(page, context).url == "https://crm.example/%24%28case.number%29"
    assert variables.unfilled(screen_pops.fill(page, context).url) == ()
