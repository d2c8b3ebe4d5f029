"""Every command of card and PSAM by its header: its name, the parts of its data and of its answer.

Not here: the commands whose parts depend on what went before (telling.py). Source: card.md §2.2, §2.3, §5.2–5.5.
"""

from __future__ import annotations

from dataclasses import dataclass

from .parts import REST, Part, Told, amount, date, day_of_year, digits, hexadecimal, number, one_of, time

NEVER = Told.NEVER
TERMINAL = Part("part.terminal", 6, digits)
KEY_INDEX = Part("part.key-index", 1, number)
KEY_VERSION = Part("part.key-version", 1, number)
ALGORITHM = Part("part.algorithm", 1, one_of("algorithm"))
RANDOM = Part("part.random", 4, told=NEVER)
SEQUENCE = Part("part.sequence", 4)
COUNTER = Part("part.counter", 2, number)
MAC, MAC1, MAC2, TAC = (Part(f"part.{name}", 4) for name in ("mac", "mac1", "mac2", "tac"))
ACCOUNT, SELF_PAID, POOLED = (Part(f"part.{name}", 4, amount) for name in ("account", "self-paid", "pooled"))
CIA, SPIP, SPFP = (Part(f"part.{name}", 4, amount) for name in ("cia", "spip", "spfp"))
YEAR = Part("part.year", 2)
HOST_TIME, TERMINAL_TIME = Part("part.host-time", 7, time), Part("part.time", 7, time)
CRYPTOGRAM = Part("part.cryptogram", REST, told=NEVER)
AUTHENTICATION = (
    Part("part.authentication-data", 8, told=NEVER),
    Part("part.original", 8, told=NEVER),
    Part("part.key-version", REST, number),
)
FACTOR = (
    Part("part.session-factor", 8, told=NEVER),
    Part("part.original", 8, told=NEVER),
    Part("part.key-version", REST, number),
)


@dataclass(frozen=True, slots=True)
class Known:
    """A command: the word for its name, its data, its answer."""

    key: str
    sends: tuple[Part, ...] = ()
    answers: tuple[Part, ...] = ()


def _table(rows: dict[str, Known]) -> dict[bytes, Known]:
    return {bytes.fromhex(header): known for header, known in rows.items()}


PURCHASE_CHALLENGE = (CIA, SPIP, SPFP, YEAR, COUNTER, KEY_VERSION, ALGORITHM, RANDOM)
BY_HEADER = _table(
    {
        "80 5E 01 00": Known("command.change-pin", (Part("part.pins", REST, told=NEVER),)),
        "84 24 00 00": Known("command.unblock-pin", (MAC,)),
        "84 24 00 01": Known("command.reload-pin", (CRYPTOGRAM,)),
        "84 1E 00 01": Known("command.application-block", (MAC,)),
        "84 16 00 00": Known("command.card-block", (MAC,)),
        "00 84 00 00": Known("command.get-challenge", (), (Part("part.challenge", REST, told=NEVER),)),
        "00 88 00 00": Known(
            "command.internal-authenticate", FACTOR, (Part("part.authentication-data", REST, told=NEVER),)
        ),
        "B0 28 00 01": Known(
            "command.initialize-load",
            (KEY_INDEX, Part("part.load", 4, amount), TERMINAL),
            (CIA, COUNTER, KEY_VERSION, ALGORITHM, RANDOM, MAC1),
        ),
        "B0 2A 00 00": Known("command.credit", (HOST_TIME, MAC2), (TAC,)),
        "B0 28 01 01": Known(
            "command.initialize-purchase",
            (KEY_INDEX, ACCOUNT, SELF_PAID, POOLED, TERMINAL),
            PURCHASE_CHALLENGE,
        ),
        "B0 2C 01 00": Known("command.debit", (SEQUENCE, TERMINAL_TIME, MAC1), (TAC, MAC2)),
        "B0 26 00 01": Known("command.get-balance", (), (CIA,)),
        "B0 26 00 02": Known("command.get-self-paid", (), (SPIP, YEAR)),
        "B0 26 00 03": Known("command.get-pooled", (), (SPFP, YEAR)),
        "B0 2E 00 31": Known("command.proof-of-load", (COUNTER,), (MAC, TAC)),
        "B0 2E 00 32": Known("command.proof-of-purchase", (COUNTER,), (MAC2, TAC)),
        "B0 56 00 00": Known("command.update-starting-day", (Part("part.starting-day", 2, day_of_year),)),
        "B0 56 01 00": Known("command.get-starting-day", (), (Part("part.starting-day", 2, day_of_year),)),
        "BF EC 00 00": Known("command.initialize-environment", (Part("part.first-byte", 1),)),
        "80 70 01 00": Known(
            "command.initialize-sam",
            (
                *(RANDOM, COUNTER, ACCOUNT, SELF_PAID, POOLED, Part("part.kind", 1, one_of("kind"))),
                *(TERMINAL_TIME, KEY_VERSION, ALGORITHM, Part("part.factors", REST, told=NEVER)),
            ),
            (SEQUENCE, MAC1),
        ),
        "80 72 00 00": Known("command.credit-sam", (MAC2,)),
    }
)

