"""Who a request comes from, and whether it may change anything: the cookie, the CSRF token, the operator.

Not here: Host, Origin and headers (security.py), the sessions themselves (sessions.py). Handed to routes as dependencies.
"""

from __future__ import annotations

import hmac
from typing import Annotated

from fastapi import Depends, Request
from starlette.responses import Response

from sscard_terminal.iso7816.status import Language

from .desk import Desk
from .kiosk import Kiosk
from .sessions import Session, sign_out
from .words import NotDone

CSRF_HEADER = "X-CSRF-Token"
PAD_PATH, PAD_LANGUAGE, KIOSK_PATH = "/pad", "pad-language", "/kiosk"


def desk_of(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


def kiosk_of(desk: Desk) -> Kiosk:
    """The kiosk that is served; only where one is are its routes there."""
    assert desk.kiosk is not None
    return desk.kiosk


def cookie_name(desk: Desk, kind: str) -> str:
    """Cookies know no ports: the name tells two counters on one PC apart. Source: RFC 6265 §8.5."""
    return f"sscard-{kind}-{desk.address.port}"


def set_cookie(response: Response, desk: Desk, kind: str, token: str, path: str = "/") -> None:
    """No script reads it and no other site sends it; it ends with the browser."""
    response.set_cookie(
        cookie_name(desk, kind),
        token,
        path=path,
        httponly=True,
        samesite="strict",
        secure=desk.address.is_tls,
    )


def session_of(desk: Desk, token: str | None) -> Session | None:
    """The session of a cookie, if there is one; whoever was removed or has a new password is signed out of it."""
    session = desk.sessions.find(token)
    if session is not None and session.operator is not None and not desk.staff.is_still(session.operator):
        sign_out(session, "session-void")
    return session


def found_session(request: Request, desk: Annotated[Desk, Depends(desk_of)]) -> Session | None:
    """The session of this browser, if it has one."""
    return session_of(desk, request.cookies.get(cookie_name(desk, "clerk")))


def known_session(session: Annotated[Session | None, Depends(found_session)]) -> Session:
    """This browser's session.

    Raises:
        NotDone: it has none; the page has to be loaded anew.
    """
    if session is None:
        raise NotDone(403, "refused.no-session")
    return session


def changing_session(request: Request, session: Annotated[Session, Depends(known_session)]) -> Session:
    """The session of a request that changes something: its CSRF token is right.

    Raises:
        NotDone: it is not.
    """
    if not session.is_csrf(request.headers.get(CSRF_HEADER, "")):
        raise NotDone(403, "refused.no-session")
    return session


def may_see(desk: Desk, session: Session) -> bool:
    """Whether this session is shown what happens at the counter."""
    return not desk.staff.is_needed or (session.operator is not None and not session.is_locked)


def looking(
    desk: Annotated[Desk, Depends(desk_of)], session: Annotated[Session, Depends(known_session)]
) -> Session:
    """A session that is shown the counter.

    Raises:
        NotDone: nobody is signed in, or it is locked.
    """
    if not may_see(desk, session):
        raise NotDone(401, "refused.locked" if session.is_locked else "refused.not-signed-in")
    return session


def acting(
    desk: Annotated[Desk, Depends(desk_of)], session: Annotated[Session, Depends(changing_session)]
) -> Session:
    """A session that works at the counter; this counts as use.

    Raises:
        NotDone: as `looking`, or the CSRF token is wrong.
    """
    desk.sessions.use(session)
    return looking(desk, session)


def operator_of(session: Session) -> str:
    """The number of whoever is signed in; "" where nobody needs to."""
    return "" if session.operator is None else session.operator.number


def pad_token(request: Request, desk: Annotated[Desk, Depends(desk_of)]) -> str:
    """The paired pad's cookie.

    Raises:
        NotDone: this browser is not the paired pad.
    """
    token = request.cookies.get(cookie_name(desk, "pad"))
    if token is None or not desk.pairing.holds(token):
        raise NotDone(401, "refused.not-paired")
    return token


PadToken = Annotated[str, Depends(pad_token)]


def spoken(request: Request, desk: Annotated[Desk, Depends(desk_of)]) -> Language:
    """The language of whatever page asks: the holder's own on the pad and the kiosk, else the session's."""
    if desk.kiosk is not None:
        return desk.kiosk.language
    if request.url.path.startswith(PAD_PATH):
        chosen = request.cookies.get(cookie_name(desk, PAD_LANGUAGE))
        return "zh" if chosen == "zh" else "en" if chosen == "en" else desk.fittings.language
    session = desk.sessions.find(request.cookies.get(cookie_name(desk, "clerk")))
    return desk.fittings.language if session is None else session.language


def keying(request: Request, desk: Annotated[Desk, Depends(desk_of)], token: PadToken) -> str:
    """The paired pad, in a request that changes something.

    Raises:
        NotDone: it is not, or its CSRF token is wrong.
    """
    if not hmac.compare_digest(request.headers.get(CSRF_HEADER, "").encode(), desk.pairing.csrf.encode()):
        raise NotDone(403, "refused.not-paired")
    return token


Spoken = Annotated[Language, Depends(spoken)]
TheDesk = Annotated[Desk, Depends(desk_of)]
Changing = Annotated[Session, Depends(changing_session)]
Looking = Annotated[Session, Depends(looking)]
Acting = Annotated[Session, Depends(acting)]
