"""Does a card, or a PSAM, do what card.md says? Its clauses as scripts, run against it, and a certificate of what came of it."""
