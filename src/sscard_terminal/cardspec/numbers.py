"""Check characters: the card number's and the citizen identity number's.

Not here: where the numbers are stored (records). A terminal does not refuse a card for its check character
(card.md §1.5); the personalisation does.
"""

from __future__ import annotations

CARD_NUMBER_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
"""Source: card.md §1.5, V2 annex A."""

IDENTITY_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
IDENTITY_CHECKS = "10X98765432"
"""Source: GB 11643-1999, ISO 7064 MOD 11-2."""


def card_number_check(body: str) -> str:
    """The ninth character of a card number, for its first eight.

    Raises:
        ValueError: not eight characters 0-9, A-Z.

    >>> card_number_check("D2143569")
    'X'
    """
    if len(body) != 8 or not (body.isascii() and body.isalnum() and body.upper() == body):
        raise ValueError("a card number starts with eight characters 0-9, A-Z")
    total = sum(int(char, 36) * weight for char, weight in zip(body, CARD_NUMBER_WEIGHTS, strict=True))
    check = 11 - total % 11
    return {10: "X", 11: "0"}.get(check, str(check))


def identity_check(body: str) -> str:
    """The eighteenth character of a citizen identity number, for its first seventeen digits.

    Raises:
        ValueError: not seventeen digits.

    >>> identity_check("11010519491231002")
    'X'
    """
    if len(body) != 17 or not (body.isascii() and body.isdecimal()):
        raise ValueError("an identity number starts with seventeen digits")
    total = sum(int(digit) * weight for digit, weight in zip(body, IDENTITY_WEIGHTS, strict=True))
    return IDENTITY_CHECKS[total % 11]
