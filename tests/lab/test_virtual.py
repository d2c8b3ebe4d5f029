"""Virtual cards and PSAMs made on the spot: whose, of which kind, and that what is wrong is named."""

from pathlib import Path

import pytest

from sscard_terminal.card.memory import RamStore
from sscard_terminal.cardspec.money import Fen
from sscard_terminal.iso7816.errors import FormatError
from sscard_terminal.lab import virtual

PEOPLE = Path(__file__).parents[2] / "fixtures/cards"


def asked(image: bytes, *commands: str, at_once: bool = False) -> list[str]:
    chip = virtual.chip_over(RamStore(image), at_once=at_once)
    return [chip.respond(bytes.fromhex(command)).hex().upper() for command in commands]


def test_the_people_who_ship_with_us_have_a_card_of_every_kind() -> None:
    assert virtual.people() == tuple(sorted(path.stem for path in PEOPLE.glob("*.toml")))
    for profile in virtual.card_profiles():
        for name in virtual.people():
            assert virtual.card_image(profile, name)


def test_a_person_may_come_from_a_file() -> None:
    assert virtual.card_image("gen3", PEOPLE / "li-si.toml") == virtual.card_image("gen3", "li-si")


def test_a_card_holds_what_it_was_given() -> None:
    image = virtual.card_image("gen2-32k", balance=Fen(1234), settings=[("purchase-counter", "258")])

    answers = asked(image, "0020000003123456", "00A4040006D15600000503", "B026000104")

    assert answers == ["9000", "610A", "000004D29000"]


def test_at_once_means_without_61xx() -> None:
    fci = "6F088406D156000005039000"

    assert asked(virtual.card_image(), "00A4040006D15600000503", at_once=True) == [fci]


@pytest.mark.parametrize(("profile", "levels"), [("national", 3), ("provincial", 2), ("city", 1)])
def test_a_psam_of_each_level_makes_the_mac1_of_the_vectors(profile: str, levels: int) -> None:
    """card.md §6.10: 409CAC6A, with as many factors as the PSAM's keys have levels to do."""
    factors = "866037090000000133373039303073783337303030307368"[: 16 * levels]
    body = f"AABBCCDD0000000004D2000007D000001F4032202601051015300100{factors}"

    answers = asked(
        virtual.psam_image(f"psam-{profile}"),
        "00A40000023F00", "00A4000002DF01", "BFEC00000137", f"80700100{len(body) // 2:02X}{body}", "00C0000008",
    )  # fmt: skip

    assert answers[2:] == ["9000", "6108", "00000001409CAC6A9000"]


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: virtual.card_image("psam-national"), "gen1-16k, gen2-32k, gen3"),
        (lambda: virtual.card_image(holder="nobody"), "zhang-san"),
        (lambda: virtual.psam_image("gen3"), "psam-city"),
        (lambda: virtual.card_image(settings=[("cia", "much")]), "cia"),
    ],
)
def test_what_is_not_there_is_named_with_what_is(make, named: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(FormatError, match=named):
        make()
