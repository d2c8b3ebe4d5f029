"""What this card's specification says, as values: layouts, commands, ciphers, money. It does no I/O."""
