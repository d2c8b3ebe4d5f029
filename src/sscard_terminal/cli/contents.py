"""What a card or PSAM image holds, as facts to show: read from the memory, past the chip's own locks.

Not here: keys and PINs, which are shown nowhere.
"""

from __future__ import annotations

from typing import Any

from sscard_applets.medical_account.account import AMOUNTS
from sscard_terminal.card.chip import ATR
from sscard_terminal.card.nvm import Nvm
from sscard_terminal.card.objects import CARDHOLDER, ISSUER_DATA, TERMINAL_NUMBER
from sscard_terminal.card.retry_counter import PinStore
from sscard_terminal.cardspec.profile import CardProfile
from sscard_terminal.cardspec.records import AmountFile, Cardholder, IssuerData, masked_name, masked_number
from sscard_terminal.iso7816.tlv import parse_records

from .images import kind_of

SEQUENCE = "DES/0019"
"""The terminal transaction sequence of the 3DES environment. Source: card.md §5.1."""


def card_number_in(nvm: Nvm) -> str:
    """The number of the card in an image."""
    return IssuerData.of(parse_records(nvm.read(ISSUER_DATA))).card_number


def terminal_in(nvm: Nvm) -> str:
    """The terminal number of the PSAM in an image."""
    return nvm.read(TERMINAL_NUMBER).hex()


def facts_of(profile: CardProfile, nvm: Nvm) -> dict[str, Any]:
    """Everything there is to show of an image; money in fen."""
    facts = {"kind": kind_of(profile), "profile": profile.name, "atr": nvm.read(ATR).hex().upper()}
    return {**facts, **(_of_psam(nvm) if kind_of(profile) == "psam" else _of_card(nvm))}


def _of_psam(nvm: Nvm) -> dict[str, Any]:
    return {"terminal": terminal_in(nvm), "sequence": int.from_bytes(nvm.read(SEQUENCE), "big")}


def _of_card(nvm: Nvm) -> dict[str, Any]:
    issuer = IssuerData.of(parse_records(nvm.read(ISSUER_DATA)))
    holder = Cardholder.of(parse_records(nvm.read(CARDHOLDER)))
    amounts, pin = AmountFile.parse(nvm.read(AMOUNTS)), PinStore(nvm)
    return {
        "card_number": issuer.card_number,
        "version": issuer.version,
        "region": issuer.identification.region,
        "issued": str(issuer.issued),
        "expires": str(issuer.expires),
        "name": masked_name(holder.name),
        "social_security_number": masked_number(holder.social_security_number),
        "tries_left": pin.tries_left if pin.is_set else None,
        "balance_fen": int(amounts.cia),
        "purchases": amounts.purchase_counter,
        "loads": amounts.load_counter,
    }
