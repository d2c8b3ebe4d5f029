"""What answers to a script: the card at the end of any connection; its power, its reset, what is known about it.

Not here: virtual cards (virtual_target.py) and which targets a script names (opening.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn

from sscard_terminal.card.control.verbs import Verb
from sscard_terminal.cardspec.ciphers import TRIPLE_DES, suite_named
from sscard_terminal.iso7816.apdu import CommandApdu, ResponseApdu
from sscard_terminal.reader.completing import completing
from sscard_terminal.reader.connection import (
    Connection,
    LinkError,
    LinkReason,
    NotSent,
    link_error,
    reset,
)

from .events import TargetFacts
from .exact import ExactCommand, plain

Send = Callable[[CommandApdu], ResponseApdu]
Around = Callable[[Connection], Connection]


class Cannot(Exception):
    """This target cannot do that; the text names the verb."""


def _as_it_is(connection: Connection) -> Connection:
    return connection


class Target:
    """The card at the end of what `opening` opens, under a name.

    `profile` is its description where it is known, `pin` its PIN in BCD where it is (a virtual card's first one).
    A connection that broke sends nothing more until `reset` or `power_on` connects anew.
    """

    is_virtual = False
    """Whether it can be swapped, torn, made afresh."""

    def __init__(
        self,
        name: str,
        opening: Callable[[], Connection],
        *,
        kind: str = "connection",
        says: str = "",
        profile: str = "",
        pin: bytes = b"",
        is_real: bool = False,
    ) -> None:
        self.name = name
        self.kind = kind
        self.profile = profile
        self.pin = pin
        self.is_real = is_real
        """Whether what it does counts: a card nobody can make anew."""
        self.is_psam = kind == "psam" or name == "psam"
        """Whether functions of a PSAM are asked of it."""
        self.around: Around = _as_it_is
        """Put around every connection, to listen: `traced`, say."""
        self._says = says
        self._opening = opening
        self._connection: Connection | None = None
        self._send: Send = self._send_nothing
        self._completes = False

    # Power ------------------------------------------------------------------------------------------------

    def power_on(self) -> bytes:
        """Connect, anew where it was connected; the answer to reset.

        Raises:
            LinkError: there is no card, or no reader.
        """
        self.power_off()
        self._connection = self.around(self._opening())
        self._choose_way()
        return self._connection.atr

    def power_off(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection, self._send = None, self._send_nothing

    def reset(self, *, cold: bool) -> bytes:
        """Warm or cold; connects anew after a break. What cannot be reset (a transcript) tells its ATR again.

        Raises:
            LinkError: the card or the reader is gone.
        """
        if self._connection is None:
            return self.power_on()
        try:
            return reset(self._connection, cold=cold)
        except NotSent:
            return self.power_on()
        except TypeError:  # a recording has no card that could be reset
            return self._connection.atr

    def broke(self) -> None:
        """The link is known to be broken: the next reset connects anew."""
        connection, self._connection, self._send = self._connection, None, self._send_nothing
        if connection is not None:
            connection.close()

    close = power_off

    # Commands ---------------------------------------------------------------------------------------------

    @property
    def atr(self) -> bytes:
        return b"" if self._connection is None else self._connection.atr

    @property
    def algorithm(self) -> bytes:
        """The algorithm byte: by the description, else that of 3DES."""
        if not self.profile:
            return bytes((TRIPLE_DES.algorithm_id,))
        from sscard_applets.catalogue import load_profile

        return bytes((suite_named(load_profile(self.profile).algorithm).algorithm_id,))

    def transmit(self, command: CommandApdu) -> ResponseApdu:
        """
        Raises:
            LinkError: no answer came.
        """
        return self._send(command)

    def complete(self, on: bool) -> None:
        """Fetch 61xx and repeat at 6Cxx where that is safe, from now on, or not."""
        self._completes = on
        self._choose_way()

    def connection(self) -> Connection:
        """The connection as it is, completing; for functions that hold a conversation of their own.

        Raises:
            LinkError: it is not connected.
        """
        if self._connection is None:
            raise NotSent
        return completing(self._connection, fetch_unasked=True)

    def _choose_way(self) -> None:
        connection = self._connection
        if connection is None:
            return
        if not self._completes:
            self._send = connection.transmit
            return
        whole = completing(connection, fetch_unasked=True)
        self._send = lambda command: whole.transmit(
            plain(command) if isinstance(command, ExactCommand) else command
        )

    def _send_nothing(self, command: CommandApdu) -> NoReturn:
        raise link_error(LinkReason.CLOSED)

    # What only virtual cards can ----------------------------------------------------------------------------

    def fresh(self) -> None:
        """A new card of the same kind in its place.

        Raises:
            Cannot: only a virtual card can be made anew.
        """
        raise Cannot("fresh")

    def obey(self, verb: Verb) -> None:
        """
        Raises:
            Cannot: not with this target, or not now.
        """
        raise Cannot(str(verb).split()[0])

    def torn_down(self) -> bool:
        """After a block that was to be torn: put the card in again, and whether the power had gone."""
        raise Cannot("tear")

    @property
    def facts(self) -> TargetFacts:
        return TargetFacts(self.name, self.kind, self._says, self.atr)


def link_reason(error: LinkError) -> str:
    return str(error.reason)
