"""What programs send and get, typed, with an example each: the schema of the OpenAPI description.

Money is whole fen, times are the terminal's own, without a zone. Not here: how it is made (api.py).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sscard_terminal.cardspec.money import MAX_FEN
from sscard_terminal.terminal.outcomes import SaleKind
from sscard_terminal.terminal.till.steps import Step

from .beside import Match
from .services import Standing

LONGEST_WAIT_S = 120
Money = Annotated[int, Field(ge=0, le=MAX_FEN, description="fen")]
RequestId = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$",
        description="The program's own id of this sale. Repeated, it never sells twice.",
    ),
]
CardCode = Annotated[
    str,
    Field(
        pattern=r"^[0-9A-F]{32}$",
        description="The card identification code of the card that is meant; another one is refused.",
    ),
]
Voucher = Annotated[int, Field(ge=1, le=2**53 - 1, description="The number on the slip.")]
Moved = Literal["not-charged", "charged", "to-be-verified"]


class Asked(BaseModel):
    """What a program sends; nothing beside it."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class Told(BaseModel):
    model_config = ConfigDict(frozen=True)


class Refusal(Told):
    """Why not, in words a clerk can read, and whether money moved."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "error": "busy",
                    "sentence": "柜台正忙，未扣款，请稍候再试。",
                    "money": "not-charged",
                    "facts": {},
                }
            ]
        }
    )

    error: str
    sentence: str = ""
    money: Moved = "not-charged"
    facts: dict[str, Any] = Field(default_factory=dict)


class Card(Told):
    """The counter's card as a clerk may see it: masked."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "step": "ready",
                    "is_in": True,
                    "identification": "370900D15600000500000002B6233D35",
                    "number": "D2****69X",
                    "name": "张*",
                    "expires": "2032-01-01",
                    "tries_left": 3,
                    "request": None,
                    "refusal": None,
                }
            ]
        }
    )

    step: Step = Field(description="What the counter is at.")
    is_in: bool = Field(description="A card is in the reader.")
    identification: str | None = Field(default=None, description="Card identification code, 32 hex digits.")
    number: str | None = None
    name: str | None = None
    expires: date | None = None
    tries_left: int | None = Field(default=None, description="None: the card has no PIN.")
    request: str | None = Field(default=None, description="This program's own sale at hand.")
    refusal: Refusal | None = Field(default=None, description="Why this card is not served.")


class SaleOrder(Asked):
    """A sale. Of a purchase either `total_fen`, which is divided by the place's settings, or `account_fen`, what the card's
    account pays; of a record-keeping debit `total_fen` and `paid_fen`, what account and pool paid elsewhere."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "request": "2026-01-05-0001",
                    "account_fen": 1234,
                    "self_paid_fen": 2000,
                    "pooled_fen": 8000,
                },
                {"request": "2026-01-05-0002", "total_fen": 5000, "rest_in_cash": True},
                {
                    "request": "2026-01-05-0003",
                    "kind": "record-keeping",
                    "total_fen": 30000,
                    "paid_fen": 25000,
                },
            ]
        }
    )

    request: RequestId
    kind: SaleKind = Field(default=SaleKind.PURCHASE, strict=False)
    card: CardCode | None = None
    total_fen: Money | None = None
    account_fen: Money | None = None
    self_paid_fen: Money | None = None
    pooled_fen: Money | None = None
    paid_fen: Money | None = None
    rest_in_cash: bool = Field(
        False, description="What the account is short of is paid in cash (with `total_fen`)."
    )
    again: bool = Field(
        default=False, description="The same sums from the same card are meant a second time."
    )

    @model_validator(mode="after")
    def _has_a_price(self) -> Self:
        if self.kind is SaleKind.RECORD_KEEPING:
            given = (self.account_fen, self.self_paid_fen, self.pooled_fen)
            if self.total_fen is None or self.paid_fen is None or given != (None, None, None):
                raise ValueError("a record-keeping debit has total_fen and paid_fen")
            if self.rest_in_cash:
                raise ValueError("a record-keeping debit takes nothing from the account")
        elif self.paid_fen is not None or (self.total_fen is None) == (self.account_fen is None):
            raise ValueError("a purchase has either total_fen or account_fen")
        elif self.rest_in_cash and self.total_fen is None:
            raise ValueError("rest_in_cash goes with total_fen")
        return self


class Sale(Told):
    """A request as it stands."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "request": "2026-01-05-0001",
                    "state": "charged",
                    "money": "charged",
                    "step": None,
                    "voucher": 17,
                    "kind": "purchase",
                    "account_fen": 1234,
                    "self_paid_fen": 2000,
                    "pooled_fen": 8000,
                    "balance_fen": 8766,
                    "terminal": "370900000001",
                    "sequence": "00000001",
                    "counter": 0,
                    "time": "2026-01-05T10:15:30",
                    "tac": "CEA3FB75",
                    "card": "370900D15600000500000002B6233D35",
                    "refusal": None,
                }
            ]
        }
    )

    request: str
    state: Standing = Field(description="at-work: ask again. to-be-verified: the same card has to come back.")
    money: Moved | None = Field(description="None while it is at work.")
    step: Step | None = Field(default=None, description="What the counter is at, while the sale is at work.")
    voucher: int | None = None
    kind: SaleKind | None = None
    account_fen: int | None = None
    self_paid_fen: int | None = None
    pooled_fen: int | None = None
    balance_fen: int | None = Field(default=None, description="What the card's account held afterwards.")
    terminal: str | None = None
    sequence: str | None = None
    counter: int | None = None
    time: datetime | None = None
    tac: str | None = None
    card: str | None = None
    refusal: Refusal | None = None


