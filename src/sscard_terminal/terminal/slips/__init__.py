"""Slips: what stands on one (forms), how it is laid out (layout), and where it goes (ticket, printers, pdf)."""
