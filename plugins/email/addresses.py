"""«Addresses of your letters» in one's own settings: from which address each service of the agent's teams writes."""

from __future__ import annotations

from flask import Blueprint, render_template

from core.outgoing import services_for
from core.permissions import require
from core.web.desk_frame import signed_in
from plugins.email.channel import CHANNEL
from plugins.email.sending import service_address

blueprint = Blueprint("email_addresses", __name__, template_folder="templates")


@blueprint.get("/mail/addresses")
@require("case.reply")
def addresses() -> str:
    """The list, without a page around it."""
    services = services_for(signed_in().id, CHANNEL)
    return render_template(
        "email/addresses.html", rows=[(service, service_address(service.id)) for service in services]
    )