class Service(Asked):
    """A service the holder keys the PIN for."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}]})

    card: CardCode | None = None


class Balances(Told):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"account_fen": 8766, "self_paid_fen": 2000, "pooled_fen": 8000, "year": "2026"}]
        }
    )

    account_fen: int
    self_paid_fen: int = Field(description="Self-paid total of the payment year.")
    pooled_fen: int = Field(description="Pooled-fund total of the payment year.")
    year: str


class DetailLine(Told):
    """A record of the card's log beside this terminal's journal."""

    match: Match = Field(description="What the journal says to it.")
    counter: int = Field(description="The card's own count before it.")
    terminal: str
    time: datetime | None
    account_fen: int
    self_paid_fen: int
    pooled_fen: int
    voucher: int | None = Field(default=None, description="Where it is a sale of this terminal.")


class Details(Told):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "lines": [
                        {
                            "match": "same",
                            "counter": 0,
                            "terminal": "370900000001",
                            "time": "2026-01-05T10:15:30",
                            "account_fen": 1234,
                            "self_paid_fen": 2000,
                            "pooled_fen": 8000,
                            "voucher": 17,
                        }
                    ]
                }
            ]
        }
    )

    lines: list[DetailLine]


class Done(Told):
    """It was done, and there is nothing more to say."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"done": True}]})

    done: Literal[True] = True


class Reprint(Asked):
    """Of the sale with this voucher, or this request; of the last one without either."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"voucher": 17}]})

    voucher: Voucher | None = None
    request: RequestId | None = None


class Slip(Told):
    """A slip as text; `is_printing`: it also goes to the place's printer."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"voucher": 17, "text": "          泰山大药房\n…", "is_printing": False}]
        }
    )

    voucher: int
    text: str
    is_printing: bool


class GivingBack(Asked):
    """A void of a sale of today, or a refund of an earlier one; the supervisor who let the program in answers for it."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"voucher": 17}]})

    voucher: Voucher
    again: bool = Field(default=False, description="The same amount is meant a second time.")


class Refunding(GivingBack):
    model_config = ConfigDict(json_schema_extra={"examples": [{"voucher": 17, "amount_fen": 500}]})

    amount_fen: Annotated[int, Field(ge=1, le=MAX_FEN)] | None = Field(
        None, description="None: all that is left."
    )


class AskedBack(Told):
    """What the centre has been asked for; the card is credited when it next comes to an on-line terminal."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"voucher": 17, "amount_fen": 1234}]})

    voucher: int
    amount_fen: int


class DaySum(Told):
    operator: str
    kind: str
    state: str
    count: int
    account_fen: int
    self_paid_fen: int
    pooled_fen: int


class Day(Told):
    """The day that is open, else the one closed last; `number` 0 where none was opened yet."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "number": 3,
                    "is_open": True,
                    "opened": "2026-01-05T08:00:00",
                    "closed": None,
                    "sums": [
                        {
                            "operator": "07",
                            "kind": "purchase",
                            "state": "charged",
                            "count": 12,
                            "account_fen": 45678,
                            "self_paid_fen": 0,
                            "pooled_fen": 0,
                        }
                    ],
                }
            ]
        }
    )

    number: int
    is_open: bool
    opened: datetime | None = None
    closed: datetime | None = None
    sums: list[DaySum] = Field(default_factory=list)
