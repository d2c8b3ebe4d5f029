"""The command line `sscard`: the composition root, the only place that knows every part; no logic of cards in it."""
