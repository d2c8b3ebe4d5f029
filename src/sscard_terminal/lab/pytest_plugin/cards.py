"""A virtual card in a test: made anew, in a slot of this process, to be asked, looked into, pulled and torn.

Not here: real readers (readers.py) and what was said (conversation.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from sscard_applets.catalogue import load_profile
from sscard_applets.medical_account.account import AMOUNTS
from sscard_terminal.card.chip import Chip
from sscard_terminal.card.control.control import Control
from sscard_terminal.card.control.faults import FaultyCard
from sscard_terminal.card.control.overheard import Overheard
from sscard_terminal.card.control.slots import Slot
from sscard_terminal.card.control.verbs import Verb, parse_verb
from sscard_terminal.card.loopback_slot import InSlot, LoopbackSlot
from sscard_terminal.card.memory import ByteStore, RamStore
from sscard_terminal.card.nvm import Nvm
from sscard_terminal.card.objects import ISSUER_DATA, TERMINAL_NUMBER
from sscard_terminal.card.retry_counter import PinStore
from sscard_terminal.card.slow import Line, SlowCard
from sscard_terminal.card.vpicc import Card
from sscard_terminal.cardspec.commands.basic import Select
from sscard_terminal.cardspec.commands.security import ChangePin, VerifyPin
from sscard_terminal.cardspec.money import Fen, fen_of_yuan
from sscard_terminal.cardspec.pin import Pin
from sscard_terminal.cardspec.records import AmountFile, IssuerData
from sscard_terminal.iso7816.apdu import CommandApdu, ResponseApdu
from sscard_terminal.iso7816.identifiers import Aid
from sscard_terminal.iso7816.status import OK
from sscard_terminal.iso7816.tlv import parse_records
from sscard_terminal.lab import virtual

from .conversation import Recorder

SSSE = Aid(bytes.fromhex("7378312E73682EC9E7BBE1B1A3D5CF"))
WRONG_PIN, OTHER_WRONG_PIN = "999999", "888888"
SEQUENCE = "DES/0019"
"""The terminal transaction sequence of the 3DES environment. Source: card.md §5.1."""

Apdu = str | bytes | CommandApdu


def fen(amount: str | Fen) -> Fen:
    """Yuan as people write them ("12.34"), or fen.

    Raises:
        FormatError: it is no amount.
    """
    return fen_of_yuan(amount) if isinstance(amount, str) else amount


class VirtualChip:
    """What card and PSAM share: a memory, a slot of this process, faults on command, and a record of what was said.

    `line`: the pace of a contact card, None for as fast as it can.
    """

    def __init__(self, name: str, image: bytes, *, at_once: bool = False, line: Line | None = None) -> None:
        self.name = name
        self.recorder = Recorder()
        self.store = RamStore(image)
        self._at_once = at_once
        self._line = line
        self.faulty = FaultyCard(self.store, self._chip_over)
        self._home = LoopbackSlot(self.around)
        self._place: Slot = self._home
        self._control = self._control_at(self._home, self._home.reset_by_other)
        self._open: InSlot | None = None
        self._home.put_in(self.faulty)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def _chip_over(self, store: ByteStore) -> Chip:
        return virtual.chip_over(store, at_once=self._at_once)

    def around(self, card: FaultyCard) -> Card:
        """The card as a reader gets it: slowed down where asked for, and recorded."""
        paced: Card = card if self._line is None else SlowCard(card, self._line, sleep=card.wait_until_out)
        return Overheard(paced, self.recorder)

    # What a reader does -----------------------------------------------------------------------------------

    def connect(self) -> InSlot:
        """A new connection: the card is powered and has forgotten its session.

        Raises:
            NoCard: it was ejected or torn, and not put in again.
        """
        self._open = self._home.open()
        return self._open

    def apdu(self, command: Apdu, *, complete: bool = False) -> ResponseApdu:
        """Send one command on the connection there is (or a new one) and give its answer as it came.

        `complete`: fetch what waits behind 61xx; data and last status word are the answer.

        Raises:
            FormatError: these bytes are no command.
            LinkError: the card is out, was torn, or was reset.
        """
        link = self._open or self.connect()
        answer = link.transmit(_command_of(command))
        return _fetched(link, answer) if complete else answer

    def reset(self, *, cold: bool = True) -> bytes:
        """Reset it and give its ATR."""
        return (self._open or self.connect()).reset(cold=cold)

    # What happens to a card -------------------------------------------------------------------------------

    def obey(self, verb: str | Verb) -> None:
        """`eject`, `mute for 3 s`, `cut answer after 4 bytes`, `tear after-write 2` … (docs/simulator.md).

        Raises:
            VerbError: it is no verb.
            CannotObey: it cannot be done now.
        """
        self._control.obey(parse_verb(verb) if isinstance(verb, str) else verb)
        if not self._home.is_filled:
            self._open = None

    def eject(self) -> None:
        self.obey("eject")

    def insert(self) -> None:
        self.obey("insert")
        self._open = None

    @property
    def is_in(self) -> bool:
        return self._place.is_filled

    def move_to(self, place: Slot, reset_by_other: Callable[[], None] | None = None) -> None:
        """Into another slot (a PC/SC reader's); from now on the verbs happen to it there."""
        self._place.take_out()
        self._open = None
        self._place, self._control = place, self._control_at(place, reset_by_other)
        place.put_in(self.faulty)

    def move_home(self) -> None:
        """Back into its slot of this process."""
        if self._place is not self._home:
            self.move_to(self._home, self._home.reset_by_other)

    def put_back(self) -> None:
        """Put it in unless it is in: after a tear, say. It has power again and has recovered."""
        if not self.is_in:
            self.insert()

    @property
    def memory(self) -> Nvm:
        """Its memory as it stands, past the chip's locks; only to look at."""
        return Nvm(RamStore(self.store.read_all()), writable=False)

    def close(self) -> None:
        self._place.take_out()
        self.faulty.close()

    def _control_at(self, place: Slot, reset_by_other: Callable[[], None] | None) -> Control:
        return Control(place, {self.name: self.faulty}.get, self.name, reset_by_other)


class VirtualCard(VirtualChip):
    """A social security card. `pin` is the PIN it has now, as the test set it."""

    def __init__(
        self, name: str, image: bytes, pin: str, *, at_once: bool = False, line: Line | None = None
    ) -> None:
        super().__init__(name, image, at_once=at_once, line=line)
        self.pin = pin

    @property
    def number(self) -> str:
        """The card number printed on it."""
        return self._issuer().card_number

    @property
    def identification(self) -> str:
        """The card identification code, 32 hex digits."""
        return str(self._issuer().identification)

    @property
    def balance(self) -> Fen:
        """The account (CIA), in fen."""
        return self.amounts.cia

    @property
    def amounts(self) -> AmountFile:
        """Balances, counters, payment year and starting day."""
        return AmountFile.parse(self.memory.read(AMOUNTS))

    @property
    def tries_left(self) -> int | None:
        """Of the PIN; None where none is set."""
        pin = PinStore(self.memory)
        return pin.tries_left if pin.is_set else None

    def _issuer(self) -> IssuerData:
        return IssuerData.of(parse_records(self.memory.read(ISSUER_DATA)))


class VirtualPsam(VirtualChip):
    """A PSAM whose keys fit the cards."""

    @property
    def terminal_number(self) -> str:
        """12 digits."""
        return self.memory.read(TERMINAL_NUMBER).hex()

    @property
    def sequence(self) -> int:
        """How many purchases of 3DES cards it has signed."""
        return int.from_bytes(self.memory.read(SEQUENCE), "big")


def new_card(
    profile: str = virtual.USUAL_CARD,
    person: str | Path = virtual.USUAL_PERSON,
    balance: str | Fen = "0",
    *,
    pin: str | None = None,
    wrong_pins: int = 0,
    at_once: bool = False,
    baud: int | None = None,
    settings: Mapping[str, str] | None = None,
) -> VirtualCard:
    """A card as its holder would bring it: see the fixture `virtual_card`.

    Raises:
        FormatError: a name, an amount or a setting is wrong.
    """
    image = virtual.card_image(profile, person, fen(balance), (settings or {}).items())
    first_pin = load_profile(profile).first_pin or ""
    prepared = _prepared(image, first_pin, pin or first_pin, wrong_pins)
    line = None if baud is None else Line(baud, t1=at_once)
    return VirtualCard(
        f"{profile} {Path(person).stem}", prepared, pin or first_pin, at_once=at_once, line=line
    )


def new_psam(profile: str = virtual.USUAL_PSAM) -> VirtualPsam:
    """A new PSAM.

    Raises:
        FormatError: there is no such description.
    """
    return VirtualPsam(profile, virtual.psam_image(profile))


def _prepared(image: bytes, first_pin: str, pin: str, wrong_pins: int) -> bytes:
    """The image of a card whose holder has changed its PIN and mistyped it, with commands, as in life."""
    if pin == first_pin and not wrong_pins:
        return image
    store = RamStore(image)
    chip = virtual.chip_over(store)
    chip.power_on()
    chip.respond(Select.name(SSSE).to_apdu().build())
    if pin != first_pin:
        answer = chip.respond(ChangePin.of(Pin(first_pin), Pin(pin)).to_apdu().build())
        if int.from_bytes(answer, "big") != OK:
            raise ValueError("the card does not take this PIN: 4 to 16 digits")
    wrong = WRONG_PIN if pin != WRONG_PIN else OTHER_WRONG_PIN
    for _ in range(wrong_pins):
        chip.respond(VerifyPin.of(Pin(wrong)).to_apdu().build())
    chip.close()
    return store.read_all()


def _fetched(link: InSlot, answer: ResponseApdu) -> ResponseApdu:
    data = answer.data
    while (waiting := answer.sw.more_available) is not None:
        answer = link.transmit(CommandApdu(0x00, 0xC0, 0x00, 0x00, ne=waiting))
        data += answer.data
    return ResponseApdu(data, answer.sw)


def _command_of(command: Apdu) -> CommandApdu:
    if isinstance(command, CommandApdu):
        return command
    return CommandApdu.parse(bytes.fromhex(command) if isinstance(command, str) else command)


def close_all(chips: Iterable[VirtualChip]) -> None:
    for chip in chips:
        chip.close()
