"""A sale at the page: by its steps, never twice, and never on a screen that is no more."""

from tests.counter.house import PIN, Browser, House, Pad
from tests.terminal.doubles import OPENING


def ready(house: House, clerk: Browser) -> Browser:
    house.reader.insert()
    clerk.until("ready")
    return clerk


def test_a_sale_goes_from_the_card_to_the_slip(house: House, clerk: Browser, pad: Pad) -> None:
    ready(house, clerk)
    clerk.do("sell", total="12.34")
    asked = clerk.state
    clerk.do("confirm")

    pad.enter(PIN)

    done = clerk.look()
    assert (asked["step"], asked["amounts"]["total"]) == ("confirm-amount", "12.34")
    assert (done["step"], done["money"], done["voucher"]) == ("done", "charged", 1)
    assert "12.34" in done["paper"]["text"]
    assert house.balance() == OPENING - 1234
