"""The medical account (DF04): its files' descriptions and the commands of class B0."""

from sscard_applets.medical_account.applet import MedicalAccount

__all__ = ["MedicalAccount"]
