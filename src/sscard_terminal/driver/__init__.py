"""The known function set of pharmacy software's card driver (SSCardDriver), over this terminal's own services."""
