"""A pcscd of our own with virtual readers, for tests, demo and benchmarks; it is not how real readers are reached."""

from sscard_terminal.reader.private_pcscd.instance import PrivatePcscd
from sscard_terminal.reader.private_pcscd.slots import PcscdUnavailable, Slot

__all__ = ["PcscdUnavailable", "PrivatePcscd", "Slot"]
