"""The bench: scripts, foreign script formats, reports, traces, conformance, and the explorer."""
