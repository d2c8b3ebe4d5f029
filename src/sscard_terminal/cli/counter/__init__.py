"""`sscard counter`: the counter at a keyboard, for a clerk without a mouse."""
