"""When the terminal's clock is not believed: no sale is made then and no day opened or closed.

A sale's time goes into DEBIT, into the card's log and into MAC1, and ceilings, hotlist, approval and expiry are judged by
it, so a clock is held against all that is known to have been before, or cannot be long ago:

| the clock is | reason | what is known | what helps |
|---|---|---|---|
| before 2026 | CLOCK_BEFORE_PROGRAM | this program did not exist: a flat battery starts at 1970 or 2000 | setting it |
| more than 2 minutes behind the journal's newest entry | CLOCK_WENT_BACKWARDS | time does not run backwards; a time server may step a little | setting it |
| more than `longest_closure` ahead of that entry | CLOCK_FAR_AHEAD | a shop is seldom closed that long: a wrong year or month | setting it, or a person's word that it is right |
| before the first day of the PSAM's key | CLOCK_BEFORE_KEY | the PSAM was issued since, and would not be here | setting it, or another PSAM |
| before the card's day of issue | CLOCK_BEFORE_CARD | nor would the card | setting it |

A clock too far ahead is met from the other side too: the approval of the place, the hotlist's age, the card's expiry and
the PSAM's end (a warning) all speak of it, each in its own words. A person's word (`sscard day open --clock-is-right`)
is written into the journal and is its newest entry from then on, also where it sets the clock back.

Source: terminal.md, "Parts" (the clock refuses when it runs backwards); issue 4, "Bad input" (years off against the last
journal entry); the rest is our choice. Not here: the clock itself (ports.Clock).
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from .journal import Journal
from .outcomes import Declined, Reason

CLOCK_TOLERANCE = timedelta(minutes=2)
"""How far the clock may be set back between two entries. Our choice."""
PROGRAM_SINCE = date(2026, 1, 1)
"""No version of this program is older."""
LONGEST_CLOSURE = timedelta(days=30)
"""Unless configured: longer than any public holiday. Our choice."""


def objection_to_clock(
    journal: Journal, now: datetime, longest_closure: timedelta = LONGEST_CLOSURE
) -> Declined | None:
    """Why the clock cannot be right, by what the journal knows; None where nothing speaks against it.

    Raises:
        JournalTrouble: the journal cannot be read.
    """
    if now.date() < PROGRAM_SINCE:
        return Declined(Reason.CLOCK_BEFORE_PROGRAM, clock=now)
    newest = journal.newest_moment()
    if newest is None:
        return None
    if now < newest - CLOCK_TOLERANCE:
        return Declined(Reason.CLOCK_WENT_BACKWARDS, clock=now, known=newest)
    if now > newest + longest_closure:
        return Declined(Reason.CLOCK_FAR_AHEAD, clock=now, known=newest)
    return None


MAY_BE_CONFIRMED = frozenset({Reason.CLOCK_WENT_BACKWARDS, Reason.CLOCK_FAR_AHEAD})
"""The objections that a person's word overrules: it was the journal's newest entry whose clock was wrong, or nobody was
here. The others cannot be at all."""


def objection_by_dates(now: datetime, key_since: date | None, card_since: date | None) -> Declined | None:
    """The same by the first day of the PSAM's key and the card's day of issue, None where they are not told."""
    for reason, since in ((Reason.CLOCK_BEFORE_KEY, key_since), (Reason.CLOCK_BEFORE_CARD, card_since)):
        if since is not None and now.date() < since:
            return Declined(reason, clock=now, known=since)
    return None
