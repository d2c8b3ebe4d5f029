"""A counter to practise at: a deck of invented cards, a PSAM, the simulator and an issuer's host; nothing is kept.

Over a private pcscd and the virtual reader, or (`--loopback`) in this process where there is no PC/SC. Not here: the page
(counter/), the deck itself (cli/demo/deck.py).
"""

from __future__ import annotations

import secrets
import shlex
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from importlib.resources import as_file, files
from pathlib import Path

from sscard_terminal.card.control.control import Control
from sscard_terminal.card.control.faults import FaultyCard
from sscard_terminal.card.control.link import listening
from sscard_terminal.card.control.overheard import Overheard
from sscard_terminal.card.control.slots import Slot, VpcdSlot
from sscard_terminal.card.control.verbs import Insert
from sscard_terminal.card.loopback import LoopbackConnection
from sscard_terminal.card.loopback_slot import LoopbackSlot
from sscard_terminal.card.memory import RamStore
from sscard_terminal.card.vpicc import Card, Vpicc, serving
from sscard_terminal.cardspec.issuing import PendingCredit
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.signatures import KEY_LENGTH, public_key_of, signature_of
from sscard_terminal.centre.window_ledger import WindowLedger
from sscard_terminal.counter.bench_slots import BenchSlots
from sscard_terminal.counter.simulator import Bench, BenchCard, Hearing
from sscard_terminal.reader.completing import completing
from sscard_terminal.reader.connection import LinkError, reset
from sscard_terminal.reader.private_pcscd import PrivatePcscd
from sscard_terminal.terminal.client import SocialSecurityCard
from sscard_terminal.terminal.hotlist import FORMAT, RANGE_CHARACTERS
from sscard_terminal.voice.pages import word

from ..command import Run
from ..console import Console
from ..demo.deck import DeckCard, deck
from ..demo.people import KEYS, demo_psam_image
from ..demo.stage import INSERTION_TIMEOUT_S, environment
from ..desk import now
from ..exits import Exit, Stop
from ..images import chip_over

RESET_DEADLINE_S = 5.0
"""How long another program waits for the card to be free before it gives up resetting it."""
FUNDS = Fen(500_00)
"""What the centre holds for each card of the deck, for loads at the window."""
OWED_TO, OWED = "li-si", PendingCredit("practice-1", Fen(12_50), "practice-1")
"""A refund that waits for its card."""
KIOSK_COMMAND = "sscard counter serve --practice --kiosk --port 0"


@dataclass(frozen=True, slots=True)
class Practice:
    """Where one practises: the run as it is there, its journal, the bench; `slots` where no PC/SC is used.

    `keys` and `ledger`: of the issuer's host. `control`: the socket that moves a kiosk's cards, which has no drawer.
    """

    run: Run
    journal: Path
    keys: Path
    ledger: Path
    cards: Sequence[DeckCard]
    bench: Bench
    control: Path | None = None
    slots: BenchSlots | None = None

    def tell(self, console: Console, url: str) -> None:
        """Which pages there are, whose cards, and their PINs: invented people's, nobody else's to tell."""
        if self.control is None:
            pages = {"counter": url, "pad": f"{url}pad", "window": f"{url}window"}
            console.say("practice.pages", **pages)
            how = "" if self.slots is None else " --loopback"
            console.say("practice.kiosk-command", command=f"{KIOSK_COMMAND}{how}")
            console.say("practice.nobody-signs-in")
            console.say("practice.cards")
        else:
            pages = {"kiosk": f"{url}kiosk"}
            console.say(
                "practice.kiosk", **pages, command=f"sscard card control {shlex.quote(str(self.control))}"
            )
            console.say("practice.kiosk-cards")
        for card in self.cards:
            state = word(console.language, f"card-state.{card.state}")
            name = card.holder if self.control is None else f"{card.name:<10}  {card.holder}"
            console.say("practice.card", holder=name, profile=card.profile, pin=card.pin, state=state)
        control = None if self.control is None else str(self.control)
        console.give({"cards": [_facts_of(card) for card in self.cards], "pages": pages, "control": control})


