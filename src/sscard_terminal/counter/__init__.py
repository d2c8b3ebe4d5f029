"""The counter in a browser: the clerk's page and the customer's pad, served by one process that owns the reader."""
