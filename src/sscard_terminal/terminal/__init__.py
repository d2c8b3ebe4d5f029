"""The terminal: clients of card and PSAM, workflows, journal, recovery, slips. No reader, no screen, no card inside."""
