"""The demo tells its whole story, over the loopback card and over a private pcscd; and says so when a step fails."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from sscard_terminal.cli.demo import stage, story
from sscard_terminal.reader.private_pcscd import PcscdUnavailable
from sscard_terminal.reader.transcript import Transcript
from sscard_terminal.terminal.outcomes import Declined, Reason
from tests.cli.conftest import Done, Sscard, sscard_process

STEPS = ["identify", "holder", "verify-pin", "balance", "sell", "slip", "balance-after", "log", "change-pin", "old-pin", "lock"]  # fmt: skip
SAID = {
    "zh": (
        "由 PSAM 370900000001 核验", "持卡人 张*，密码还可试 3 次", "余额 100.00 元", "售出 12.34 元", "*** 已扣款 ***",
        "卡内余额现为 87.66 元", "消费 12.34 元，终端 370900000001", "旧密码无效（63C2）", "63C2, 63C1, 63C0, 6983", "条 APDU",
    ),
    "en": (
        "checked by PSAM 370900000001", "Holder 张*, PIN tries left: 3", "Balance 100.00 yuan", "Sold for 12.34 yuan",
        "*** CHARGED ***", "Balance on the card now 87.66 yuan", "12.34 yuan at", "The old PIN fails (63C2)",
        "63C2, 63C1, 63C0, 6983", "APDUs",
    ),
}  # fmt: skip


def assert_told(done: Done, language: str, steps: int) -> None:
    assert done.code == 0, done
    assert done.out.count(" ✓ ") == steps
    assert "✗" not in done.out
    for words in SAID[language]:
        assert words in done.out


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_loopback_demo_tells_the_whole_story_and_says_what_it_is_first(
    language: str, sscard: Sscard
) -> None:
    done = sscard("demo", "--loopback", "--lang", language)

    assert ("回环方式，卡在本进程内" if language == "zh" else "loopback") in done.out.splitlines()[0]
    assert_told(done, language, len(STEPS))


def test_the_demo_as_json(sscard: Sscard) -> None:
    told = sscard("demo", "--loopback", "--json").json

    assert [step["step"] for step in told["steps"]] == STEPS
    assert all(step["held"] for step in told["steps"])
    assert told["apdus"] > 30
    assert told["bytes"] > 500


def test_a_sale_takes_at_most_sixteen_card_exchanges(sscard: Sscard) -> None:
    assert sscard("demo", "--loopback", "--json").json["sale_apdus"] <= 16


def test_the_trace_of_the_demo_can_be_read_back_and_shows_no_pin(sscard: Sscard, tmp_path: Path) -> None:
    sscard("demo", "--loopback", "--trace", "trace.txt")
    text = (tmp_path / "trace.txt").read_text("utf-8")

    commands = [str(exchange.command) for exchange in Transcript.parse(text).exchanges]

    assert "0020000003******" in commands
    assert "805E010007**************" in commands
    assert "123456" not in text and "654321" not in text
    assert {"# [card]", "# [psam]", "# [second card]"} <= set(text.splitlines())


def test_a_step_that_does_not_hold_ends_the_demo_with_a_cross(
    sscard: Sscard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(story, "debit", lambda *_: Declined(Reason.PSAM_TROUBLE))

    done = sscard("demo", "--loopback")

    assert done.code == 3
    assert " ✗ sell: psam-trouble" in done.out
    assert "A step did not hold: sell (psam-trouble)" in done.err


@pytest.mark.parametrize(("language", "words"), [("zh", "没有安装 pcscd"), ("en", "pcscd is not installed")])
def test_where_pcsc_cannot_be_had_it_says_how_to_get_it_and_does_not_fall_back(
    language: str, words: str, sscard: Sscard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(*_: object) -> None:
        raise PcscdUnavailable("pcscd is not installed; as root: apt-get install pcscd vsmartcard-vpcd")

    monkeypatch.setattr(stage.PrivatePcscd, "__enter__", unavailable)

    done = sscard("demo", "--lang", language)

    assert done.code == 3
    assert words in done.err
    assert "sscard demo --loopback" in done.err
    assert " ✓ " not in done.out


def test_the_loopback_demo_needs_no_pyscard() -> None:
    code = (
        "import sys; sys.modules['smartcard'] = None\n"
        "from sscard_terminal.cli.main import program\n"
        "program(['demo', '--loopback', '--lang', 'en'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)

    assert done.returncode == 0, done.stderr


def test_without_pyscard_a_command_says_so_in_one_sentence() -> None:
    code = (
        "import sys; sys.modules['smartcard'] = None\n"
        "from sscard_terminal.cli.main import program\n"
        "program(['read', '--lang', 'zh'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30)

    assert done.returncode == 3
    assert re.fullmatch(r"PC/SC 不能加载（.*），未扣款，请运行 sscard doctor 查明。\n", done.stderr)


@pytest.mark.vpcd
@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_real_demo_tells_the_whole_story_over_a_private_pcscd(language: str, tmp_path: Path) -> None:
    trace = tmp_path / "trace.txt"

    done = sscard_process("demo", "--trace", trace, LC_ALL="zh_CN.UTF-8" if language == "zh" else "C.UTF-8")

    assert_told(done, language, len(STEPS) + 1)
    assert "Virtual PCD A 00 00" in done.out
    assert "> B02C01000F" in trace.read_text("utf-8")
