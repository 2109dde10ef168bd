"""The session as the open desk sees it: over, taken over, expired; entering again in place; leaving."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request, session, url_for

from core import leaving, sessions
from core.contracts import Text
from core.db import db
from core.house import okno
from core.model import SignIn, User
from core.permissions import public, require
from core.web import drawing
from core.web.auth import checked_user, current_user, open_session
from core.web.browsers import browser_words
from core.web.desk_frame import signed_in

blueprint = Blueprint("sessions", __name__)
OVER: dict[str, tuple[Text, Text, str]] = {
    "elsewhere": (
        Text("You signed in in another browser", "Вы вошли в другом браузере"),
        Text("This one has been signed out.", "Здесь сеанс завершён."),
        "device-desktop",
    ),
    "expired": (
        Text("The session has expired", "Время сеанса истекло"),
        Text("Enter your password to go on.", "Введите пароль, чтобы продолжить."),
        "clock-pause",
    ),
    "supervisor": (
        Text("The supervisor has signed you out", "Супервизор завершил ваш сеанс"),
        Text("You may sign in again.", "Вы можете войти снова."),
        "user-shield",
    ),
    "password": (
        Text("Your password has been changed", "Ваш пароль изменён"),
        Text("Enter the new password to go on.", "Введите новый пароль, чтобы продолжить."),
        "key",
    ),
    "disabled": (
        Text("Your account is switched off", "Ваша учётная запись отключена"),
        Text("Ask your administrator.", "Обратитесь к администратору."),
        "user-off",
    ),
    "address": (Text("Not from this network", "Из этой сети нельзя"), Text("", ""), "shield-lock"),
    "": (
        Text("This session is over", "Сеанс завершён"),
        Text("Sign in to go on.", "Войдите, чтобы продолжить."),
        "device-desktop-off",
    ),
}
HOPELESS = ("disabled", "address")


@blueprint.get("/session/over")
@public
def over() -> Response | str:
    """Why the page may no longer work, and the way back in place; 204 while all is well."""
    user = current_user()
    if user is not None:
        other = request.args.get("user", "") != str(user.id)
        return Response(status=204, headers={"HX-Refresh": "true"} if other else {})
    token = session.get("token")
    found = sessions.known(token) if token else None
    if found is None:
        return Response(status=204, headers={"HX-Redirect": url_for("auth.sign_in")})
    why = _why(found)
    title, text, icon = OVER.get(why, OVER[""])
    if why == "address":
        text = sessions.refusal_of(request.remote_addr or "").text
    newest = next(iter(sessions.open_ones(found.user_id)), None) if why == "elsewhere" else None
    return render_template(
        "auth/over.html",
        title=title,
        text=text,
        icon_name=icon,
        why=why,
        other=newest,
        user=db.session.get(User, found.user_id),
        may_return=why not in HOPELESS,
        browser_words=browser_words,
        hours=okno().config.get("web.session_hours"),
    )


def _why(found: SignIn) -> str:
    if found.ended_at is None and not sessions.address_allowed(request.remote_addr or ""):
        return "address"
    user = db.session.get_one(User, found.user_id)
    if user.disabled_at is not None:
        return "disabled"
    return found.ended_why if found.ended_at else "expired"


@blueprint.post("/session/again")
@public
def again() -> Response:
    """Enter in place with the password of whoever the page belongs to; another browser's session ends.

    The page's token against forged requests stays valid, so nothing that is typed has to be given up.
    """
    token = session.get("token")
    had = sessions.known(token) if token else None
    if had is None:
        return Response(status=204, headers={"HX-Redirect": url_for("auth.sign_in")})
    user = checked_user(db.session.get_one(User, had.user_id).login)
    open_session(user)
    return Response(status=204, headers={"HX-Trigger": drawing.trigger(**{"okno:signed-in": {}})})


@blueprint.get("/session/leave")
@require("desk.use")
def leave() -> Response | str:
    """What is still in hand, before signing out; 204 when nothing is."""
    found = leaving.in_hand(signed_in().id)
    if not found.live and not found.letters:
        return Response(status=204)
    return render_template("auth/leave.html", found=found, channels=okno().channels)


@blueprint.post("/session/bye")
@public
def goodbye() -> Response:
    """The last page of this browser is being closed; it may only be loading again."""
    if current_user() is not None:
        sessions.say_goodbye(request.environ["okno.sign_in"])
    return Response(status=204)


@blueprint.post("/session/here")
@public
def here_still() -> Response:
    """The page that said good-bye has only gone on to another page of ours."""
    if current_user() is not None:
        sessions.take_goodbye_back(request.environ["okno.sign_in"])
    return Response(status=204)
