"""A conversation with a card in words: command, file, record, amounts, status word; one catalogue a language.

    told = Telling("en")
    told.powered(atr)
    told.command(bytes.fromhex("0020000003123456"))     # Line('0020000003******', 'VERIFY: PIN ***')
    told.answer(bytes.fromhex("63C2"))                  # Line('63C2', '63C2 verification failed, 2 tries left')

PINs, keys, what sessions and their MACs are made of, and what tells a person are withheld, in the words and in the bytes.
Not here: who listens (counter, lab, cli). A test holds the catalogues' keys and facts equal.
"""

from __future__ import annotations

from .telling import Line, Telling

__all__ = ["Line", "Telling"]
