"""One frozen dataclass per command, both directions: `to_apdu` for the terminal, `from_apdu` for the card.

`from_apdu` is called once CLA and INS are known to fit; it checks P1 P2 first (ParameterError, 6A86), then Lc and Le
(LengthError, 6700), in the order of card.md §10 A4. Contents that the card judges later stay raw bytes here.
"""
