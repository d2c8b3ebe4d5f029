"""What the books of a shop must say: dictionaries and sums that import nothing and share no code with the terminal.

Not here: faults, and how anything is done. The books hear every byte that leaves the terminal and every byte that
reaches a card or a PSAM, so they know what was paid, whatever anybody was told. A journal entry comes as a dict with
the keys card, body, counter, spent, state, tac, confirmed; a `body` is the data of DEBIT in hex: sequence, time, MAC1.

Source: reliability.md, "The law"; card.md §3, §4.3, §4.4, §5.4.
"""

KEEPS_TRANSACTION = (0x26, 0x2E, 0xC0)
"""GET BALANCE, PROOF, GET RESPONSE leave an open purchase (card.md §2.3)."""


def new_card(balance, purchases=0, loads=0, log=()):
    return {"balance": balance, "purchases": purchases, "loads": loads, "log": tuple(log), "tries": 3, "open": None}  # fmt: skip


class Books:
    """`cards` by name; `paid` every purchase there was, oldest first; `sent` every DEBIT that left a terminal."""

    def __init__(self, cards, pin, psams):
        self.cards = dict(cards)
        self.pin = pin
        self.paid = ()
        self.sent = ()
        self.guesses = 0
        self.psams = {name: {"sequence": used, "held": None, "confirmed": ()} for name, used in psams.items()}

    def copy(self):
        other = Books.__new__(Books)
        other.__dict__ = {**self.__dict__}
        other.cards = {name: dict(card) for name, card in self.cards.items()}
        other.psams = {name: dict(psam) for name, psam in self.psams.items()}
        return other

    def left(self, command):
        """A command has left our terminal, whether it arrives or not."""
        if command[:2] == b"\xb0\x2c":
            self.sent = (*self.sent, command[5:20].hex().upper())
        if command[:2] == b"\x00\x20" and len(command) > 5:
            self.guesses += 1

    def begin(self, name):
        """Card or PSAM starts a new session."""
        if name in self.cards:
            self.cards[name]["open"] = None
        else:
            self.psams[name]["held"] = None

    def card_obeyed(self, name, command, answer, tac, ours=True):
        """`tac`: what the card itself gives as the proof of the purchase it has just made."""
        card, good = self.cards[name], answer[-2:] == b"\x90\x00" or answer[-2] == 0x61
        match command[0], command[1]:
            case 0x00, 0x20 if len(command) > 5 and card["tries"]:
                right, card["open"] = command[5:].hex().upper() == self.pin, None
                card["tries"] = 3 if right else card["tries"] - 1
            case 0xB0, 0x28:
                card["open"] = (command[2], command[6:-6], command[-6:]) if good else None
            case 0xB0, 0x2C | 0x2A:
                opened, card["open"] = card["open"], None
                if good and opened:
                    self._moved(name, command, opened, tac, ours)
            case 0xB0 | 0x00, ins if ins in KEEPS_TRANSACTION:
                pass
            case _:
                card["open"] = None

    def _moved(self, name, command, opened, tac, ours):
        card, (kind, amounts, terminal) = self.cards[name], opened
        spent = [int.from_bytes(amounts[at : at + 4], "big") for at in range(0, len(amounts), 4)]
        if kind == 0x00:
            number, time = card["loads"], command[5:12]
            card["balance"] += spent[0]
            card["loads"] += 1
            record = f"{number:04X}31{terminal.hex()}{time.hex()}{spent[0]:08X}{0:016X}"
        else:
            number, time = card["purchases"], command[9:16]
            card["balance"] -= spent[0]
            card["purchases"] += 1
            record = f"{number:04X}32{terminal.hex()}{time.hex()}{amounts.hex()}"
            body = command[5:20].hex().upper()
            payment = {
                "card": name,
                "body": body,
                "counter": number,
                "spent": tuple(spent),
                "tac": tac,
                "ours": ours,
            }
            self.paid = (*self.paid, payment)
        card["log"] = (record.upper(), *card["log"])

    def psam_obeyed(self, name, command, answer):
        psam, good = self.psams[name], answer[-2:] == b"\x90\x00" or answer[-2] == 0x61
        match command[0], command[1]:
            case 0x80, 0x70:
                psam["sequence"] += good
                psam["held"] = f"{psam['sequence']:08X}" if good else None
            case 0x80, 0x72:
                held, psam["held"] = psam["held"], None
                if good and held:
                    psam["confirmed"] = (*psam["confirmed"], held)

    def payment(self, body):
        return next((payment for payment in self.paid if payment["body"] == body and payment["ours"]), None)

    def count_of_ours(self):
        return sum(payment["ours"] for payment in self.paid)


