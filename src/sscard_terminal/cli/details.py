"""The details inside a sentence, in Chinese: what the parts of the product say in English about wrong bytes.

Not here: whole sentences (messages). A detail no row knows is left out in Chinese rather than shown in English.
"""

from __future__ import annotations

import re

from sscard_terminal.iso7816.status import Language

OTHERWISE = "内容有误"
NO_PCSCD = "私有 pcscd 不能启动"

ROWS: tuple[tuple[str, str], ...] = (
    # Person files (card/person.py, card/personalise.py).
    (r".*no TOML: .*\(at line (\d+), column (\d+)\)", "不是 TOML：第 {0} 行第 {1} 列有误"),
    (r".*no TOML: .*", "不是 TOML"),
    (r"is not known here", "此处没有这个字段"),
    (r"is missing", "缺少此字段"),
    # Configurations (terminal/configuration.py).
    (r"must be true or false", "须为 true 或 false"),
    (r"must be a list of codes of 6 digits", "须为 6 位数字代码的列表"),
    (r"must be a list of texts", "须为文本的列表"),
    (r'must be a time of day as a text, such as "(.*)"', '须为文本形式的时刻，如 "{0}"'),
    (r'must be yuan as a text, such as "(.*)"', '须为文本形式的金额（元），如 "{0}"'),
    (r'must be a percentage as a text, such as "(.*)" or "(.*)"', '须为文本形式的百分比，如 "{0}" 或 "{1}"'),
    (r"is more than the self-paid share leaves", "超过自付比例之外的部分"),
    (r"must be more than nothing", "须大于零"),
    (r"must be file:PATH", "须为 file:路径"),
    (r"must be a whole number from (\d+) to (\d+)", "须为 {0} 至 {1} 的整数"),
    (r"is below a narrower ceiling", "低于范围更小的限额"),
    (r"this table is missing", "缺少此表"),
    (
        r"must be text, none, device:PATH, network:HOST:PORT or file:PATH",
        "须为 text、none、device:路径、network:主机:端口 或 file:路径",
    ),
    (r"must be a text", "须为文本"),
    (r"must be one of (.*)", "须为 {0} 之一"),
    (r"must be (\d+) digits", "须为 {0} 位数字"),
    (r"must be (\d+) hex digits", "须为 {0} 位十六进制数字"),
    (r"must be a date such as (.*)", "须为日期，如 {0}"),
    (r"must be 17 digits and a digit or X", "须为 17 位数字加一位数字或 X"),
    (r"has a wrong check digit \(GB 11643\)", "校验位有误（GB 11643）"),
    (r"must be eight characters 0-9, A-Z and a check character", "须为 8 位数字或大写字母加一位校验符"),
    (r"has a wrong check character", "校验符有误"),
    (r"must lie after issued", "须晚于发卡日期"),
    (r"a record is two hex digits = a text", "记录须写成：两位十六进制数字 = 文本"),
    (r"the name is longer than (\d+) and (\d+) bytes", "姓名超过 {0} 加 {1} 字节"),
    (r"\[records\.(.*)\]: (.*) has no such file", "[records.{0}]：{1} 没有这个文件"),
    (r"\[records\.(.*)\]: (.*) has no record (.*) there", "[records.{0}]：{1} 在此没有记录 {2}"),
    (r"(\S+) record (..): (\d+) bytes, at most (\d+) fit", "{0} 记录 {1}：{2} 字节，最多 {3} 字节"),
    (r"a cn field has digits only", "cn 类型的字段只能是数字"),
    (r"(\d+) digits do not fit (\d+) bytes", "{0} 位数字放不进 {1} 字节"),
    # Rows of people (card/people.py) and settings (cardspec/amount_settings.py).
    (r"has more cells than the heading has columns", "单元格多于表头的列"),
    (r"is not known here, or stands twice", "没有这一列，或重复"),
    (r"this column is missing", "缺少此列"),
    (r"no CSV: .*", "不是 CSV"),
    (r"must be a file name without a folder", "须为不带文件夹的文件名"),
    (r"must be a whole number", "须为整数"),
    (r"must be at most (\d+)", "最大为 {0}"),
    (r"must be a year YYYY", "须为年份 YYYY"),
    (r"must be a day MMDD", "须为日期 MMDD"),
    (r"(\d+) fen is outside .*", "{0} 分超出范围"),
    # Key files (cardspec/keys.py).
    (r"the key file has no key (.*)", "缺少密钥 {0}"),
    (r"the key file has an unknown entry '?(.*?)'?", "有未知的条目 {0}"),
    (r"the key file needs a table \[roots\].*", "须有表 [roots]；derive_missing 须为文本"),
    (r"key (.*): 32 hex digits are expected", "密钥 {0} 须为 32 位十六进制数字"),
    # Images (card/image.py, card/nvm.py).
    (r"it is cut short inside its header", "文件头不完整"),
    (r"its header is damaged", "文件头损坏"),
    (r"it has (\d+) bytes, its header says (\d+)", "有 {0} 字节，文件头写明 {1} 字节"),
    (r"it is damaged: its bytes changed after it was closed", "关闭之后内容被改动"),
    (r"it is damaged in its seal", "封记损坏"),
    (r"it is damaged in page (\d+)", "第 {0} 页损坏"),
    (r"it is damaged in its journal", "日志区损坏"),
    # Recordings (lab/traces).
    (r"nothing tells the format; name it", "看不出是什么格式，请用 --from 指明"),
    (
        r"expected pairs of hexadecimal digits, or \*\* for a masked byte",
        "须为成对的十六进制数字，隐去的字节写作 **",
    ),
    (r"expected pairs of hexadecimal digits", "须为成对的十六进制数字"),
    (r"a command has at least (\d+) bytes, this one (\d+)", "命令至少 {0} 字节，此处 {1} 字节"),
    (r"an answer has at least (\d+) bytes, this one (\d+)", "应答至少 {0} 字节，此处 {1} 字节"),
    (r"a command has at least (\d+) bytes", "命令至少 {0} 字节"),
    (r"an answer without a command before it", "应答之前没有命令"),
    (r"a command without an answer or a link line after it", "命令之后没有应答，也没有 link 行"),
    (r"expected a line that starts with >, < or #", "每行须以 >、< 或 # 开头"),
    (r"unknown reason for a broken link", "连接中断的原因不明"),
    (r"expected (\d+) bytes of a dump", "此处应有 {0} 字节"),
    (r"no JSON( of ours: nested too deep)?", "不是 JSON"),
    (r"expected an object", "须为 JSON 对象"),
    (r'expected "is": "exchange", "reset" or "remark"', '"is" 须为 "exchange"、"reset" 或 "remark"'),
    (r"(\w+) is a text", "{0} 须为文本"),
    (r"time_us is a number of microseconds", "time_us 须为微秒数"),
    (r"no pcapng: .*", "不是 pcapng"),
    (r"the file ends within a block.*", "文件在块中间结束，或块的两个长度不一致"),
    (r"command and answer are too long for one packet", "命令与应答太长，一个包放不下"),
    (r"a packet of an interface nobody described, or cut", "包所属的接口没有说明，或包不完整"),
    (r"a packet without a header", "包没有头部"),
    (r"an interface without a link type", "接口没有链路类型"),
    (r"a block has no length a block can have", "块的长度不可能"),
    (r"too many interfaces", "接口太多"),
    (r"an option runs past its block", "选项超出所在的块"),
    (r"expected a thread's number and @", "每行须以线程号和 @ 开头"),
    (r"expected >\|seconds\|microseconds\|function", "须为 >|秒|微秒|函数"),
    # The private pcscd (reader/private_pcscd).
    (r"pcscd is not installed; as root: (.*)", "没有安装 pcscd，请以 root 运行 {0}"),
    (
        r"the virtual reader's driver (.*) is missing; as root: (.*)",
        "缺少虚拟读卡器驱动 {0}，请以 root 运行 {1}",
    ),
    (r"pcscd wants a directory /run/pcscd; as root: (.*)", "缺少目录 /run/pcscd，请以 root 运行 {0}"),
    (r"pcscd did not start: .*", "pcscd 未能启动"),
    (r"there are no (\d+) free TCP ports in a row on this machine", "本机没有 {0} 个相连的空闲 TCP 端口"),
)
"""A pattern for the whole English text, and the Chinese one with its groups filled in."""


def detail_in(language: Language, english: str, otherwise: str = OTHERWISE) -> str:
    """`english`, a short text of an error, in `language`."""
    if language == "en":
        return english
    for pattern, chinese in ROWS:
        if (match := re.fullmatch(pattern, english, re.DOTALL)) is not None:
            return chinese.format(*match.groups())
    return otherwise
