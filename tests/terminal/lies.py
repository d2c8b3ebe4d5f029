"""The lies by name, one a line: at which command, what is said instead, and how the workflows that meet it must end.

A workflow that is not named ends as with an honest card (hostile.HONEST): what is said there harms nobody, or is
found out by asking again. Not here: how a lie is told (hostile).
"""

from __future__ import annotations

from sscard_terminal.iso7816.apdu import CommandApdu, ResponseApdu
from sscard_terminal.reader.connection import Connection, LinkReason
from tests.terminal.doubles import PIN, another_card
from tests.terminal.hostile import (
    BALANCES,
    CHANGE,
    DETAILS,
    HONEST,
    IDENTIFY,
    NEW_PIN,
    PAID,
    SELL,
    UNPAID,
    Lie,
    Tell,
    at,
    breaks,
    cut,
    does_and_says,
    filled,
    itself,
    longer,
    record,
    rewrites,
    says,
    without,
    without_end,
    without_end_and_empty,
)

SSSE, DF04 = "00A404000F7378312E7368*", "00A4040006D15600000503*"
EF05, EF06, LOG = "00B2012D*", "00B20135*", "00B2??44*"
AUTHENTICATE, CHALLENGE, OPEN_EF06 = "0088*", "0084*", "0082000A*"
TRIES, VERIFY_PIN, CHANGE_PIN = "0020000000", "0020000003*", "805E*"
BALANCE, TOTAL, INITIALIZE, DEBIT, PROOF = "B0260001*", "B0260002*", "B028*", "B02C*", "B02E*"
COMMANDS = {
    "SELECT SSSE": SSSE, "READ EF05": EF05, "INTERNAL AUTHENTICATE": AUTHENTICATE, "READ EF06": EF06,
    "VERIFY without a PIN": TRIES, "VERIFY": VERIFY_PIN, "CHANGE PIN": CHANGE_PIN, "SELECT DF04": DF04,
    "GET BALANCE": "B02600*", "READ the log": LOG, "INITIALIZE": INITIALIZE, "DEBIT": DEBIT, "PROOF": PROOF,
}  # fmt: skip
"""Every command of a gen2 card's workflows, as it goes over the wire; each is sent by some workflow."""


def everywhere(ending: str) -> dict[str, str]:
    """What bites in identification bites in every workflow."""
    return dict.fromkeys(HONEST, ending)


def after_look(ending: str) -> dict[str, str]:
    """What bites as soon as a PIN would be used."""
    return {name: ending for name in HONEST if name != IDENTIFY}


def with_pin(ending: str) -> dict[str, str]:
    """What bites at VERIFY bites wherever the PIN is verified."""
    return {name: ending for name in HONEST if name not in (IDENTIFY, CHANGE)}


def in_account(ending: str, settling: str) -> dict[str, str]:
    """What bites in DF04: reading and selling end one way, a recovery another."""
    return dict.fromkeys((BALANCES, DETAILS, SELL), ending) | recovering(settling)


def recovering(ending: str) -> dict[str, str]:
    return {PAID: ending, UNPAID: ending}


def fci(text: str) -> Tell:
    """Another FCI of the SSSE; its proprietary template, A5, is what differs."""
    template = bytes.fromhex("840F7378312E73682EC9E7BBE1B1A3D5CF" + text)
    return rewrites(lambda _: bytes((0x6F, len(template))) + template)


def counter_off_by(count: int) -> Tell:
    """INITIALIZE FOR PURCHASE with another purchase counter."""
    return rewrites(lambda data: data[:14] + _plus(data[14:16], count) + data[16:])


def _plus(raw: bytes, count: int) -> bytes:
    return ((int.from_bytes(raw, "big") + count) & 0xFFFF).to_bytes(2, "big")


def obeys_without_end(inner: Connection, command: CommandApdu) -> ResponseApdu:
    if command.ins != 0xC0:
        inner.transmit(command)
    return ResponseApdu.parse(bytes.fromhex("006101"))


