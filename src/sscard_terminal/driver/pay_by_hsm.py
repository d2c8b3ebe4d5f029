"""iDoDebit with an HSM in the PSAM's place: INITIALIZE in one step, DEBIT in the next, MAC1 and MAC2 by whoever calls.

The intent stands in the journal before DEBIT leaves, as with any sale. That the card's MAC2 is right only the HSM can
say; it goes out to the calling program, and here the sale is charged once the card has answered with it.
Source: card.md §4.8, §8; §10 B43 (terminal number without a PSAM).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from sscard_terminal.cardspec.commands.psam import SamPurchaseAnswer
from sscard_terminal.terminal.attempt import Attempt
from sscard_terminal.terminal.debit import (
    OpenPurchase,
    before_debit,
    objection_to_sale,
    open_purchase,
)
from sscard_terminal.terminal.journal import Journal
from sscard_terminal.terminal.journal_requests import first_outcome
from sscard_terminal.terminal.outcomes import Approved, Declined, Reason, Sale, Unsettled
from sscard_terminal.voice.told import Money

from .codes import Code
from .hand import Hand, held, open_with_pin
from .keys import DPK_ADDRESSES
from .parameters import CardInfo, PayInfo, fields_of, hex_of, time_of
from .pay import TYPE, request_of, require_saleable, settlement_fields, sums_of, verify_to_pay
from .place import Place
from .result import Refused, Result, joined
from .steps import Steps

STEP_2 = "iDoDebit_HSM_Step2"
KEY_INDEX = 1
"""The national purchase key; no PSAM is there to name another. Source: card.md §1.9, row DPK."""
SEQUENCE_DIGITS, MAC_DIGITS = 8, 8


def step_1(place: Place, steps: Steps, card_type: int, card_info: str, pay_info: str) -> Result:
    """iDoDebit_HSM_Step1: what MAC1 is computed from. A sale that was made already is refused (-3025)."""
    info, pay = CardInfo.parse(card_info), PayInfo.parse(pay_info, place.clock())
    request = pay.request_for(info)
    if (entry := place.journal.entry_of_request(request)) is not None:
        raise Refused(_made_already(entry.sale, first_outcome(entry)))
    require_saleable(place, pay)
    hand = open_with_pin(place, card_type, verify_to_pay(place), info, amounts=pay.amounts)
    with hand.stack, hand.opened.exclusively():
        opened = held(before_debit(lambda: _opened(hand, pay, request)))
        steps.keep(STEP_2, hand.handed_on(), opened)
    challenge = opened.challenge
    return Result(
        0,
        joined(
            hand.algorithm,
            DPK_ADDRESSES.get(challenge.key_version, DPK_ADDRESSES[KEY_INDEX]),
            challenge.random.hex().upper(),
            f"{challenge.counter:04X}",
            sums_of(pay.amounts),
            TYPE,
            opened.terminal,
            f"{opened.time:%Y%m%d%H%M%S}",
        ),
    )


def _made_already(sale: Sale, outcome: Approved | Declined | Unsettled) -> Declined | Unsettled:
    if isinstance(outcome, Approved):
        return Declined(Reason.SAME_SALE_AGAIN, voucher=sale.voucher)
    return outcome


def _opened(hand: Hand, pay: PayInfo, request: str) -> OpenPurchase | Declined:
    place, now = hand.place, hand.place.clock().replace(microsecond=0)
    asked = request_of(place, pay, request)
    objection = objection_to_sale(hand.card, place.journal, asked, now, place.shop.rules)
    return objection or open_purchase(hand.card, asked, hand.terminal(), KEY_INDEX, now)


@dataclass
class AtTheHsm:
    """Takes down the card's MAC2 for the HSM to judge: `attempt.ProvesMac2`."""

    mac2: bytes = field(default=b"", init=False)

    def confirm_mac2(self, mac2: bytes) -> bool:
        self.mac2 = mac2
        return True


def step_2(steps: Steps, key: str) -> Result:
    """iDoDebit_HSM_Step2: DEBIT, once; MAC2 for the HSM, and what settles the sale."""
    sequence, time, mac1 = fields_of(key, 128, 3)
    made = SamPurchaseAnswer(hex_of(sequence, SEQUENCE_DIGITS), hex_of(mac1, MAC_DIGITS))
    moment = time_of(time)
    with steps.take(STEP_2, OpenPurchase) as (hand, opened):
        if moment != opened.time:
            raise Refused(Code.ILLEGAL_DATA)
        with hand.opened.exclusively():
            hsm = AtTheHsm()
            outcome = _paid(hand, opened, made, hsm)
        if not isinstance(outcome, Approved):
            raise Refused(outcome)
        fields = settlement_fields(hand.algorithm, outcome)
        return Result(0, joined(hsm.mac2.hex().upper(), *fields), money=Money.CHARGED)


def _paid(
    hand: Hand, opened: OpenPurchase, made: SamPurchaseAnswer, hsm: AtTheHsm
) -> Approved | Declined | Unsettled:
    journal: Journal = hand.place.journal
    sale = before_debit(lambda: journal.record_intent(opened.intent(made)))
    if isinstance(sale, Declined):
        return sale
    return Attempt(hand.card.client, hsm, journal, sale, hand.place.clock).run()
