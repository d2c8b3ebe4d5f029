"""What a place allows itself to sell: until when, how much, and the same sale twice only on purpose.

Not here: what the card allows (debit.py) and where the settings come from (configuration.py).
Source: counter.md screen rule 11 (hotlist age, ceilings per sale, card and day) and "The classic accident" (same card,
same amounts within N minutes); system.md, "At a designated place" (a place whose approval ended can no longer sell).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sscard_terminal.cardspec.money import Fen
from sscard_terminal.cardspec.transaction import PurchaseAmounts

from .clock_rules import LONGEST_CLOSURE, objection_to_clock
from .hotlist import Hotlist
from .journal import Journal
from .outcomes import Declined, Reason


@dataclass(frozen=True, slots=True)
class SaleRules:
    """The limits of one place; what is None is not limited.

    The ceilings are fen of the account's part: what the chip pays off line. A day is one of the terminal's clock, and
    a sale that is to be verified counts as paid. `approved_until` is the last day of the approval; `repeat_within`
    how long the same amounts from the same card are taken for a mistake; `hotlist_max_age` applies to `hotlist`; with `needs_open_day`
    nothing is sold before the day is opened or after it is closed; `longest_closure`: see clock_rules; `refund_days`: how
    many days after a sale its money can be asked back (requests.py).
    """

    per_sale: Fen | None = None
    per_card_per_day: Fen | None = None
    per_day: Fen | None = None
    repeat_within: timedelta = timedelta(0)
    approved_until: date | None = None
    hotlist: Hotlist | None = None
    hotlist_max_age: timedelta = timedelta(days=3)
    needs_open_day: bool = False
    longest_closure: timedelta = LONGEST_CLOSURE
    refund_days: int = 30


NO_RULES = SaleRules()


def objection_before_card(
    rules: SaleRules, journal: Journal, amounts: PurchaseAmounts, now: datetime
) -> Declined | None:
    """What forbids a sale whatever card is in the reader, None if nothing does: to be asked before any PIN.

    Raises:
        JournalTrouble: the journal cannot be read.
    """
    if (objection := objection_to_clock(journal, now, rules.longest_closure)) is not None:
        return objection
    if rules.approved_until is not None and now.date() > rules.approved_until:
        return Declined(Reason.APPROVAL_ENDED, expired_on=rules.approved_until)
    if rules.hotlist is not None and not rules.hotlist.is_current(now, rules.hotlist_max_age):
        return Declined(Reason.HOTLIST_NOT_CURRENT, issued_at=rules.hotlist.issued)
    if rules.needs_open_day and not journal.is_day_open():
        return Declined(Reason.DAY_NOT_OPEN)
    if rules.per_sale is not None and amounts.account > rules.per_sale:
        return Declined(Reason.CEILING_PER_SALE, ceiling=rules.per_sale)
    if rules.per_day is None:
        return None
    return _above(Reason.CEILING_PER_DAY, rules.per_day, journal.charged_since(_midnight(now)), amounts)


def objection_to_card(
    rules: SaleRules,
    journal: Journal,
    identification: str,
    amounts: PurchaseAmounts,
    now: datetime,
    *,
    again: bool = False,
) -> Declined | None:
    """What forbids a sale to this card (its identification code), None if nothing does.

    `again`: a person has said that the same sale is meant a second time; the ceilings hold all the same.

    Raises:
        JournalTrouble: the journal cannot be read.
    """
    if rules.repeat_within and not again:
        earlier = journal.same_sale_since(now - rules.repeat_within, identification, amounts)
        if earlier is not None:
            return Declined(Reason.SAME_SALE_AGAIN, voucher=earlier)
    if rules.per_card_per_day is None:
        return None
    spent = journal.charged_since(_midnight(now), identification)
    return _above(Reason.CEILING_PER_CARD, rules.per_card_per_day, spent, amounts)


def _above(reason: Reason, ceiling: Fen, spent: int, amounts: PurchaseAmounts) -> Declined | None:
    """`left` is what may still be paid today, 0 or more."""
    left = Fen(max(0, ceiling - spent))
    return Declined(reason, ceiling=ceiling, left=left) if amounts.account > left else None


def _midnight(now: datetime) -> datetime:
    return datetime.combine(now.date(), time.min)
