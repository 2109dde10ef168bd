"""A centre that signs reports: what the tests of the panel find in it, made once for each data base kind and copied."""

from __future__ import annotations

from pathlib import Path

from tests.support.places import ROOT

DEMO = ROOT / "plugins/kb/demo"
# By the kind of data base: the home folder, which has the index, and the ids of what was made.
MADE: dict[str, tuple[Path, dict[str, int]]] = {}


def add_signature_articles() -> None:
    """Services, an agent and an editor, a case with a letter, articles about signatures."""
    from core import directory
    from core.casework import create
    from core.db import db, transaction
    from core.house import okno
    from core.model import Contact, Interaction, Message, Service
    from plugins.kb.exchange.folder_exchange import load_folder
    from plugins.kb.finding.index import rebuild

    directory.ensure_roles()
    agent = directory.add_user("anna", "Анна", last_name="Соколова", language="ru", roles=["agent"])
    editor = directory.add_user("vera", "Вера", language="ru", roles=["editor"])
    with transaction():
        for role in agent.roles + editor.roles:
            extra = {"kb.view", "kb.edit"} if role.key == "editor" else {"kb.view", "case.view_all"}
            role.privileges = sorted({*role.privileges, *extra})
        support = Service(key="support", title_en="Support", title_ru="Поддержка")
        signature = Service(key="signature", title_en="Signature", title_ru="Подпись", is_default=True)
        contact = Contact(name="Пётр Иванов")
        db.session.add_all([support, signature, contact])
        db.session.flush()
        case = create(subject="Не подписывается отчёт", service=signature, contact=contact)
        row = Interaction(
            channel="email",
            case_id=case.id,
            service_id=signature.id,
            contact_id=contact.id,
            agent_id=agent.id,
            state="active",
        )
        db.session.add(row)
        db.session.flush()
        text = "Пишет: введён неправильный PIN-код, 0x8010006B"
        db.session.add(
            Message(
                interaction_id=row.id,
                case_id=case.id,
                source_key="m1",
                author="contact",
                direction="in",
                subject=case.subject,
                body_text=text,
            )
        )
    for folder in ("signature", "reporting"):
        load_folder(DEMO / "ru" / folder)
    rebuild()
    ids = {"agent": agent.id, "editor": editor.id, "case": case.id, "interaction": row.id, "service": signature.id}
    MADE[db.engine.dialect.name] = (okno().config.home, ids)
