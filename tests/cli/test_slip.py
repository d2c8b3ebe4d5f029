"""`sscard slip`: a slip again, from the journal, and marked so."""

import pytest

from tests.cli.conftest import Counter, Sscard
from tests.cli.test_settings import pay


@pytest.mark.parametrize(("language", "mark"), [("zh", "*** 重印 ***"), ("en", "*** REPRINT ***")])
def test_the_last_slip_is_printed_again_and_marked(
    language: str, mark: str, sscard: Sscard, counter: Counter
) -> None:
    pay(sscard, counter, amount="1.00")
    first = pay(sscard, counter, "--lang", language)

    again = sscard("slip", *counter.book, "--lang", language)

    assert again.code == 0
    lines = [line for line in again.out.splitlines() if line.strip() != mark]
    assert mark in again.out
    assert lines == first.out.splitlines()[: len(lines)]


def test_a_slip_is_found_by_its_voucher(sscard: Sscard, counter: Counter) -> None:
    pay(sscard, counter, amount="1.00")
    pay(sscard, counter)

    told = sscard("slip", "1", *counter.book, "--json").json

    assert (told["voucher"], told["state"]) == (1, "charged")
    assert "1.00" in told["slip"] and "12.34" not in told["slip"]


@pytest.mark.parametrize("voucher", [(), ("7",)])
def test_a_sale_that_is_not_there_is_refused(
    voucher: tuple[str, ...], sscard: Sscard, counter: Counter
) -> None:
    assert sscard("slip", *voucher, *counter.book).code == 1
    assert sscard("slip", "0", *counter.book).code == 2
