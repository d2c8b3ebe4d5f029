"""Names of objects in a card's memory that more than one room speaks of.

Not here: names that one room alone knows (machine.STATE, retry_counter.OBJECT, the keys').
"""

PROFILE = "profile"
"""The description's name: an image says itself what it is."""
ISSUER_DATA = "SSSE/EF05"
CARDHOLDER = "SSSE/EF06"
DIRECTORY = "SSSE/DIR"
TERMINAL_NUMBER = "MF/0016"
"""Of a PSAM."""
