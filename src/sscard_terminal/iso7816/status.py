"""Status words: an int with a meaning, known or unknown, in both languages.

Not here: what a caller does about one. A word the table lacks is kept whole and called unknown.
Source: card.md §2.1 (list of part 5, table 5) and §2.3; ISO/IEC 7816-4 §5.1.3 for the families.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Language = Literal["zh", "en"]


class StatusWord(int):
    """SW1 SW2 as one number, 0000..FFFF.

    Raises:
        ValueError: a number that does not fit two bytes.
    """

    __slots__ = ()

    def __new__(cls, value: int) -> StatusWord:
        if not 0 <= value <= 0xFFFF:
            raise ValueError(f"a status word has two bytes, {value} does not fit")
        return super().__new__(cls, value)

    @property
    def sw1(self) -> int:
        return self >> 8

    @property
    def sw2(self) -> int:
        return self & 0xFF

    @property
    def is_success(self) -> bool:
        """9000, or 61xx: done, data waiting."""
        return self == 0x9000 or self >> 8 == 0x61

    @property
    def tries_left(self) -> int | None:
        """x of 63Cx, 0 for 6983 (locked), else None."""
        if self & 0xFFF0 == 0x63C0:
            return self & 0x0F
        return 0 if self == 0x6983 else None

    @property
    def more_available(self) -> int | None:
        """Bytes waiting for GET RESPONSE (61xx; 00 means 256), else None."""
        return (self & 0xFF) or 256 if self >> 8 == 0x61 else None

    @property
    def exact_ne(self) -> int | None:
        """The Ne the card wants (6Cxx; 00 means 256), else None."""
        return (self & 0xFF) or 256 if self >> 8 == 0x6C else None

    def meaning(self, language: Language = "en") -> str:
        """One short phrase; for a word no table has: "unknown status word"."""
        row = _find(self)
        if row is None:
            return "未知状态字" if language == "zh" else "unknown status word"
        text = row.zh if language == "zh" else row.en
        return text.format(x=self & 0x0F, xx=(self & 0xFF) or 256)

    def __str__(self) -> str:
        return f"{int(self):04X}"

    def __repr__(self) -> str:
        return f"StatusWord(0x{int(self):04X})"


@dataclass(frozen=True, slots=True)
class StatusMeaning:
    """One row of the list: `value` under `mask`, meaning in both languages, source."""

    name: str
    value: int
    mask: int
    zh: str
    en: str
    source: str


_P5 = "card.md §2.1"
_B0 = "card.md §2.1, §2.3"


def _word(name: str, value: int, zh: str, en: str, source: str = _P5) -> StatusMeaning:
    return StatusMeaning(name, value, 0xFFFF, zh, en, source)


def _family(name: str, value: int, mask: int, zh: str, en: str) -> StatusMeaning:
    return StatusMeaning(name, value, mask, zh, en, _P5)


STATUS_WORDS: tuple[StatusMeaning, ...] = (
    _word("OK", 0x9000, "成功", "done"),
    _family("MORE_AVAILABLE", 0x6100, 0xFF00, "还有 {xx} 字节可取", "{xx} bytes waiting"),
    _family("TRIES_LEFT", 0x63C0, 0xFFF0, "校验失败，还可再试 {x} 次", "verification failed, {x} tries left"),
    _word("MEMORY_FAILURE", 0x6581, "存储器故障", "memory failure"),
    _word("WRONG_LENGTH", 0x6700, "长度错误", "wrong length"),
    _word("WRONG_STATE", 0x6901, "命令与当前状态不符", "wrong state for this command"),
    _word("WRONG_FILE_TYPE", 0x6981, "命令与文件结构不符", "command does not fit the file type"),
    _word("SECURITY_NOT_SATISFIED", 0x6982, "安全状态不满足", "security status not satisfied"),
    _word("BLOCKED", 0x6983, "认证方法锁定", "authentication method locked"),
    _word("CHALLENGE_INVALID", 0x6984, "引用数据（随机数）无效", "referenced data (challenge) invalid"),
    _word("CONDITIONS_NOT_SATISFIED", 0x6985, "使用条件不满足", "conditions of use not satisfied"),
    _word("NO_CURRENT_EF", 0x6986, "没有当前 EF", "no current EF"),
    _word("MAC_MISSING", 0x6987, "安全报文缺少 MAC", "MAC missing (secure messaging)"),
    _word("MAC_WRONG", 0x6988, "安全报文 MAC 错误", "MAC wrong (secure messaging)"),
    _word("WRONG_DATA", 0x6A80, "数据域错误", "data field wrong"),
    _word(
        "FUNCTION_NOT_SUPPORTED", 0x6A81, "不支持此功能或卡已锁定", "function not supported or card blocked"
    ),
    _word("FILE_NOT_FOUND", 0x6A82, "文件未找到", "file not found"),
    _word("RECORD_NOT_FOUND", 0x6A83, "记录未找到", "record not found"),
    _word("FILE_FULL", 0x6A84, "文件已满", "file full"),
    _word("LC_NOT_TLV", 0x6A85, "Lc 与 TLV 结构不符", "Lc does not fit the TLV"),
    _word("WRONG_P1P2", 0x6A86, "P1、P2 错误", "P1 or P2 wrong"),
    _word("REFERENCE_NOT_FOUND", 0x6A88, "密钥或引用数据未找到", "key or reference not found"),
    _word("WRONG_OFFSET", 0x6B00, "偏移超出文件", "offset outside file"),
    _family("WRONG_LE", 0x6C00, 0xFF00, "Le 错误，实际 {xx} 字节", "Le wrong, {xx} bytes available"),
    _word("INS_UNKNOWN", 0x6D00, "INS 不支持", "INS unknown"),
    _word("CLA_UNKNOWN", 0x6E00, "CLA 不支持", "CLA unknown"),
    _word("NO_DATA", 0x6F00, "数据无效或没有数据", "no data"),
    _word("TRANSACTION_MAC_WRONG", 0x9302, "MAC 无效", "MAC invalid", _B0),
    _word("APPLICATION_BLOCKED", 0x9303, "应用永久锁定", "application permanently blocked", _B0),
    _word("INSUFFICIENT_BALANCE", 0x9401, "余额不足", "balance too small", _B0),
    _word("COUNTER_AT_MAXIMUM", 0x9402, "交易计数器已达最大值", "counter at maximum", _B0),
    _word("KEY_INDEX_NOT_SUPPORTED", 0x9403, "密钥索引不支持", "key index not supported", _B0),
    _word("PROOF_NOT_AVAILABLE", 0x9406, "所需 MAC 或 TAC 不可用", "requested MAC or TAC not available", _B0),
)

_BY_VALUE = {(row.mask, row.value): row for row in STATUS_WORDS}
_MASKS = (0xFFFF, 0xFFF0, 0xFF00)


def _find(sw: int) -> StatusMeaning | None:
    for mask in _MASKS:
        row = _BY_VALUE.get((mask, sw & mask))
        if row is not None:
            return row
    return None


OK = StatusWord(0x9000)
MEMORY_FAILURE = StatusWord(0x6581)
WRONG_LENGTH = StatusWord(0x6700)
WRONG_STATE = StatusWord(0x6901)
WRONG_FILE_TYPE = StatusWord(0x6981)
SECURITY_NOT_SATISFIED = StatusWord(0x6982)
BLOCKED = StatusWord(0x6983)
CHALLENGE_INVALID = StatusWord(0x6984)
CONDITIONS_NOT_SATISFIED = StatusWord(0x6985)
NO_CURRENT_EF = StatusWord(0x6986)
MAC_MISSING = StatusWord(0x6987)
MAC_WRONG = StatusWord(0x6988)
WRONG_DATA = StatusWord(0x6A80)
FUNCTION_NOT_SUPPORTED = StatusWord(0x6A81)
FILE_NOT_FOUND = StatusWord(0x6A82)
RECORD_NOT_FOUND = StatusWord(0x6A83)
FILE_FULL = StatusWord(0x6A84)
LC_NOT_TLV = StatusWord(0x6A85)
WRONG_P1P2 = StatusWord(0x6A86)
REFERENCE_NOT_FOUND = StatusWord(0x6A88)
WRONG_OFFSET = StatusWord(0x6B00)
INS_UNKNOWN = StatusWord(0x6D00)
CLA_UNKNOWN = StatusWord(0x6E00)
NO_DATA = StatusWord(0x6F00)
TRANSACTION_MAC_WRONG = StatusWord(0x9302)
APPLICATION_BLOCKED = StatusWord(0x9303)
INSUFFICIENT_BALANCE = StatusWord(0x9401)
COUNTER_AT_MAXIMUM = StatusWord(0x9402)
KEY_INDEX_NOT_SUPPORTED = StatusWord(0x9403)
PROOF_NOT_AVAILABLE = StatusWord(0x9406)


def tries_left_word(tries: int) -> StatusWord:
    """63Cx for x tries left, 0..15."""
    return StatusWord(0x63C0 | tries)


def more_available_word(count: int) -> StatusWord:
    """61xx for `count` bytes waiting, 1..; 256 and more are coded 00."""
    return StatusWord(0x6100 | (count & 0xFF if count < 256 else 0))


def exact_ne_word(count: int) -> StatusWord:
    """6Cxx for the right Ne, 1..256."""
    return StatusWord(0x6C00 | (count & 0xFF))