@contextmanager
def practising(run: Run, journal: Path | None, *, loopback: bool, kiosk: bool) -> Iterator[Practice]:
    """The same run in training, at readers of its own, with a card and a PSAM in them.

    Raises:
        PcscdUnavailable: PC/SC cannot be had here.
        OSError: the socket of a kiosk's cards cannot be made.
        Stop: the virtual reader does not take the PSAM in.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="sscard-counter-")))
        cards, hearing = deck(), Hearing(now)
        run = replace(run, training=True, config=run.config or str(_settings(folder, cards)))
        psam = Overheard(chip_over(RamStore(demo_psam_image())), hearing.ear("psam"))
        around = partial(Overheard, listener=hearing.ear("card"))
        practice = partial(
            Practice,
            journal=journal or folder / "training.db",
            keys=stack.enter_context(as_file(files("sscard_fixtures").joinpath(KEYS))),
            ledger=_ledger(folder, cards),
            cards=cards,
            control=folder / "cards" if kiosk else None,
        )
        slots: BenchSlots | None = None
        if loopback:
            slot = LoopbackSlot(around)
            slots, control = BenchSlots(slot, psam), _control(cards, slot, slot.reset_by_other)
        else:
            place, card_reader, psam_reader = _at_readers(stack, around, psam)
            run = replace(run, reader=card_reader, psam_reader=psam_reader)
            control = _control(cards, place, partial(_reset_by_other, card_reader))
        made = practice(run, bench=_bench(cards, control, hearing), slots=slots)
        if made.control is not None:
            stack.enter_context(listening(made.control, control, failed=(LinkError,)))
        yield made


def _at_readers(stack: ExitStack, around: Callable[[Card], Card], psam: Card) -> tuple[VpcdSlot, str, str]:
    """A slot for cards and the PSAM in another: two readers of a pcscd of our own; their names."""
    pcscd = stack.enter_context(PrivatePcscd(2))
    stack.enter_context(environment(pcscd.environment()))
    cards_slot, psam_slot = pcscd.slots
    place = VpcdSlot(lambda card: Vpicc(around(card), cards_slot.port, open_socket=pcscd.open_socket))
    stack.callback(place.take_out)
    served = stack.enter_context(serving(psam, psam_slot.port, open_socket=pcscd.open_socket))
    if not served.wait_inserted(INSERTION_TIMEOUT_S):
        raise Stop(Exit.TROUBLE, "demo.process-died")
    return place, cards_slot.reader, psam_slot.reader


def _control(cards: Sequence[DeckCard], slot: Slot, reset_by_other: Callable[[], None]) -> Control:
    """What moves the cards, with the first one put in."""
    held = {card.name: FaultyCard(RamStore(card.image), chip_over) for card in cards}
    control = Control(slot, held.get, cards[0].name, reset_by_other)
    control.obey(Insert())
    return control


def _bench(cards: Sequence[DeckCard], control: Control, hearing: Hearing) -> Bench:
    on_bench = [BenchCard(card.name, card.holder, card.profile, card.state) for card in cards]
    return Bench(on_bench, control, hearing)


def _reset_by_other(reader: str) -> None:
    """
    Raises:
        LinkError: the card is held, or gone.
    """
    from sscard_terminal.reader.pcsc import open_reader

    other = open_reader(reader, deadline_s=RESET_DEADLINE_S)
    try:
        reset(other)
    finally:
        other.close()


def _ledger(folder: Path, cards: Sequence[DeckCard]) -> Path:
    """The book of the issuer's host: money for every card, and a refund that waits for one of them."""
    file = folder / "ledger.db"
    with WindowLedger.open(file) as ledger:
        for card in cards:
            held = SocialSecurityCard(completing(LoopbackConnection(chip_over(RamStore(card.image)))))
            held.enter_ssse()
            identification = str(held.issuer_data().identification)
            ledger.deposit(identification, FUNDS, now())
            if card.name == OWED_TO:
                ledger.owe(identification, OWED, now())
    return file


def _settings(folder: Path, cards: Sequence[DeckCard]) -> Path:
    """A configuration where the day is opened first (F10), with a hotlist that names the deck's lost cards, signed with a key nobody keeps."""
    key = secrets.token_bytes(KEY_LENGTH)
    starts = [card.number[:RANGE_CHARACTERS] for card in cards if card.is_on_hotlist]
    lines = [FORMAT, "version 1", f"issued {now():%Y-%m-%dT%H:%M:%S}", *(f"range {at} {at}" for at in starts)]
    signed = "".join(f"{line}\n" for line in lines)
    signature = signature_of(signed.encode(), key).hex()
    (folder / "hotlist").write_text(f"{signed}signature {signature}\n", encoding="ascii")
    settings = folder / "terminal.toml"
    settings.write_text(
        "[place]\n"
        'name = "示范药房"\nkind = "pharmacy"\napproved_until = 2099-12-31\n'
        "[sale]\n"
        "needs_open_day = true\n"
        "[hotlist]\n"
        'file = "hotlist"\n'
        f'key = "{public_key_of(key).hex()}"\n'
        "max_age_days = 3650\n",
        encoding="utf-8",
    )
    return settings


def _facts_of(card: DeckCard) -> dict[str, str]:
    return {
        "name": card.name,
        "holder": card.holder,
        "profile": card.profile,
        "state": card.state,
        "pin": card.pin,
    }
