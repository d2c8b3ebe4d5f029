"""Days, sales and settings as a page shows them: JSON with the words in it.

Not here: the counter's state itself (view.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sscard_terminal.cardspec.money import Fen, yuan_of_fen
from sscard_terminal.cardspec.records import masked_number
from sscard_terminal.iso7816.status import Language
from sscard_terminal.terminal.configuration import SETTINGS, Configuration, PlaceKind
from sscard_terminal.terminal.day_records import Sum
from sscard_terminal.terminal.journal_events import Request
from sscard_terminal.voice.messages import text
from sscard_terminal.voice.pages import word

from .beside import Line
from .office import Picture, Returnable

MOMENT = "%Y-%m-%d %H:%M:%S"


def day_of(picture: Picture, language: Language) -> dict[str, Any]:
    """`hours` are those with a sale; `share` in percent of the busiest, for a bar."""
    day = picture.day
    if day is None:
        return {"says": [text(language, "day.none")], "is_open": False, "sums": [], "hours": [], "kinds": []}
    says = [text(language, "day.opened", number=day.number, at=f"{day.opened.at:{MOMENT}}")]
    if not day.sums:
        says.append(text(language, "day.no-sales"))
    if day.closed is not None:
        says.append(text(language, "day.closed", at=f"{day.closed.at:{MOMENT}}"))
        if day.closed.despite:
            facts = {"reason": day.closed.despite, "supervisor": day.closed.supervisor or "-"}
            says.append(text(language, "day.despite", **facts))
    return {
        "says": says,
        "is_open": day.closed is None,
        "sums": [_sum(row, language) for row in day.sums],
        "hours": _hours(picture),
        "kinds": _kinds(day.sums, language),
    }


def _sum(row: Sum, language: Language) -> dict[str, Any]:
    return {
        "operator": row.operator or "-",
        "kind": text(language, f"kind.{row.kind}"),
        "state": word(language, f"state.{row.state}"),
        "count": row.count,
        "account": yuan_of_fen(row.account),
        "self_paid": yuan_of_fen(row.self_paid),
        "pooled": yuan_of_fen(row.pooled),
    }


def _hours(picture: Picture) -> list[dict[str, Any]]:
    busiest = max((row.count for row in picture.hours), default=1)
    return [
        {
            "hour": f"{row.hour:%H:%M}",
            "count": row.count,
            "paid": yuan_of_fen(row.account),
            "share": row.count * 100 // busiest,
        }
        for row in picture.hours
    ]


def _kinds(sums: tuple[Sum, ...], language: Language) -> list[dict[str, Any]]:
    counts: dict[str, int] = {}
    for row in sums:
        counts[row.kind] = counts.get(row.kind, 0) + row.count
    most = max(counts.values(), default=1)
    return [
        {"kind": text(language, f"kind.{kind}"), "count": count, "share": count * 100 // most}
        for kind, count in counts.items()
    ]


def sale_of(found: Returnable, language: Language) -> dict[str, Any]:
    """A sale before it is asked back. `way` is "void" or "refund", whichever fits its day."""
    sale = found.entry.sale
    return {
        "voucher": sale.voucher,
        "card": masked_number(sale.card_number),
        "at": f"{sale.time:{MOMENT}}",
        "state": word(language, f"state.{found.entry.state}"),
        "account": yuan_of_fen(sale.amounts.account),
        "left": yuan_of_fen(found.left),
        "way": "void" if found.is_of_today else "refund",
    }


def request_of(asked: Request, language: Language) -> dict[str, Any]:
    """What the centre has been asked for."""
    amount, voucher = asked.event.amount or Fen(0), asked.entry.sale.voucher
    return {
        "says": word(language, "back.asked", voucher=voucher, amount=yuan_of_fen(amount)),
        "voucher": voucher,
        "amount": yuan_of_fen(amount),
        "amount_fen": int(amount),
    }


def line_of(line: Line, language: Language) -> dict[str, Any]:
    """A line of the card's log, or of the journal, with what the other says to it."""
    return {
        "at": "-" if line.at is None else f"{line.at:{MOMENT}}",
        "terminal": line.terminal,
        "account": yuan_of_fen(line.amounts.account),
        "self_paid": yuan_of_fen(line.amounts.self_paid),
        "pooled": yuan_of_fen(line.amounts.pooled),
        "voucher": line.voucher,
        "match": str(line.match),
        "says": word(language, f"match.{line.match}"),
        "is_difference": line.is_difference,
        "counter": f"{line.counter:04X}",
    }


def settings_of(configuration: Configuration, language: Language) -> list[dict[str, str]]:
    """Every setting by its name in words, with its table and name in the file beside it."""
    return [
        {
            "key": f"[{table}] {name}",
            "name": word(language, f"setting.{table}.{name}"),
            "value": setting_of(getattr(configuration, field), language),
        }
        for table, names in SETTINGS.items()
        for name, (field, _) in names.items()
    ]


def setting_of(value: object, language: Language) -> str:
    """A setting as text; of a key only that there is one."""
    match value:
        case None | "" | ():
            return word(language, "settings.none")
        case bool():
            return word(language, "settings.yes" if value else "settings.no")
        case bytes():
            return word(language, "settings.is-set")
        case Fen():
            return yuan_of_fen(value)
        case timedelta():
            return _time_of(value, language)
        case PlaceKind():
            return word(language, f"setting.kind.{value}")
        case "zh" | "en":
            return word(language, f"setting.language.{value}")
        case tuple():
            return ", ".join(map(str, value))
        case Mapping():
            return word(language, "settings.is-set")
    return str(value)


def _time_of(value: timedelta, language: Language) -> str:
    if value.seconds == 0:
        return word(language, "settings.days", count=value.days)
    return word(language, "settings.minutes", count=value // timedelta(minutes=1))
