"""What the history may keep: never a line in which a PIN, a key or session data can stand."""

import pytest

from sscard_terminal.lab.explorer.lines import may_be_kept


@pytest.mark.parametrize(
    "line",
    [
        "ls",
        "cd DF04",
        "cat DF04/EF08",
        "apdu B026000104",
        "apdu 00 A4 00 00 02 3F 00",
        "sale 12.34",
        "verify",
        "tree /",
    ],
)
def test_lines_without_secrets_are_kept(line: str) -> None:
    assert may_be_kept(line)


@pytest.mark.parametrize(
    "line",
    [
        "123456",
        "verify 123456",
        "verfy 123456",
        "apdu 0020000003123456",
        "apdu 00 20 00 00 03 12 34 56",
        "apdu 805E010007123456FF654321",
        "apdu 8424000104AABBCCDD",
        "apdu 00820004081122334455667788",
        "apdu 002C00020812345611111111",
        "apdu 002000000312345",
        "apdu 12",
        "ls # 123456",
        "cat 'EF05 123456",
        "",
    ],
)
def test_lines_that_may_hold_a_secret_are_not(line: str) -> None:
    assert not may_be_kept(line)
