"""The known driver's functions as JSON: `POST /driver`, and the same over a WebSocket at `/driver/ws`.

    {"function": "iReadCardBas", "iType": 3}  →  {"code": 0, "pOutInfo": "370900|…|", "money": "not-charged"}

Codes and Chinese texts are the known ones; a program's token must allow the function. Not here: the functions
(known_driver.py, driver/), tokens (clients.py).
Source: counter.md, "The local service that pharmacy software calls"; card.md §8.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

from fastapi import APIRouter, WebSocket
from pydantic import BaseModel, ConfigDict, Field
from starlette.websockets import WebSocketDisconnect

from sscard_terminal.iso7816.status import Language
from sscard_terminal.terminal.journal_file import JournalTrouble
from sscard_terminal.terminal.programs import Program, ProgramsTrouble, Scope
from sscard_terminal.voice.messages import text
from sscard_terminal.voice.told import Money, failed

from . import api_models as models
from .access import TheDesk
from .api import REFUSALS
from .clients import Asking, program_of, require
from .desk import Desk
from .known_driver import READER_BUSY, Call, called
from .security import DRIVER_PATH, MOST_DRIVER_BODY
from .station import Busy
from .words import NotDone

router = APIRouter(responses=REFUSALS)
SCOPES = {
    "iReadCardBas": Scope.HOLDER,
    "iReadCard": Scope.HOLDER,
    "iWriteCard": Scope.WINDOW,
    "iVerifyPIN": Scope.PIN,
    "iChangePIN": Scope.PIN,
    "iReloadPIN": Scope.WINDOW,
    "iUnblockPIN": Scope.WINDOW,
    "iDoDebit": Scope.SALE,
    "iReadDebitRecord": Scope.DETAILS,
}
"""By the function's name without its step."""
JOURNAL_TROUBLE = -3030
"""Source: docs/driver.md."""
TEXTS: Language = "zh"
"""The known texts are Chinese, whatever the page speaks."""
NEVER_LONGER = 64
"""Characters of a function's name."""


class DriverCall(BaseModel):
    """A function of the known driver with its parameters, under their known names."""

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "examples": [
                {"function": "iReadCardBas", "iType": 3},
                {
                    "function": "iDoDebit",
                    "iType": 3,
                    "pCardInfo": "370900D15600000500000002B6233D35|D2143569X|",
                    "pPayInfo": "300.00|250.00|20260105101500|",
                },
            ]
        },
    )

    function: str = Field(max_length=NEVER_LONGER)


class DriverAnswer(BaseModel):
    """0 and the data, or a negative code and its text. `money`: whether a sale was recorded by this call."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"code": -2, "pOutInfo": "无卡", "money": "not-charged"}]}
    )

    code: int
    pOutInfo: str
    money: models.Moved


@router.post(DRIVER_PATH, summary="A function of the known driver")
async def call(asked: DriverCall, desk: TheDesk, program: Asking) -> DriverAnswer:
    """Every answer of the driver is a 200: its code tells. While somebody else is at the counter it is -12."""
    return await _called(desk, program, asked.function, dict(asked.model_extra or {}))


async def _called(desk: Desk, program: Program, name: str, parameters: dict[str, Any]) -> DriverAnswer:
    """
    Raises:
        NotDone: this program may not call it.
    """
    scope = SCOPES.get(name.partition("_HSM_")[0])
    if scope is not None:
        require(program, scope)
    discloses = scope is Scope.HOLDER and not name.endswith("_Step1")
    wanted = Call(name, parameters, program.name, program.by, discloses)
    try:
        result = await desk.station.do(lambda work: called(work, wanted))
    except Busy:
        return _busy()
    except JournalTrouble as trouble:
        return DriverAnswer(
            code=JOURNAL_TROUBLE, pOutInfo=failed(trouble).sentence(TEXTS), money=Money.NOT_CHARGED.value
        )
    if result is None:
        return _busy()
    return DriverAnswer(code=result.code, pOutInfo=result.out, money=result.money.value)


def _busy() -> DriverAnswer:
    return DriverAnswer(
        code=READER_BUSY,
        pOutInfo=text(TEXTS, f"driver.code.{-READER_BUSY}"),
        money=Money.NOT_CHARGED.value,
    )


# Over a WebSocket -----------------------------------------------------------------------------------------

UNAUTHORISED, TOO_MANY = 4401, 4429
"""Close codes from 4000 on are the application's. Source: RFC 6455 §7.4.2."""
MOST_LINES = 16
"""At one time, those that have not said who they are among them. Our choice: a shop has a few programs."""
INTRODUCTION_S = 10.0
"""How long a line may be silent before it says who it is. Our choice."""


@router.websocket(f"{DRIVER_PATH}/ws")
async def converse(line: WebSocket) -> None:
    """One JSON object a message, answered one by one; `id`, where a call has one, stands in its answer too.

    A program that can set headers sends its token as at HTTP; one that cannot (a browser's) sends {"token": "…"} first.
    """
    desk: Desk = line.app.state.desk
    await line.accept()
    if desk.driver_lines >= MOST_LINES:
        await line.close(TOO_MANY)
        return
    desk.driver_lines += 1
    try:
        await _conversation(line, desk)
    finally:
        desk.driver_lines -= 1


async def _conversation(line: WebSocket, desk: Desk) -> None:
    with suppress(WebSocketDisconnect):
        try:
            async with asyncio.timeout(INTRODUCTION_S):
                program = await _introduced(line, desk)
        except TimeoutError:
            program = None
        while program is not None:
            message = await _message(line)
            if not desk.clients.is_still(program):
                break
            await line.send_json(await _answered(desk, program, message))
        await line.close(UNAUTHORISED)


async def _introduced(line: WebSocket, desk: Desk) -> Program | None:
    kind, _, given = line.headers.get("authorization", "").partition(" ")
    token: object = given
    if kind.lower() != "bearer":
        message = await _message(line)
        token = message.get("token") if isinstance(message, dict) else None
    try:
        return program_of(desk, token if isinstance(token, str) else None)
    except NotDone as refused:
        await line.send_json(refused.answer(desk.fittings.language))
    except (ProgramsTrouble, OSError):
        await line.send_json(NotDone(503, "refused.programs-file").answer(desk.fittings.language))
    return None


async def _message(line: WebSocket) -> Any:
    """What came, None where it is no JSON."""
    raw = await line.receive_text()
    if len(raw) > MOST_DRIVER_BODY:
        return None
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


async def _answered(desk: Desk, program: Program, message: Any) -> dict[str, Any]:
    language = desk.fittings.language
    if not isinstance(message, dict) or not isinstance(message.get("function"), str):
        return NotDone(422, "refused.program-request").answer(language)
    name, number = message.pop("function"), message.pop("id", None)
    own = {} if number is None else {"id": number}
    try:
        return (await _called(desk, program, name, message)).model_dump() | own
    except NotDone as refused:
        return refused.answer(language) | own
