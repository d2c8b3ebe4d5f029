"""The clauses of card.md that no test of a virtual card or PSAM shows, each with the reason.

Nothing else is skipped: a clause is named by a test or stands here, never both (test_clauses.py). The column "HSM address"
of §1.9 and §0 with its tables of sources speak of no card either; they make no clauses.
"""

from __future__ import annotations

_BANK_PURSE = 'another application, "for comparison only" (§4.9); that the SSSE answers its class 80 with 6E00 is shown under 10 A5'
_NO_SUCH_COMMAND = (
    "no command of card or PSAM has both of these checks, so no answer can show which comes first"
)
_FREE_USE = (
    "the use of a delivered key is free (P9 §5.8) and no delivery can fail, so there is no right to lack and nothing to"
    " lock; P9 table 24 lists the word without saying when"
)

EXCLUDED: dict[str, str] = {
    "1.10 Contactless": "the virtual reader has contacts; there is no ATS to answer",
    "2.1 6987": (
        "no table of a command lists it: it is for files that demand a MAC (P7 §7.4), and no file of these cards does"
        " (§9.35; §10 B32 has the MAC come in addition)"
    ),
    "2.2 SW VERIFY 6984": (
        "VERIFY refers to no challenge and to nothing else that could be invalid; P5 table 48 lists the word without"
        " saying when. A damaged PIN object is a damaged image, which no card is started from"
    ),
    "4.9 INITIALIZE FOR LOAD": _BANK_PURSE,
    "4.9 CREDIT FOR LOAD": _BANK_PURSE,
    "4.9 INITIALIZE FOR PURCHASE": _BANK_PURSE,
    "4.9 DEBIT FOR PURCHASE": _BANK_PURSE,
    "4.9 GET BALANCE": _BANK_PURSE,
    "4.9 GET TRANSACTION PROVE": _BANK_PURSE,
    "4.9 RELOAD PIN / CHANGE PIN": _BANK_PURSE,
    "4.9 PSAM": _BANK_PURSE,
    "5.2 DELIVERY SESSION KEY 6982": _FREE_USE,
    "5.2 DELIVERY SESSION KEY 6983": _FREE_USE,
    "10 A4 state 6901 → file 6A82/6986/6981, key 6A88": _NO_SUCH_COMMAND,
    "10 A4 challenge 6984 → key index 9403": _NO_SUCH_COMMAND,
    "10 A4 data 6A80/6A84/6A85 → offset 6B00 and length 6Cxx": _NO_SUCH_COMMAND,
}
