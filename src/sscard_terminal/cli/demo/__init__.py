"""`sscard demo`: one box of medicine sold, with everything that belongs to it; real cards and readers are not touched."""
