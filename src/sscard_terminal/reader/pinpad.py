"""Secure PIN entry: the PIN goes from the reader's own keys to the card and never enters this computer.

Not here: the bytes (part10.py), and which PIN command of which card (terminal/at_pad.py).
Source: PC/SC part 10; counter.md, "PIN pad". What readers make of it: drivers and tools that talk to many of them, CCID
(src/commands.c, SCARDCONTROL.md) and OpenSC (src/libopensc/reader-pcsc.c), named below as "CCID" and "OpenSC".
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import IntEnum

from ..iso7816.apdu import CommandApdu, ResponseApdu
from ..iso7816.errors import FormatError
from ..iso7816.status import StatusWord
from .connection import Connection, LinkLost, LinkReason, NotSent, control
from .part10 import (
    CONFIRMED,
    DEFAULT_MESSAGE,
    GET_FEATURE_REQUEST,
    KEY_PRESSED,
    NO_MESSAGE,
    OLD_ASKED,
    Feature,
    PadProperties,
    PinModifyStructure,
    PinVerifyStructure,
    parse_features,
    parse_pin_properties,
    parse_tlv_properties,
)

ENTRY_TIMEOUT_S = 30
"""How long the pad waits for a key. Source: our choice, as OpenSC."""
PATIENCE_S = 120.0
"""How long we wait for the pad: longer than CCID does, 90 seconds, so that its answer comes first. Source: our choice."""

log = logging.getLogger(__name__)
Around = Callable[[Connection], Connection]


class PadRefusal(IntEnum):
    """How a pad ends an entry without the card: the words of part 10, which look like a card's and are not."""

    TIMED_OUT = 0x6400
    CANCELLED = 0x6401
    PINS_DIFFER = 0x6402
    WRONG_LENGTH = 0x6403
    REFUSED = 0x6B80
    """The reader cannot do this entry; also what a driver says by "not supported"."""


_REFUSALS: dict[int, PadRefusal] = {int(refusal): refusal for refusal in PadRefusal}


@dataclass(frozen=True, slots=True)
class PinRequest:
    """A PIN command with fillers where the digits go.

    `frame`: bytes of a PIN in it, 0 for as many as its digits need (then the command ends before Lc). `least`, `most`:
    digits. `new_at`, where the new PIN stands in the data, makes it a change; `old_at`, that the old one is asked for.
    """

    command: CommandApdu
    frame: int
    least: int
    most: int
    old_at: int | None = None
    new_at: int | None = None

    @property
    def is_change(self) -> bool:
        return self.new_at is not None


