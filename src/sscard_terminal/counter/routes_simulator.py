"""The simulator's drawer: what stands and was heard, as events, and the verbs. Included only where there is a bench.

Not here: the bench (simulator.py), the verbs' grammar (card/control/verbs.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request
from pydantic import Field
from starlette.responses import StreamingResponse

from sscard_terminal.card.control.control import CannotObey, Standing
from sscard_terminal.card.control.verbs import (
    CutAnswer,
    Insert,
    Mute,
    Swap,
    Tear,
    Verb,
    VerbError,
    parse_verb,
)
from sscard_terminal.iso7816.status import Language
from sscard_terminal.reader.connection import LinkError
from sscard_terminal.voice.pages import word

from .access import Acting, Looking, TheDesk, cookie_name, may_see
from .desk import Desk
from .drawer import HEARD, STANDING, Drawer
from .events import MEDIA_TYPE
from .routes_clerk import Body
from .simulator import Bench, BenchCard, Heard
from .words import NotDone

router = APIRouter(prefix="/simulator", include_in_schema=False)
LONGEST_VERB = 200


class Order(Body):
    """A verb, as card/control/verbs.py writes it."""

    verb: str = Field(max_length=LONGEST_VERB)


@router.get("/state")
def state(desk: TheDesk, session: Looking) -> dict[str, Any]:
    """The cards there are, which is in, and what was heard."""
    drawer, language = drawer_of(desk), session.language
    cards = [card_view(card, language) for card in drawer.bench.cards.values()]
    return {"cards": cards, **dict(shown(drawer, language, name, value) for name, value in drawer.begin())}


@router.get("/events")
async def events(
    request: Request, desk: TheDesk, session: Looking, last_event_id: Annotated[str | None, Header()] = None
) -> StreamingResponse:
    """Server-sent events `standing`, `heard` and, when this page may not listen any longer, `gone`."""
    drawer, cookie = drawer_of(desk), request.cookies.get(cookie_name(desk, "clerk"))

    def may_listen() -> bool:
        return desk.sessions.find(cookie) is session and may_see(desk, session)

    def of_event(name: str, value: object) -> Mapping[str, Any]:
        return {name: shown(drawer, session.language, name, value)[1]}

    stream = drawer.hub.stream(drawer.begin, of_event, may_listen, last_event_id)
    return StreamingResponse(stream, media_type=MEDIA_TYPE)


@router.post("/verb")
async def verb(asked: Order, desk: TheDesk, session: Acting) -> dict[str, Any]:
    """Put in, take out, swap, or have a fault happen."""
    drawer = drawer_of(desk)
    try:
        standing = await drawer.obey(parse_verb(asked.verb))
    except VerbError as error:
        raise NotDone(422, "refused.verb", {"column": error.column}) from error
    except CannotObey as error:
        raise NotDone(409, f"refused.bench-{error.obstacle}") from error
    except LinkError as error:
        raise NotDone(503, "refused.bench-no-other") from error
    return standing_view(drawer.bench, standing, session.language)


def drawer_of(desk: Desk) -> Drawer:
    assert desk.drawer is not None, "these routes are included with a bench only"
    return desk.drawer


def shown(drawer: Drawer, language: Language, name: str, value: object) -> tuple[str, Any]:
    """An event as a page shows it."""
    match name, value:
        case (str(event), Standing()) if event == STANDING:
            return STANDING, standing_view(drawer.bench, value, language)
        case (_, tuple()):
            return HEARD, heard_view(drawer.bench, value, language)
    raise AssertionError(name)


def card_view(card: BenchCard, language: Language) -> dict[str, Any]:
    return {
        "name": card.name,
        "holder": card.holder,
        "profile": card.profile,
        "state": word(language, f"card-state.{card.state}"),
    }


def standing_view(bench: Bench, standing: Standing, language: Language) -> dict[str, Any]:
    key = "simulator.is-in" if standing.is_in else "simulator.is-out"
    return {
        "name": standing.name,
        "is_in": standing.is_in,
        "line": word(language, key, card=_holder(bench, standing.name)),
        "ordered": [verb_word(bench, fault, language) for fault in standing.ordered],
    }


def heard_view(bench: Bench, heard: Iterable[Heard], language: Language) -> list[dict[str, Any]]:
    return [
        {
            "number": one.number,
            "at": one.at,
            "speaker": word(language, f"speaker.{one.speaker}"),
            "kind": one.speaker,
            "asked": verb_word(bench, one.verb, language) if one.verb else one.command[language].says,
            "sent": "" if one.verb else one.command[language].octets,
            "said": "" if one.answer is None else one.answer[language].says,
            "got": "" if one.answer is None else one.answer[language].octets,
        }
        for one in heard
    ]


def verb_word(bench: Bench, verb: Verb, language: Language) -> str:
    """What a verb does, for people."""
    match verb:
        case Insert(str(name)) | Swap(str(name)):
            key = "verb.swap" if isinstance(verb, Swap) else "verb.insert"
            return word(language, key, card=_holder(bench, name))
        case Insert():
            return word(language, "verb.insert", card=_holder(bench, bench.standing.name))
        case Mute():
            return word(language, "verb.mute", seconds=f"{verb.duration_ms / 1000:.1f}")
        case CutAnswer():
            return word(language, "verb.cut", count=verb.length)
        case Tear():
            return word(language, "verb.tear", count=verb.writes)
    return word(language, f"verb.{verb}")


def _holder(bench: Bench, name: str) -> str:
    card = bench.cards.get(name)
    return name if card is None else f"{card.holder} {card.profile}"
