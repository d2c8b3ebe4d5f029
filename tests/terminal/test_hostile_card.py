"""Every lie of a card in every workflow that meets it: how that ends, what the chip did, what the journal holds.

The law (reliability.md): approved means the chip paid, declined that it did not, and what is open ends right once the
card has told the truth. A card that is lied about cannot be told from one that lies; here the chip itself is honest.
"""

from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from sscard_applets.medical_account.account import amounts_of
from sscard_terminal.terminal.journal_events import SaleState
from tests.terminal.doubles import AMOUNTS, OPENING, PIN, Desk
from tests.terminal.hostile import (
    CHANGE,
    HONEST,
    NEW_PIN,
    PAID,
    SELL,
    Lie,
    Lying,
    at,
    commands_of,
    readied,
    run,
    spent,
    told_in,
)
from tests.terminal.lies import ALL, COMMANDS, LIES, LOG

CELLS = [(lie, workflow) for lie in ALL for workflow in told_in(lie)]
OUR_SALE = 2
"""The voucher of the sale that is made or open here; before it lies the one every readied desk has seen."""


def meets(desk: Desk, lie: Lie, workflow: str) -> tuple[str, Lying]:
    links: list[Lying] = []
    ending = run(desk, workflow, lambda inner: links.append(Lying(inner, lie)) or links[-1])
    return ending, links[0]


@pytest.mark.parametrize(
    ("lie", "workflow"), CELLS, ids=[f"{lie.name}-{workflow}" for lie, workflow in CELLS]
)
def test_a_lie_ends_as_it_must_and_moves_no_money_unsaid(lie: Lie, workflow: str, tmp_path: Path) -> None:
    desk = readied(workflow, lie.profile).at(tmp_path)

    ending, link = meets(desk, lie, workflow)

    assert ending == lie.ends.get(workflow, HONEST[workflow])
    assert_money(desk, workflow, ending, lie)
    if link.swapped_in is not None:
        assert amounts_of(link.swapped_in._machine).cia == OPENING
    assert_pin(desk, workflow, ending, lie)
    assert_truth_comes_out(desk, PIN if workflow != CHANGE else None)


def assert_money(desk: Desk, workflow: str, ending: str, lie: Lie) -> None:
    """The chip has paid exactly if the outcome says so or leaves it open, and the journal says what the outcome says."""
    sale = desk.journal.entry(OUR_SALE)
    match ending.split(":")[0]:
        case "approved" | "charged":
            assert spent(desk) == AMOUNTS.account
            assert sale is not None and sale.state is SaleState.CHARGED
        case "not-charged":
            assert spent(desk) == 0
            assert sale is not None and sale.state is SaleState.NOT_CHARGED
        case "unsettled":
            assert spent(desk) == (AMOUNTS.account if lie.paid else 0)
            assert sale is not None and sale.state is SaleState.OPEN
        case _ if workflow == SELL:
            assert spent(desk) == 0
            assert sale is None or sale.state is SaleState.NOT_CHARGED
        case _:
            assert spent(desk) == (AMOUNTS.account if workflow == PAID else 0)
            assert sale is None or sale.state is SaleState.OPEN


def assert_pin(desk: Desk, workflow: str, ending: str, lie: Lie) -> None:
    """The holder's tries and PIN are what they were, but for what CHANGE PIN was asked to do."""
    changed = workflow == CHANGE
    pin = (lie.pin or (NEW_PIN if ending == "done" else PIN)) if changed else PIN
    card = desk.identified(pin=None)
    assert card.tries_left == (lie.tries if changed else 3)
    desk.identified(pin=pin)


def assert_truth_comes_out(desk: Desk, pin: object) -> None:
    """An honest look settles whatever is open, as the chip knows it."""
    if pin is None:
        return
    desk.psam = desk.powered_psam()
    desk.come_back()
    sale = desk.journal.entry(OUR_SALE)
    if sale is not None:
        assert sale.state is (SaleState.CHARGED if spent(desk) else SaleState.NOT_CHARGED)


@pytest.mark.parametrize("profile", ["gen2-32k", "gen3"])
@pytest.mark.parametrize("workflow", HONEST)
def test_an_honest_card_is_served(workflow: str, profile: str, tmp_path: Path) -> None:
    truth = Lie("nothing but the truth", profile=profile)
    desk = readied(workflow, profile).at(tmp_path)

    ending, _ = meets(desk, truth, workflow)

    assert ending == HONEST[workflow]
    assert_money(desk, workflow, ending, truth)


def test_a_log_that_lies_without_a_flaw_is_believed_and_only_the_centre_can_tell(tmp_path: Path) -> None:
    """What no terminal can find out: every reading of the log names another terminal for the purchase we lost.

    A chip cannot do this, only what stands between it and us, and it gains nothing: its holder has paid, the shop has
    not sold. The gap in the card's counter shows at the centre (system.md, "Forgery, alteration, misuse").
    """
    lie = Lie("a log in another's name", LOG, at(3, "370900000009"), {PAID: "not-charged: log-shows-another"})
    desk = readied(PAID, lie.profile).at(tmp_path)

    ending, _ = meets(desk, lie, PAID)

    assert ending == lie.ends[PAID]
    assert spent(desk) == AMOUNTS.account


def test_every_command_of_every_workflow_is_lied_about() -> None:
    sent = {raw for workflow in HONEST for raw in commands_of(workflow, "gen2-32k")}

    matched = {raw: [name for name, pattern in COMMANDS.items() if fnmatchcase(raw, pattern)] for raw in sent}

    assert {raw[:4] for raw, names in matched.items() if len(names) != 1} == {"00C0"}
    assert {name for names in matched.values() for name in names} == set(COMMANDS)


def test_no_lie_is_named_twice_or_expects_what_it_never_meets() -> None:
    assert len({lie.name for lie in ALL}) == len(ALL)
    for lie in LIES:
        unmet = set(lie.ends) - set(told_in(lie))
        assert unmet == set(), lie.name
