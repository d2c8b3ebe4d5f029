"""The social security environment (SSSE): its descriptions, the PIN commands and the card's proof of itself."""

from sscard_applets.social_security.applet import SocialSecurity

__all__ = ["SocialSecurity"]
