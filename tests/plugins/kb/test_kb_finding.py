"""Narrowing and widening: facets with counts, one service, drafts for editors, whose articles are found."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from tests.support.places import ROOT

DEMO = ROOT / "plugins/kb/demo"


@pytest.fixture
def settings() -> dict[str, Any]:
    return {"core.plugins": ["kb"]}


@pytest.fixture
def editor(app: Any, db: Any) -> Any:
    """Somebody with kb.edit, and the demo's articles on signatures, indexed."""
    from core import directory
    from plugins.kb.exchange.folder_exchange import load_folder
    from plugins.kb.finding.index import rebuild

    load_folder(DEMO / "ru/signature")
    rebuild()
    directory.ensure_roles()
    return directory.add_user("v.editor", "V. Editor", roles=["editor"], language="ru")


@pytest.mark.feature("K-03")
def test_facets_count_and_narrow_inside_the_query(editor: Any) -> None:
    from plugins.kb.finding.finding import Narrowing, find

    wide = find("сертификат", None)
    tags = next(facet for facet in wide.facets if facet.name == "tag")
    assert [value.count for value in tags.values] == sorted((value.count for value in tags.values), reverse=True)
    chosen = tags.values[0]
    narrow = find("сертификат", None, Narrowing({"tag": chosen.value}))
    assert narrow.result.total == chosen.count
    folders = next(facet for facet in wide.facets if facet.name == "branch")
    assert all(find("сертификат", None, Narrowing({"branch": v.value})).result.total == v.count for v in folders.values)
    assert next(v for f in narrow.facets if f.name == "tag" for v in f.values if v.chosen).value == chosen.value
    assert find("сертификат", None, Narrowing({"tag": "нет такого"})).result.total == 0


@pytest.mark.feature("K-03")
def test_drafts_are_for_editors_with_the_switch_and_expired_ones_for_nobody(app: Any, db: Any, editor: Any) -> None:
    from core.clock import now
    from plugins.kb.finding.finding import Narrowing, find
    from plugins.kb.finding.index import index_due
    from plugins.kb.models import Article
    from plugins.kb.reading import by_number
    from plugins.kb.writing.operations import set_status

    set_status(by_number(1001).id, None, "draft")
    index_due()

    def seen(user: Any, drafts: bool) -> bool:
        return 1001 in [row.number for row in find("0x8010006B", user, Narrowing(drafts=drafts)).rows]

    assert [seen(editor, True), seen(editor, False), seen(None, True)] == [True, False, False]
    db.session.query(Article).filter_by(number=1002).update({"expires_at": now() - timedelta(seconds=1)})
    db.session.commit()
    assert 1002 not in [row.number for row in find("0x8010006C", editor).rows], "not even before the scheduler comes"
