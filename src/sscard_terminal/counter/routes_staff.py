"""Who sits at the page: sign in, sign out, lock and unlock.

Not here: operators and passwords (staff.py, terminal), sessions (sessions.py).
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from sscard_terminal.terminal.operators import NotAllowed
from sscard_terminal.terminal.passwords import MAX_LENGTH

from .access import Changing, TheDesk, may_see
from .desk import Desk
from .inputs import password_of
from .routes_clerk import Body
from .sessions import Session, sign_in, sign_out
from .words import NotDone, not_allowed

router = APIRouter(include_in_schema=False)
Secret = Annotated[str, Field(max_length=4 * MAX_LENGTH)]


class SigningIn(Body):
    operator: str = Field(max_length=16)
    password: Secret


@router.get("/clerk/session")
def who(desk: TheDesk, session: Changing) -> dict[str, Any]:
    """Who this page belongs to, and whether it shows the counter."""
    return _of(desk, session)


@router.post("/clerk/sign-in")
async def signing_in(asked: SigningIn, desk: TheDesk, session: Changing) -> dict[str, Any]:
    """By number and password; also unlocks, for whoever knows one."""
    require_try(desk)
    password = password_of(asked.password)
    if password is None:
        raise NotDone(403, "refused.password-wrong")
    found = await desk.staff.by_password(asked.operator.strip(), password)
    if isinstance(found, NotAllowed):
        raise not_allowed(found)
    sign_in(session, found)
    desk.sessions.use(session)
    desk.tell_session()
    return _of(desk, session)


@router.post("/clerk/lock")
def lock(desk: TheDesk, session: Changing) -> dict[str, Any]:
    """Esc-Esc: nothing is shown until a password is given. Without operators there is nobody to lock for."""
    if session.operator is not None:
        session.is_locked = True
        desk.tell_session()
    return _of(desk, session)


@router.post("/clerk/sign-out")
def signing_out(desk: TheDesk, session: Changing) -> dict[str, Any]:
    sign_out(session)
    desk.tell_session()
    return _of(desk, session)


def require_try(desk: Desk) -> None:
    """
    Raises:
        NotDone: too many passwords in a short time, whoever typed them.
    """
    if wait_s := desk.passwords.wait_s():
        raise NotDone(429, "refused.too-many", {"wait_s": wait_s})


def _of(desk: Desk, session: Session) -> dict[str, Any]:
    operator = session.operator
    return {
        "csrf": session.csrf,
        "operator": operator and operator.number,
        "name": operator and operator.name,
        "is_supervisor": operator is not None and operator.is_supervisor,
        "needs_sign_in": desk.staff.is_needed,
        "is_locked": session.is_locked,
        "may_see": may_see(desk, session),
        "ended": session.ended,
    }