class PinPad:
    """The pad of the reader a card is in; `pin_pad` finds it. Good as long as the connection is."""

    def __init__(
        self, connection: Connection, features: dict[Feature, int], properties: PadProperties, around: Around
    ) -> None:
        self._connection = connection
        self._features = features
        self._properties = properties
        self._around = around

    @property
    def can_change(self) -> bool:
        """Whether a PIN can be changed at it, too."""
        return Feature.MODIFY_PIN_DIRECT in self._features

    def enter(self, request: PinRequest) -> StatusWord | PadRefusal:
        """Have the holder key what `request` needs: the card's word, or why the pad never asked the card.

        A card that answers with a word of `PadRefusal` cannot be told from the pad.

        Raises:
            LinkError: what the card did is unknown; a try may be gone, or the PIN changed.
        """
        fitting = self._fitted(request)
        feature = Feature.MODIFY_PIN_DIRECT if request.is_change else Feature.VERIFY_PIN_DIRECT
        if fitting is None or feature not in self._features:
            return PadRefusal.REFUSED
        keys = _Keys(self._connection, self._features[feature], self._structure(fitting))
        try:
            word = self._around(keys).transmit(request.command).sw
        except NotSent as error:
            if error.reason is not LinkReason.PAD_REFUSED:
                raise
            return PadRefusal.REFUSED
        return _REFUSALS.get(word, word)

    def _fitted(self, request: PinRequest) -> PinRequest | None:
        """With the digits this pad takes; None where a PIN of the wanted length cannot be keyed on it."""
        least = max(request.least, self._properties.least or 0)
        most = min(request.most, self._properties.most or request.most)
        return replace(request, least=least, most=most) if least <= most else None

    def _structure(self, request: PinRequest) -> bytes:
        validation = self._properties.validation & KEY_PRESSED or self._properties.validation or KEY_PRESSED
        if request.new_at is None:
            return PinVerifyStructure(
                command=request.command.build(),
                frame=request.frame,
                least=request.least,
                most=request.most,
                time_out_s=ENTRY_TIMEOUT_S,
                key_time_out_s=ENTRY_TIMEOUT_S,
                validation=validation,
                messages=DEFAULT_MESSAGE if self._properties.has_display else NO_MESSAGE,
            ).build()
        old_asked = request.old_at is not None
        prompts = (0, 1, 2) if old_asked else (1, 2, 2)  # old, new, new again; as OpenSC
        return PinModifyStructure(
            command=request.command.build(),
            frame=request.frame,
            least=request.least,
            most=request.most,
            old_at=request.old_at or 0,
            new_at=request.new_at,
            confirm=CONFIRMED | OLD_ASKED if old_asked else CONFIRMED,
            prompts=prompts,
            time_out_s=ENTRY_TIMEOUT_S,
            key_time_out_s=ENTRY_TIMEOUT_S,
            validation=validation,
            messages=len(set(prompts)) if self._properties.has_display else NO_MESSAGE,
        ).build()


class _Keys:
    """One entry as a connection, so that a trace can go around it: the command comes back answered by the card.

    The structure, not the command handed in, is what travels; the digits are in neither.
    """

    atr = b""

    def __init__(self, connection: Connection, code: int, structure: bytes) -> None:
        self._connection = connection
        self._code = code
        self._structure = structure

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        answer = control(self._connection, self._code, self._structure, patience_s=PATIENCE_S)
        if answer is None:
            raise NotSent(LinkReason.PAD_REFUSED)
        if len(answer) != 2:  # no PIN command gives data: this is something else, or an answer cut off
            raise LinkLost(LinkReason.CUT_ANSWER)
        return ResponseApdu.parse(answer)

    def close(self) -> None:
        pass


def pin_pad(connection: Connection, around: Around = lambda keys: keys) -> PinPad | None:
    """The pad of the reader behind `connection`; None where it has none, or none that can be understood.

    `around` is put around each entry (a trace). The reader is asked, not the card.

    Raises:
        LinkError: the reader or its service went away.
    """
    told = control(connection, GET_FEATURE_REQUEST)
    if told is None:
        return None
    try:
        features = parse_features(told)
    except FormatError as error:
        log.warning("the reader's list of features: %s; its pad is not used", error)
        return None
    if Feature.VERIFY_PIN_DIRECT not in features:
        return None
    return PinPad(connection, features, _properties(connection, features), around)


def _properties(connection: Connection, features: dict[Feature, int]) -> PadProperties:
    """What both ways of asking tell together."""
    short = _told(connection, features.get(Feature.PIN_PROPERTIES), parse_pin_properties)
    long = _told(connection, features.get(Feature.TLV_PROPERTIES), parse_tlv_properties)
    if short is None or long is None:
        return short or long or PadProperties()
    return replace(long, has_display=short.has_display or long.has_display, validation=short.validation)


def _told(
    connection: Connection, code: int | None, parse: Callable[[bytes], PadProperties]
) -> PadProperties | None:
    """None from a reader that does not know the question, or stutters."""
    told = None if code is None else control(connection, code)
    if told is None:
        return None
    try:
        return parse(told)
    except FormatError as error:
        log.warning("the reader's properties of its pad: %s", error)
        return None
