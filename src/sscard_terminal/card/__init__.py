"""The virtual card: a chip operating system and its link to a virtual reader; it knows no social security."""
