"""Which program a request comes from, by its token, and whether it may ask for this.

A token travels in the Authorization header alone: no browser sends it by itself, so no other site can make it do so. Not here:
Host and Origin (security.py), the programs themselves (known_programs.py, terminal/programs.py), people (access.py).
Source: RFC 6750 (Bearer); counter.md, "The local service".
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from sscard_terminal.terminal.programs import Program, Scope

from .access import TheDesk
from .desk import Desk
from .words import NotDone

bearer = HTTPBearer(
    auto_error=False,
    scheme_name="token",
    description="The program's own token, from `sscard counter token add NAME --scope …`.",
)


def program_of(desk: Desk, token: str | None) -> Program:
    """The program with this token.

    Raises:
        NotDone: there is none, its last day is past, or too many wrong ones were tried.
        ProgramsTrouble, OSError: nobody can be let in.
    """
    found = None if token is None else desk.clients.of_token(token)
    if found is not None and found.is_over(desk.fittings.clock()):
        raise NotDone(401, "refused.token-expired", {"until": found.until})
    if found is not None:
        return found
    if token is not None and (wait_s := desk.tokens.wait_s()):
        raise NotDone(429, "refused.too-many", {"wait_s": wait_s})
    raise NotDone(401, "refused.token")


def require(program: Program, scope: Scope) -> Program:
    """
    Raises:
        NotDone: this program may not.
    """
    if scope not in program.scopes:
        raise NotDone(403, "refused.scope", {"scope": str(scope)})
    return program


def asking(desk: TheDesk, given: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)]) -> Program:
    """Whoever asks."""
    return program_of(desk, None if given is None else given.credentials)


Asking = Annotated[Program, Depends(asking)]


def may(scope: Scope) -> Callable[[Program], Program]:
    """A dependency: the program that asks, which may ask for this."""

    def allowed(program: Asking) -> Program:
        return require(program, scope)

    return allowed


ForCard = Annotated[Program, Depends(may(Scope.CARD))]
ForSale = Annotated[Program, Depends(may(Scope.SALE))]
ForDetails = Annotated[Program, Depends(may(Scope.DETAILS))]
ForPin = Annotated[Program, Depends(may(Scope.PIN))]
ForRefund = Annotated[Program, Depends(may(Scope.REFUND))]
ForDay = Annotated[Program, Depends(may(Scope.DAY))]