CIPHERED = (Part("part.ciphered", REST, told=NEVER),)
BY_INSTRUCTION = _table(
    {
        "80 FA": Known("command.cipher-data", CIPHERED, CIPHERED),
        "84 D4": Known("command.write-key", (CRYPTOGRAM,)),
        # The purse of a bank application: its name only, since this card answers none of it (card.md §4.9).
        **{
            f"80 {ins}": Known("command.bank-purse", (Part("part.data", REST, hexadecimal),))
            for ins in ("50", "52", "54", "5A", "5C")
        },
    }
)

SAM_COMMANDS = frozenset(map(bytes.fromhex, ("BFEC", "BFDE", "80FA", "8070", "8072", "84D4")))
"""Only a PSAM is asked these."""
SECRET_INSTRUCTIONS = frozenset({0x20, 0x24, 0x2C, 0x5E, 0x82, 0x88, 0xD4, 0xDE, 0xFA})
"""What these carry in a class we know is withheld in any other class and in any wrong length too. 2C: RESET RETRY COUNTER
of ISO/IEC 7816-4; in class B0 it is a debit."""

GLOBAL_KEYS = {0x00: "IRK", 0x02: "STK", 0x04: "UKSSSE", 0x05: "BK", 0x06: "PUK", 0x0A: "RKSSSE"}
DF04_KEYS = {0x82: "STKDF04", 0x83: "LKDF04", 0x84: "RK1DF04", 0x85: "UK1DF04", 0x86: "UK2DF04", 0x87: "DSK"}
"""P2 of EXTERNAL AUTHENTICATE. Source: card.md §1.9."""
SAM_KEYS = {
    0x01: "DPK 1",
    0x02: "DPK 2",
    0x03: "DPK 3",
    0x08: "IRK",
    0x09: "STK",
    0x0A: "RKSSSE",
    0x10: "PUK",
    0x11: "BK",
    0x12: "UKSSSE",
    0x23: "STKDF04",
    0x2A: "UK2DF04",
    0x2D: "RK1DF04",
    0x41: "LKDF04",
    0x49: "UK1DF04",
    0x4A: "DSK",
    0x4B: "DLK",
    0x4C: "DTK",
}
"""P2 of DELIVERY SESSION KEY. Source: card.md §1.9, column "PSAM usage/id"."""

PUBLIC_INFORMATION = (
    Part("part.issuer", 1),
    Part("part.serial", 10, digits),
    Part("part.version", 1),
    Part("part.key-card-type", 1),
    Part("part.fci-data", 2),
)
APPLICATION_INFORMATION = (
    Part("part.key-index", 1, number),
    Part("part.key-version", 1, number),
    Part("part.valid-from", 4, date),
    Part("part.valid-to", 4, date),
)
"""PSAM files 0015 and 001A to 001C. Source: card.md §5.1."""
LOG_RECORD = (
    COUNTER,
    Part("part.kind", 1, one_of("kind")),
    TERMINAL,
    TERMINAL_TIME,
    ACCOUNT,
    SELF_PAID,
    POOLED,
)
LOG_RECORD_ACCOUNT_ONLY = LOG_RECORD[:5]
SETTLEMENT_RECORD = (COUNTER, Part("part.settlement", 1, one_of("settlement")))
"""DF04 EF08 and EF15. Source: card.md §1.7."""
