"""How many exchanges a second are told in words (voice/apdus), over the fixtures' conversations; target 50,000.

Run: python -m benchmarks.apdu_words
"""

from __future__ import annotations

import time
from pathlib import Path

from sscard_terminal.voice.apdus import Telling

CONVERSATIONS = Path(__file__).parents[1] / "fixtures/conversations"
SECONDS = 2.0


def lines() -> list[tuple[str, bytes]]:
    """Commands and answers of all conversations; masked bytes stand as 11."""
    found = []
    for file in sorted(CONVERSATIONS.glob("*.apdu")):
        for line in file.read_text("utf-8").splitlines():
            octets = line[1:].partition("#")[0].replace("*", "1").strip()
            if line[:1] in "<>" and octets:
                found.append((line[0], bytes.fromhex(octets)))
    return found


def main() -> None:
    conversation, telling = lines(), Telling("zh")
    told, began = 0, time.process_time()
    while (spent := time.process_time() - began) < SECONDS:
        for kind, raw in conversation:
            telling.command(raw) if kind == ">" else telling.answer(raw)
        told += len(conversation) // 2
    print(f"{told / spent:,.0f} exchanges a second of CPU")


if __name__ == "__main__":
    main()
