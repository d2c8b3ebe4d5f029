"""A card that takes the time a contact card takes: for its bytes on the line, and for itself.

Not here: what it answers. The time is handed in, so that a test need not wait.
One byte takes 12 etu, start bit, eight bits, parity and guard time; one etu is 1/baud second (at 9600 baud the clock is
3.57 MHz). Source: ISO/IEC 7816-3 §7.2, §8.1, §10.3, §11.3. What a chip needs for itself is our choice (OWN_TIME_S).
"""

from __future__ import annotations

import time
from collections.abc import Callable

from .vpicc import Card, TakenOut

SLOWEST_BAUD, FASTEST_BAUD = 300, 1_000_000
USUAL_BAUD = 9600
ETU_A_BYTE = 12
T0_HEADER = 5
"""Bytes of every command under T=0: CLA INS P1 P2 P3, also where P3 is 0."""
SW_LENGTH = 2
T1_BLOCK = 254
T1_FRAME = 4
"""Of a T=1 block: NAD PCB LEN before, LRC after."""

PLAIN_S = 0.003
OWN_TIME_S: dict[int, float] = {
    0x0020: 0.020,  # VERIFY: the counter down, compared, the counter up
    0x805E: 0.030,  # CHANGE PIN
    0x8424: 0.040,  # PIN UNBLOCK and PIN RELOAD
    0x841E: 0.030,  # APPLICATION BLOCK
    0x8416: 0.030,  # CARD BLOCK
    0x0082: 0.015,  # EXTERNAL AUTHENTICATE
    0x0088: 0.010,  # INTERNAL AUTHENTICATE
    0x00D6: 0.020,  # UPDATE BINARY, UPDATE RECORD
    0x00DC: 0.020,
    0x04D6: 0.030,
    0x04DC: 0.030,
    0xB028: 0.020,  # INITIALIZE
    0xB02A: 0.060,  # CREDIT FOR LOAD
    0xB02C: 0.080,  # DEBIT FOR PURCHASE
    0xB056: 0.010,  # STARTING DAY
    0xBFDE: 0.015,  # PSAM: DELIVERY SESSION KEY
    0x80FA: 0.010,  # CIPHER DATA
    0x8070: 0.040,  # INITIALIZE SAM FOR PURCHASE
    0x8072: 0.010,  # CREDIT SAM FOR PURCHASE
    0x84D4: 0.040,  # key loading
}
"""Seconds a chip takes over a command, by CLA and INS; PLAIN_S for all others. Our choice, in the order of what people
see at a counter (a read feels instant, a debit takes a tenth of a second); no card was measured."""

Clock = Callable[[], float]
"""Seconds, monotonic."""
Sleep = Callable[[float], bool | None]
"""Waits so many seconds; True: the card was pulled meanwhile."""


class Line:
    """How long bytes take. `t1`: in blocks of T=1, else under T=0.

    Raises:
        ValueError: `baud` is below SLOWEST_BAUD or above FASTEST_BAUD.
    """

    def __init__(self, baud: int, *, t1: bool = False) -> None:
        if not SLOWEST_BAUD <= baud <= FASTEST_BAUD:
            raise ValueError(f"a baud rate is {SLOWEST_BAUD} to {FASTEST_BAUD}, not {baud}")
        self.byte_s = ETU_A_BYTE / baud
        self._t1 = t1

    def command_s(self, command: bytes) -> float:
        """Until the card has all of it; under T=0 an Le behind data stays in the reader."""
        if self._t1:
            return self._blocks_s(len(command))
        carried = command[4] if len(command) > T0_HEADER and command[4] else len(command) - T0_HEADER
        return (T0_HEADER + max(0, carried)) * self.byte_s

    def answer_s(self, command: bytes, length: int) -> float:
        """For `length` bytes of answer, status word and all; under T=0 a procedure byte goes before data of either side."""
        if self._t1:
            return self._blocks_s(length)
        procedure = 1 if len(command) > T0_HEADER or length > SW_LENGTH else 0
        return (procedure + length) * self.byte_s

    def _blocks_s(self, length: int) -> float:
        blocks = max(1, -(-length // T1_BLOCK))
        return (length + blocks * T1_FRAME) * self.byte_s


class SlowCard:
    """`card`, at the pace of `line`. What the computer itself takes is part of the card's own time."""

    def __init__(
        self, card: Card, line: Line, *, clock: Clock = time.monotonic, sleep: Sleep = time.sleep
    ) -> None:
        self._card = card
        self._line = line
        self._clock = clock
        self._sleep = sleep

    def atr(self) -> bytes:
        """At once: the driver asks for it several times a second, also where no card would be reset."""
        return self._card.atr()

    def power_on(self) -> bytes:
        return self._after_reset(self._card.power_on)

    def reset(self) -> bytes:
        return self._after_reset(self._card.reset)

    def power_off(self) -> None:
        self._card.power_off()

    def respond(self, command: bytes) -> bytes:
        """
        Raises:
            TakenOut: as the card, or it was pulled before the command or the answer had gone through.
        """
        arrives_at = self._clock() + self._line.command_s(command)
        if self._pulled_before(arrives_at):
            raise TakenOut
        begins_at = arrives_at + OWN_TIME_S.get(int.from_bytes(command[:2], "big"), PLAIN_S)
        try:
            answer = self._card.respond(command)
        except TakenOut as out:
            self._pulled_before(begins_at + out.arrived * self._line.byte_s)
            raise
        if self._pulled_before(begins_at + self._line.answer_s(command, len(answer))):
            raise TakenOut
        return answer

    def _after_reset(self, reset: Callable[[], bytes]) -> bytes:
        due = self._clock()
        atr = reset()
        self._pulled_before(due + len(atr) * self._line.byte_s)
        return atr

    def _pulled_before(self, due: float) -> bool:
        waiting_s = due - self._clock()
        return waiting_s > 0 and bool(self._sleep(waiting_s))
