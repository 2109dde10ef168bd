"""``$(…)``: filled, escaped, and never silently wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import variables
from core.contracts import VariableContext
from core.db import db
from core.model import Contact, Interaction


@pytest.fixture
def about(centre):
    interaction_id = centre.taken(centre.agents[0])
    row = db.session.get(Interaction, interaction_id)
    return VariableContext(centre.agents[0], row.case_id, row.id, row.contact_id, row.service_id)


@pytest.mark.feature("K-05")
def test_the_known_ones_are_filled_from_what_is_in_focus(about):
    filled = variables.fill(
        "Здравствуйте, $(from.name)! Запрос $(case.number). $(User.firstName), $(from.emailAddress)", about
    )
    assert filled.text.startswith("Здравствуйте, Anna! Запрос 1")
    assert filled.text.endswith("Anna, anna@example.org")
    assert (filled.unknown, filled.empty) == ((), ())


@pytest.mark.feature("K-05")
def test_unknown_and_empty_ones_stay_and_are_named(about):
    filled = variables.fill("$(no.such) $(User.lastName) $(no.such)", about)
    assert filled.text == "$(no.such) $(User.lastName) $(no.such)"
    assert (filled.unknown, filled.empty) == (("no.such",), ("User.lastName",))


def test_values_are_escaped_in_html_and_the_cursor_is_a_marker(about):
    with variables_owner():
        db.session.get(Contact, about.contact_id).name = '<b onclick="x">Ян</b>'
    filled = variables.fill("<p>$(from.name)$(Cursor)</p>", about, html=True)
    assert "&lt;b onclick=&quot;x&quot;&gt;Ян&lt;/b&gt;" in filled.text
    assert filled.cursor
    assert variables.CURSOR_HTML in filled.text


def variables_owner():
    from core.db import transaction

    return transaction()


def test_a_plugin_whose_variable_fails_counts_as_empty(about, centre):
    from core.contracts import Text, Variable
    from core.house import okno

    okno().variables["broken.one"] = Variable("broken.one", Text("", ""), lambda _context: 1 / 0)
    assert variables.fill("a $(broken.one) b", about).empty == ("broken.one",)
    assert ("broken", "register_variables") in okno().plugins.peek_faults()


@given(st.text(max_size=200))
def test_text_without_variables_is_left_alone(text):
    if "$(" not in text:
        assert variables.unfilled(text) == ()
        assert variables.PATTERN.sub("", text) == text