MALFORMED, REFUSED, FOREIGN = (
    "declined: card-data-malformed",
    "declined: card-refused",
    "declined: not-a-social-security-card",
)
NOT_AUTHENTIC, NO_ALGORITHM = "declined: not-authentic", "declined: algorithm-not-supported"
BAD_ATR, ENDLESS = "declined: answer-to-reset-refused", "link: endless-answer"
PIN_NEEDED, PIN_OPEN, UNKNOWN_PIN = (
    "declined: pin-needed",
    "open: pin-needed",
    "declined: pin-change-unknown",
)
CONTRADICTS, SILENT, SHORT = "open: card-contradicts", "open: card-refused", "open: log-too-short"
DEBIT_REFUSED, LOST, UNPROVED = (
    "declined: debit-refused",
    "unsettled: answer-lost",
    "unsettled: mac2-refused",
)
OTHERS_RECORD = "0000 32 370900000001 20260105101530 00000001 00000000 00000000 9000"

LIES = (
    # The answer to reset.
    Lie("no ATR at all", atr=b"", ends=everywhere(BAD_ATR)),
    Lie("the ATR of another card", atr=bytes.fromhex("3B6D000000815431328660370900000099"), ends=everywhere(NOT_AUTHENTIC)),
    Lie("an ATR without the city", atr=bytes.fromhex("3B6C0000008154313286603709000000"), ends=everywhere(MALFORMED)),
    Lie("an ATR that lost its check byte", atr=bytes.fromhex("3BED0000810100815431328660370900000002"), ends=everywhere(BAD_ATR)),
    # SELECT SSSE.
    Lie("FCI without tag 86", SSSE, fci("A50388011E")),
    Lie("FCI with an empty tag 86", SSSE, fci("A50888011E9F0C028600")),
    Lie("FCI with the algorithm in two bytes", SSSE, fci("A50A88011E9F0C0486020001")),
    Lie("FCI that names SM4", SSSE, fci("A50988011E9F0C03860103"), everywhere(NOT_AUTHENTIC)),
    Lie("FCI that names SSF33", SSSE, fci("A50988011E9F0C03860102"), everywhere(NO_ALGORITHM)),
    Lie("FCI that names an unknown algorithm", SSSE, fci("A50988011E9F0C0386017F"), everywhere(NO_ALGORITHM)),
    Lie("FCI of nothing but its tag", SSSE, rewrites(lambda _: b"\x6f\x00")),
    Lie("no FCI", SSSE, does_and_says("9000")),
    Lie("FCI cut short", SSSE, cut(10), everywhere(MALFORMED)),
    Lie("FCI all FF", SSSE, filled(0xFF), everywhere(MALFORMED)),
    Lie("FCI all 00", SSSE, filled(0x00)),
    Lie("SELECT answers a warning", SSSE, does_and_says("6283"), everywhere(FOREIGN)),
    Lie("SELECT answers 6Cxx with itself", SSSE, itself, everywhere(FOREIGN)),
    Lie("SELECT answers 61xx without end", SSSE, without_end, everywhere(ENDLESS)),
    Lie("SELECT answers 61xx without end, and no data", SSSE, without_end_and_empty, everywhere(ENDLESS)),
    # EF05, issuer data.
    Lie("version 2.0 and a zero byte", EF05, record(0x03, "322E3000")),
    Lie("version of FF", EF05, record(0x03, "FFFFFFFF")),
    Lie("version 1.00 on a card of the second generation", EF05, record(0x03, b"1.00")),
    Lie("version 3.00 on a card of the second generation", EF05, record(0x03, b"3.00")),
    Lie("version that is none", EF05, record(0x03, "80818283"), everywhere(MALFORMED)),
    Lie("EF05 all FF", EF05, filled(0xFF), everywhere(MALFORMED)),
    Lie("EF05 all 00", EF05, filled(0x00), everywhere(MALFORMED)),
    Lie("EF05 empty", EF05, says("9000"), everywhere(MALFORMED)),
    Lie("EF05 too short by a byte", EF05, cut(-1), everywhere(MALFORMED)),
    Lie("EF05 too long by a byte", EF05, longer("00"), everywhere(MALFORMED)),
    Lie("EF05 without a card number", EF05, without(0x07), everywhere(MALFORMED)),
    Lie("EF05 without an identification code", EF05, without(0x01), everywhere(MALFORMED)),
    Lie("an identification code of FF", EF05, record(0x01, "FF" * 16), everywhere("declined: identification-malformed")),
    Lie("a card number that clears the screen", EF05, record(0x07, b"\x1b[2J\r\nOK!"), everywhere(MALFORMED)),
    Lie("a card number that does not decode", EF05, record(0x07, "818283848586878889"), everywhere(MALFORMED)),
    Lie("another city's identification code", EF05, record(0x01, "371000D15600000500000002B6233D35"), everywhere("declined: card-of-other-city")),
    Lie("another card's number", EF05, record(0x07, b"B00000131"), recovering("done")),
    Lie("another card's identification code", EF05, record(0x01, "370900D15600000500000099B6233D35"), recovering("done")),
    Lie("an expiry that is no day", EF05, record(0x06, "20261399"), everywhere(MALFORMED)),
    Lie("an expiry of FF", EF05, record(0x06, "FFFFFFFF")),
    Lie("an expiry long past", EF05, record(0x06, "20200101"), everywhere("declined: expired")),
    Lie("EF05 is not there", EF05, says("6A82"), everywhere(FOREIGN)),
    Lie("EF05 only record by record", EF05, says("6A86")),
    Lie("EF05 answers 6Cxx with itself", EF05, itself, everywhere(REFUSED)),
    Lie("EF05 answers 61xx without end", EF05, without_end, everywhere(ENDLESS)),
    # INTERNAL AUTHENTICATE.
    Lie("a copy without the key", AUTHENTICATE, filled(0x00), everywhere(NOT_AUTHENTIC)),
    Lie("authentication too short", AUTHENTICATE, cut(7), everywhere(MALFORMED)),
    Lie("authentication too long", AUTHENTICATE, longer("00"), everywhere(MALFORMED)),
    Lie("authentication without data", AUTHENTICATE, says("9000"), everywhere(MALFORMED)),
    Lie("no key to authenticate with", AUTHENTICATE, says("6A88"), everywhere(REFUSED)),
    Lie("authentication answers 6Cxx with itself", AUTHENTICATE, itself, everywhere(REFUSED)),
    Lie("authentication answers 61xx without end", AUTHENTICATE, without_end, everywhere(ENDLESS)),
    # EF06, cardholder.
    Lie("a name that does not decode", EF06, record(0x09, "8182" * 15)),
    Lie("a name that writes the window's title", EF06, record(0x09, b"\x1b]0;x\x07\r\n")),
    Lie("a name of FF", EF06, record(0x09, "FF" * 30)),
    Lie("EF06 empty", EF06, says("9000")),
    Lie("EF06 all FF", EF06, filled(0xFF), everywhere(MALFORMED)),
    Lie("EF06 too short by a byte", EF06, cut(-1), everywhere(MALFORMED)),
    Lie("a birthday that is no day", EF06, record(0x0D, "19901399"), everywhere(MALFORMED)),
    Lie("EF06 is shut on a card of the second generation", EF06, says("6982"), everywhere(REFUSED)),
    # VERIFY without a PIN.
    Lie("no PIN is set", TRIES, says("9000"), with_pin(PIN_NEEDED) | {CHANGE: UNKNOWN_PIN, "verify PIN": "done"} | recovering(PIN_OPEN), tries=2),
    Lie("the PIN is locked, 63C0", TRIES, says("63C0"), after_look("declined: pin-blocked")),
    Lie("the PIN is locked, 6983", TRIES, says("6983"), after_look("declined: pin-blocked")),
    Lie("fifteen tries", TRIES, says("63CF")),
    Lie("tries without a number", TRIES, says("6300"), everywhere(REFUSED)),
    Lie("tries answer 6C00", TRIES, says("6C00"), everywhere(REFUSED)),
    Lie("tries are fetched from nowhere", TRIES, says("6110"), everywhere(ENDLESS)),
    # VERIFY.
    Lie("any PIN is right", VERIFY_PIN, says("9000"), in_account(PIN_NEEDED, PIN_OPEN)),
    Lie("the right PIN is wrong", VERIFY_PIN, does_and_says("63C2"), with_pin("declined: wrong-pin")),
    Lie("the right PIN locks", VERIFY_PIN, does_and_says("63C0"), with_pin("declined: pin-blocked")),
    Lie("VERIFY answers 6C03", VERIFY_PIN, does_and_says("6C03"), with_pin(REFUSED)),
    Lie("VERIFY answers 6102", VERIFY_PIN, does_and_says("6102"), with_pin(REFUSED)),
    Lie("VERIFY answers 6F00", VERIFY_PIN, does_and_says("6F00"), with_pin(REFUSED)),
    Lie("VERIFY answers with data", VERIFY_PIN, does_and_says("AA9000")),
    # CHANGE PIN.
    Lie("the PIN was not changed, and 9000", CHANGE_PIN, says("9000"), pin=PIN),
    Lie("the PIN was changed, and 63C2", CHANGE_PIN, does_and_says("63C2"), {CHANGE: UNKNOWN_PIN}, pin=NEW_PIN),
    Lie("the PIN was changed, and 6983", CHANGE_PIN, does_and_says("6983"), {CHANGE: UNKNOWN_PIN}, pin=NEW_PIN),
    Lie("the PIN was changed, and 6F00", CHANGE_PIN, does_and_says("6F00"), {CHANGE: UNKNOWN_PIN}, pin=NEW_PIN),
    Lie("the PIN was changed, and 6581", CHANGE_PIN, does_and_says("6581"), {CHANGE: UNKNOWN_PIN}, pin=NEW_PIN),
    Lie("the PIN was changed, and 6C00", CHANGE_PIN, does_and_says("6C00"), {CHANGE: UNKNOWN_PIN}, pin=NEW_PIN),
    Lie("the PIN was changed, and 6101", CHANGE_PIN, does_and_says("6101"), {CHANGE: UNKNOWN_PIN}, pin=NEW_PIN),
    Lie("CHANGE PIN refused before execution", CHANGE_PIN, says("6A80"), {CHANGE: REFUSED}),
    # SELECT DF04.
    Lie("the account is blocked", DF04, says("9303"), in_account("declined: application-blocked", SILENT)),
    Lie("the account is not there", DF04, says("6A82"), in_account(REFUSED, SILENT)),
    Lie("the account is selected, and is not", DF04, says("9000"), in_account(REFUSED, SILENT)),
    Lie("SELECT DF04 answers 6C00", DF04, says("6C00"), in_account(REFUSED, SILENT)),
    # GET BALANCE: what it says nobody can check, so its form is all that counts.
    Lie("a balance that lies", BALANCE, filled(0xFF)),
    Lie("a balance too short", BALANCE, cut(3), {BALANCES: MALFORMED}),
    Lie("a balance too long", BALANCE, longer("00"), {BALANCES: MALFORMED}),
    Lie("a balance without data", BALANCE, says("9000"), {BALANCES: MALFORMED}),
    Lie("a total without its year", TOTAL, cut(4), {BALANCES: MALFORMED}),
    Lie("GET BALANCE answers 6Cxx with itself", BALANCE, itself, {BALANCES: REFUSED}),
    Lie("GET BALANCE answers 61xx without end", BALANCE, without_end, {BALANCES: ENDLESS}),
    # The log.
    Lie("a log of FF", LOG, filled(0xFF), {PAID: CONTRADICTS}),
    Lie("a log of 00", LOG, filled(0x00), {PAID: CONTRADICTS}),
    Lie("a log without records", LOG, says("6A83"), {PAID: CONTRADICTS}),
    Lie("a log without end", LOG, says(OTHERS_RECORD), {PAID: CONTRADICTS}),
    Lie("log records too short", LOG, cut(27), {DETAILS: MALFORMED, PAID: SILENT}),
    Lie("log records too long", LOG, longer("00"), {DETAILS: MALFORMED, PAID: SILENT}),
    Lie("a log that is shut", LOG, says("6982"), {DETAILS: PIN_NEEDED, PAID: PIN_OPEN}),
    Lie("a log with another amount than ours", LOG, at(16, "00000001"), {PAID: CONTRADICTS}),
    Lie("a log with times that are none", LOG, at(9, "FF" * 7), {PAID: CONTRADICTS}),
    Lie("a log with terminals that are none", LOG, at(3, "FF" * 6), {PAID: CONTRADICTS}),
    Lie("a log that goes beyond the counter", LOG, at(0, "00FF"), recovering(CONTRADICTS)),
    # INITIALIZE FOR PURCHASE.
    Lie("INITIALIZE too short", INITIALIZE, cut(21), {SELL: MALFORMED, UNPAID: SILENT}),
    Lie("INITIALIZE too long", INITIALIZE, longer("00"), {SELL: MALFORMED, UNPAID: SILENT}),
    Lie("INITIALIZE without data", INITIALIZE, says("9000"), {SELL: MALFORMED, UNPAID: SILENT}),
    Lie("INITIALIZE all FF", INITIALIZE, filled(0xFF), {SELL: "declined: psam-key-missing", UNPAID: SHORT}),
    Lie("a balance of nothing", INITIALIZE, at(0, "00000000"), {SELL: "declined: insufficient-balance", UNPAID: CONTRADICTS}),
    Lie("a balance of forty million", INITIALIZE, at(0, "FFFFFFFF")),
    Lie("a counter one too high", INITIALIZE, counter_off_by(1), {SELL: DEBIT_REFUSED, UNPAID: SHORT}),
    Lie("a counter one too low, which has a proof", INITIALIZE, counter_off_by(-1), {SELL: UNPROVED, UNPAID: CONTRADICTS}),
    Lie("a counter at its end", INITIALIZE, at(14, "FFFF"), {SELL: DEBIT_REFUSED, UNPAID: SHORT}),
    Lie("a random number the card did not draw", INITIALIZE, at(18, "00000000"), {SELL: DEBIT_REFUSED}),
    Lie("a key version nobody has", INITIALIZE, at(16, "09"), {SELL: "declined: psam-key-missing"}),
    Lie("an algorithm nobody has", INITIALIZE, at(17, "7F"), {SELL: "declined: psam-trouble"}),
    Lie("too little on the card", INITIALIZE, says("9401"), {SELL: "declined: insufficient-balance", UNPAID: SILENT}),
    Lie("the counter is used up", INITIALIZE, says("9402"), {SELL: "declined: counter-at-maximum", UNPAID: SHORT}),
    Lie("the key index is unknown", INITIALIZE, says("9403"), {SELL: "declined: key-index-not-supported", UNPAID: SILENT}),
    Lie("INITIALIZE answers 6Cxx with itself", INITIALIZE, itself, {SELL: REFUSED, UNPAID: SILENT}),
    Lie("INITIALIZE answers 61xx without end", INITIALIZE, without_end, {SELL: "declined: link-broken", UNPAID: ENDLESS}),
    # DEBIT FOR PURCHASE; where the card is asked back it tells the truth.
    Lie("a wrong MAC2", DEBIT, at(4, "00000000"), {SELL: UNPROVED}, paid=True),
    Lie("MAC2 and TAC exchanged", DEBIT, rewrites(lambda data: data[4:] + data[:4]), {SELL: UNPROVED}, paid=True),
    Lie("a wrong TAC, which only the centre can check", DEBIT, at(0, "00000000")),
    Lie("DEBIT too short", DEBIT, cut(7)),
    Lie("DEBIT too long", DEBIT, longer("00")),
    Lie("DEBIT paid, and no data", DEBIT, does_and_says("9000")),
    Lie("DEBIT paid, and 9302", DEBIT, does_and_says("9302")),
    Lie("DEBIT paid, and 6C08", DEBIT, does_and_says("6C08")),
    Lie("DEBIT paid, and 61xx without end", DEBIT, obeys_without_end, {SELL: LOST}, paid=True),
    Lie("DEBIT did not pay, and 61xx without end", DEBIT, without_end, {SELL: LOST}),
    Lie("DEBIT did not pay, and a whole answer", DEBIT, says("0102030405060708 9000"), {SELL: UNPROVED}),
    Lie("DEBIT did not pay, and 9302", DEBIT, says("9302"), {SELL: DEBIT_REFUSED}),
    Lie("DEBIT did not pay, and 6581", DEBIT, says("6581"), {SELL: LOST}),
    Lie("DEBIT did not pay, and 6C08", DEBIT, says("6C08"), {SELL: LOST}),
    Lie("DEBIT did not pay, and a word nobody knows", DEBIT, says("6999"), {SELL: LOST}),
    # GET TRANSACTION PROOF.
    Lie("no proof of a purchase that happened", PROOF, says("9406")),
    Lie("a proof of a purchase that did not happen", PROOF, says("0102030405060708 9000"), {UNPAID: CONTRADICTS}),
    Lie("a proof too short", PROOF, cut(7), {PAID: SILENT}),
    Lie("proofs are refused", PROOF, says("6A81"), recovering(SILENT)),
    Lie("PROOF answers 6Cxx with itself", PROOF, itself, recovering(SILENT)),
    Lie("PROOF answers 61xx without end", PROOF, without_end, recovering(ENDLESS)),
    # Everything.
    Lie("9000 to everything", "*", says("9000"), everywhere(MALFORMED)),
    Lie("zeros to everything", "*", says("00" * 256 + "9000"), everywhere(MALFORMED)),
    Lie("6F00 to everything", "*", says("6F00"), everywhere(FOREIGN)),
    Lie("63C1 to everything", "*", says("63C1"), everywhere(FOREIGN)),
    Lie("6Cxx with itself to everything", "*", itself, everywhere(FOREIGN)),
    Lie("61xx without end to everything", "*", without_end, everywhere(ENDLESS)),
    # What a card of the third generation has besides.
    Lie("a challenge too short", CHALLENGE, cut(7), everywhere(MALFORMED), profile="gen3"),
    Lie("a challenge the card did not draw", CHALLENGE, filled(0x00), everywhere(REFUSED), profile="gen3"),
    Lie("the terminal's key is wrong", OPEN_EF06, says("63C2"), everywhere(REFUSED), profile="gen3"),
    Lie("the terminal's key is locked", OPEN_EF06, says("6983"), everywhere(REFUSED), profile="gen3"),
    Lie("EF06 is open, and is not", OPEN_EF06, says("9000"), everywhere(REFUSED), profile="gen3"),
    Lie("FCI without tag 86 on an SM4 card", SSSE, fci("A50388011E"), everywhere(NOT_AUTHENTIC), profile="gen3"),
    Lie("version 2.00 on a card of the third generation", EF05, record(0x03, b"2.00"), everywhere(REFUSED), profile="gen3"),
)  # fmt: skip