def always(books, entries):
    """What holds at every moment, whatever has happened."""
    bodies = [entry["body"] for entry in entries]
    for body in sorted(set(books.sent)):
        if books.sent.count(body) > 1:
            yield f"DEBIT {body[:8]} was sent {books.sent.count(body)} times"
        if body not in bodies:
            yield f"DEBIT {body[:8]} was sent and the journal does not know it"
    if len(set(bodies)) < len(bodies):
        yield "two entries of the journal are one sale"
    confirmed = [sequence for psam in books.psams.values() for sequence in psam["confirmed"]]
    for entry in entries:
        name, payment = f"sale {entry['body'][:8]}", books.payment(entry["body"])
        if entry["state"] == "charged" and payment is None:
            yield f"{name} stands as charged and the card has not paid"
        if entry["state"] == "not-charged" and payment is not None:
            yield f"{name} stands as not charged and the card has paid"
        if entry["confirmed"] and entry["body"][:8] not in confirmed:
            yield f"{name} stands as confirmed and the PSAM has not confirmed it"
        if payment and any(entry[fact] != payment[fact] for fact in ("card", "counter", "spent")):
            yield f"{name} stands in the journal with other facts than the card's"
        if entry["tac"] and (payment is None or entry["tac"] != payment["tac"]):
            yield f"{name} has a TAC that the card did not give for it"


def told(books, before, entries, said, disk_lied=False):
    """What the shop was told at the end of one session: `said` is (word, body, tac), `before` the books before it.

    `disk_lied`: a write was reported failed and is there. Then less may be told than is written, never more.
    """
    word, body, tac = said
    entry = next((entry for entry in entries if entry["body"] == body), None)
    payment, moved = books.payment(body), books.count_of_ours() > before.count_of_ours()
    match word:
        case "approved":
            if payment is None or payment["tac"] != tac or entry is None or entry["state"] != "charged":
                yield "approved, and card or journal say otherwise"
        case "declined" | "broken":
            if moved:
                yield f"{word}, and the card has paid"
        case "unsettled":
            if entry is None or (entry["state"] == "not-charged" and not disk_lied):
                yield "unsettled, and the journal does not hold it open"
        case "killed" | "recovered":
            pass
        case _:
            yield f"the session ended with {word}"
    if books.guesses - before.guesses > 1:
        yield "one PIN was typed and sent more than once"


def while_open(books, before):
    """A session that ought not to have sold, since a sale of this card is open."""
    if books.sent != before.sent:
        yield "DEBIT was sent while a sale of this card is open"


def settled(books, entries, room, here):
    """After a recovery without a fault, with the card `here` in the reader and its PIN given."""
    for entry in entries:
        card = books.cards[entry["card"]]
        lost = entry["counter"] < card["purchases"] and not any(
            record.startswith(f"{entry['counter']:04X}32") for record in card["log"][:room]
        )
        if entry["card"] != here:
            continue
        if entry["state"] == "open" and not lost:
            yield f"sale {entry['body'][:8]} is still open and the card is here"
        newest = card["log"][:1] and card["log"][0].startswith(f"{entry['counter']:04X}32")
        if entry["state"] == "charged" and newest and not entry["tac"]:
            yield f"sale {entry['body'][:8]} is charged and has no TAC, though the card still proves it"


def agrees(books, name, card_says, room):
    """The card's own word against the books: balance, counters, log, tries."""
    card = books.cards[name]
    for fact in ("balance", "purchases", "loads", "tries"):
        if card[fact] != card_says[fact]:
            yield f"{name}: {fact} {card_says[fact]}, by the books {card[fact]}"
    if list(card["log"][:room]) != card_says["log"]:
        yield f"{name}: the log differs from the books"
