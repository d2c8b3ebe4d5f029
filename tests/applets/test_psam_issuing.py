"""How a PSAM gets its keys: at issue, for three levels, and loaded one by one under the master key."""

import pytest

from sscard_applets.catalogue import load_applets, load_profile
from sscard_applets.psam.issue import PsamFacts, issue_psam
from sscard_terminal.card.chip import Chip
from sscard_terminal.card.memory import RamStore
from sscard_terminal.card.nvm import Nvm
from sscard_terminal.cardspec.ciphers import SM4, TRIPLE_DES, CipherSuite
from sscard_terminal.iso7816.errors import FormatError
from tests.cards import KEYS, Dice, ask, ask_all, fetch, new_psam

F3, F2, F1 = "8660370900000001", "3337303930307378", "3337303030307368"
PURCHASE = "AABBCCDD0000000004D2000007D000001F4032202601051015300100"
SELECT = {
    "DES": ("00A40000023F00", "00A4000002DF01"),
    "SM4": ("00A404000F7378332E73682EC9E7BBE1B1A3D5CF", "00A4000002DF01"),
}
SUITES: dict[str, CipherSuite] = {"DES": TRIPLE_DES, "SM4": SM4}


def issued(name: str, factors_done: str = "", blank: bool = False) -> Chip:
    profile = load_profile(name)
    image = issue_psam(profile, PsamFacts(), KEYS, bytes.fromhex(factors_done), blank)
    return Chip(profile, load_applets(profile), Nvm(RamStore(image)), Dice())


@pytest.mark.parametrize(
    ("name", "done", "factors", "deliver"),
    [
        ("psam-national", "", F3 + F2 + F1, "BFDE6708"),
        ("psam-provincial", F1, F3 + F2, "BFDE4708"),
        ("psam-city", F1 + F2, F3, "BFDE2708"),
    ],
)
def test_psams_of_every_level_come_to_the_same_card_keys(
    name: str, done: str, factors: str, deliver: str
) -> None:
    psam = issued(name, done)
    ask_all(psam, *SELECT["DES"], "BFEC00000137")

    body = factors + "B0B1B2B3B4B5B6B7"
    ask(psam, f"{deliver}{len(body) // 2:02X}{body}")
    assert fetch(psam, "80FA000008C0C1C2C3C4C5C6C7") == "642D1B3A063FFD609000"
    purchase = PURCHASE + factors
    assert fetch(psam, f"80700100{len(purchase) // 2:02X}{purchase}") == "00000001409CAC6A9000"


def test_levels_that_do_not_add_up_to_three_are_refused() -> None:
    with pytest.raises(FormatError, match="levels to do do not fit"):
        issued("psam-city", F1)


def loading(home: str, change: bool, plain: str, challenge: str, key_file: str = "11") -> str:
    suite = SUITES[home]
    cryptogram = suite.encrypt_data(KEYS["MK"], bytes.fromhex(plain))
    head = bytes.fromhex(f"84D4{change:02d}{key_file}") + bytes((len(cryptogram) + 4,))
    mac = suite.direct_mac(KEYS["MK"], head + cryptogram, bytes.fromhex(challenge))
    return (head + cryptogram + mac).hex().upper()


def load(psam: Chip, home: str, change: bool, plain: str, key_file: str = "11") -> str:
    challenge = ask(psam, "0084000004")[:-4]
    return ask(psam, loading(home, change, plain, challenge, key_file))


def record(home: str, usage_and_id: str, key: str) -> str:
    return f"{usage_and_id}00{SUITES[home].algorithm_id:02X}00000000{key}"


@pytest.mark.parametrize("home", ["DES", "SM4"])
def test_a_blank_psam_is_loaded_key_by_key_and_then_works(home: str) -> None:
    psam = issued("psam-national", blank=True)
    ask_all(psam, *SELECT[home], "BFEC00000137")
    purchase = PURCHASE[:-2] + f"{SUITES[home].algorithm_id:02X}" + F3 + F2 + F1
    assert ask(psam, "8070010034" + purchase) == "6A88"

    assert load(psam, home, False, record(home, "6201", KEYS["DPK"].hex())) == "9000"

    assert fetch(psam, "8070010034" + purchase)[8:] == {"DES": "409CAC6A9000", "SM4": "AF06E3889000"}[home]


def test_the_lengths_are_those_of_the_specification() -> None:
    challenge = "00000000"

    created = loading("DES", False, record("DES", "6809", "00" * 8), challenge)
    changed = loading("DES", True, "680900" + "00" * 8, challenge)

    assert (created[8:10], changed[8:10]) == ("1C", "14")  # card.md §5.5
    assert loading("DES", False, record("DES", "6201", "00" * 16), challenge)[8:10] == "24"
    assert loading("DES", True, "620100" + "00" * 16, challenge)[8:10] == "1C"
    assert loading("SM4", True, "620100" + "00" * 16, challenge)[8:10] == "24"


def test_a_key_that_is_there_is_changed_not_created() -> None:
    psam = new_psam()
    ask_all(psam, *SELECT["DES"])

    assert load(psam, "DES", False, record("DES", "6201", "00" * 16)) == "6985"
    assert load(psam, "DES", True, "620100" + "11" * 16) == "9000"
    answer = fetch(psam, "8070010034" + PURCHASE + F3 + F2 + F1)
    assert answer.endswith("9000") and "409CAC6A" not in answer


@pytest.mark.parametrize(
    ("change", "plain", "key_file", "answer"),
    [
        (True, "620100" + "00" * 16, "14", "6A82"),
        (True, "620900" + "00" * 16, "11", "6A88"),
        (False, "6209000000000000" + "00" * 16, "11", "6A84"),
        (False, "6201000300000000" + "00" * 16, "11", "6A80"),
        (False, "6201FF0000000000" + "00" * 16, "11", "6A80"),
        (True, "680900" + "00" * 16, "11", "6A80"),
    ],
    ids=["no-such-file", "unknown-key", "no-place", "algorithm", "no-record", "length"],
)
def test_a_key_that_does_not_fit_is_refused(change: bool, plain: str, key_file: str, answer: str) -> None:
    psam = new_psam()
    ask_all(psam, *SELECT["DES"])

    assert load(psam, "DES", change, plain, key_file) == answer


def test_without_challenge_or_with_another_mac_nothing_is_loaded() -> None:
    psam = new_psam()
    ask_all(psam, *SELECT["DES"])
    command = loading("DES", True, "620100" + "00" * 16, "00000000")

    assert ask(psam, command) == "6984"
    ask(psam, "0084000004")
    assert ask(psam, command) == "6988"
    assert ask(psam, "84D4000100") == "6700"


def test_a_psam_may_refuse_purchases_outside_its_keys_dates() -> None:
    psam = new_psam(psam_checks_validity=True)
    ask_all(psam, *SELECT["DES"])
    late = PURCHASE.replace("20260105", "20410101") + F3 + F2 + F1

    assert ask(psam, "8070010034" + late) == "6985"
    assert fetch(psam, "8070010034" + PURCHASE + F3 + F2 + F1).endswith("9000")