_LINK = {reason: f"link: {reason}" for reason in (LinkReason.DEADLINE_PASSED, LinkReason.CARD_REMOVED)}


def broken_at(command: str, reason: LinkReason) -> Lie:
    """The card falls silent or leaves at a command: a broken link, except where a sale may be at stake."""
    pattern, link = COMMANDS[command], _LINK[reason]
    ends = dict.fromkeys(HONEST, link)
    match pattern:
        case "B02C*":
            ends[SELL] = LOST
        case "B028*" | "00A4040006D15600000503*":
            ends[SELL] = "declined: link-broken"
    return Lie(f"{reason} at {command}", pattern, breaks(reason), ends)


def swapped_at(command: str) -> Lie:
    """Another card of the same PIN is in the reader from this command on, and nobody has noticed.

    A reader does notice (test_hostile_reader); this is what holds if one does not: no money moves, on either card.
    """
    ends = {
        "SELECT SSSE": everywhere(NOT_AUTHENTIC),
        "READ EF05": everywhere(FOREIGN),
        "INTERNAL AUTHENTICATE": everywhere(NOT_AUTHENTIC),
        "READ EF06": everywhere(FOREIGN),
        "VERIFY without a PIN": {CHANGE: REFUSED, SELL: DEBIT_REFUSED} | recovering(CONTRADICTS),
        "VERIFY": {SELL: DEBIT_REFUSED} | recovering(CONTRADICTS),
        "CHANGE PIN": {CHANGE: REFUSED},
        "SELECT DF04": in_account(PIN_NEEDED, PIN_OPEN),
        "GET BALANCE": {BALANCES: REFUSED},
        "READ the log": {DETAILS: REFUSED, PAID: SILENT, UNPAID: "open: card-swapped"},
        "INITIALIZE": {SELL: REFUSED, UNPAID: SILENT},
        "DEBIT": {SELL: LOST},
        "PROOF": recovering(SILENT),
    }[command]
    return Lie(f"swapped at {command}", COMMANDS[command], ends=ends, other=another_card)


REASONS = tuple(_LINK)
ALL = (
    *LIES,
    *(broken_at(command, reason) for command in COMMANDS for reason in REASONS),
    *map(swapped_at, COMMANDS),
)
