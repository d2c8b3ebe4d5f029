"""The terminal's security module (PSAM): its description, sessions, cipher and purchase commands."""

from sscard_applets.psam.applet import PurchaseSam

__all__ = ["PurchaseSam"]
