"""Events to the pages: the state first, then every change, in order; who was away hears what was missed, or begins anew."""

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import pytest

from sscard_terminal.counter import events
from sscard_terminal.counter.events import KEPT, MOST_BEHIND, Hub
from tests.counter.house import Browser, House

Value = TypeVar("Value")


def in_a_loop(work: Coroutine[Any, Any, Value]) -> Value:
    """What `work` ends in, from a loop in a thread of its own: the browser tests leave theirs running in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def shows(name: str, value: object) -> dict[str, object] | None:
    return {"value": value} if name == "told" else None


def stream(hub: Hub, last_id: str | None = None, may: list[bool] | None = None) -> AsyncIterator[bytes]:
    return hub.stream(lambda: [("told", "state")], shows, lambda: may is None or may[0], last_id)


async def heard(line: AsyncIterator[bytes], count: int) -> list[object]:
    """The next values; heartbeats and empty blocks are passed over."""
    values: list[object] = []
    while len(values) < count:
        block = (await anext(line)).decode()
        values += [json.loads(row[6:])["value"] for row in block.splitlines() if row.startswith("data: ")]
    return values


def test_who_comes_is_told_the_state_and_then_every_change() -> None:
    async def run() -> list[object]:
        hub = Hub("era")
        hub.publish("told", "before")
        line = stream(hub)
        first = await heard(line, 1)
        for change in (1, 2, 3):
            hub.publish("told", change)
        hub.publish("other", "not shown")
        return first + await heard(line, 3)

    assert in_a_loop(run()) == ["state", 1, 2, 3]


@pytest.mark.parametrize(
    ("last_id", "expected"),
    [
        ("era-1", [2, 3]),
        ("era-3", []),
        ("era-0", [1, 2, 3]),
        ("other-1", ["state"]),
        ("era-4", ["state"]),
        ("era-x", ["state"]),
        ("", ["state"]),
        ("-", ["state"]),
        ("era-" + "9" * 40, ["state"]),
    ],
)
def test_who_comes_back_hears_what_was_missed_or_begins_anew(last_id: str, expected: list[object]) -> None:
    async def run() -> list[object]:
        hub = Hub("era")
        for change in (1, 2, 3):
            hub.publish("told", change)
        line = stream(hub, last_id)
        await anext(line)
        block = (await anext(line)).decode()
        return [json.loads(row[6:])["value"] for row in block.splitlines() if row.startswith("data: ")]

    assert in_a_loop(run()) == expected


def test_what_is_kept_no_longer_cannot_be_caught_up_on() -> None:
    async def run() -> list[object]:
        hub = Hub("era")
        for change in range(KEPT + 2):
            hub.publish("told", change)
        return await heard(stream(hub, "era-1"), 1)

    assert in_a_loop(run()) == ["state"]


def test_a_page_too_slow_is_dropped() -> None:
    async def run() -> tuple[int, int]:
        hub = Hub("era")
        line = stream(hub)
        await heard(line, 1)
        for change in range(MOST_BEHIND + 1):
            hub.publish("told", change)
        behind = hub.listeners
        with pytest.raises(StopAsyncIteration):
            for _ in range(3):
                await anext(line)
        return behind, hub.listeners

    assert in_a_loop(run()) == (1, 0)


def test_a_silent_line_has_a_heartbeat(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "HEARTBEAT_S", 0.01)

    async def run() -> bytes:
        line = stream(Hub("era"))
        await heard(line, 1)
        return await anext(line)

    assert in_a_loop(run()) == b":\n\n"


def test_who_may_not_listen_any_longer_is_sent_away() -> None:
    async def run() -> list[bytes]:
        hub, may = Hub("era"), [True]
        line = stream(hub, may=may)
        await heard(line, 1)
        may[0] = False
        hub.publish("told", "secret")
        return [block async for block in line]

    assert in_a_loop(run()) == [b"event: gone\ndata: {}\n\n"]


def test_a_closed_hub_sends_everybody_home() -> None:
    async def run() -> list[bytes]:
        hub = Hub("era")
        line = stream(hub)
        await heard(line, 1)
        hub.close()
        return [block async for block in line]

    assert in_a_loop(run()) == []


def test_reconnecting_with_the_last_id_goes_on_where_the_line_broke(house: House, clerk: Browser) -> None:
    with clerk.client.stream("GET", "/clerk/events") as answer:
        first = next(line for line in answer.iter_lines() if line.startswith("id: "))
    house.reader.insert()
    clerk.until("ready")

    with clerk.listening(**{"Last-Event-ID": first.removeprefix("id: ")}) as missed:
        steps = []
        for name, value in missed:
            if name == "state":
                steps.append(value["step"])
            if steps and steps[-1] == "ready":
                break

    assert steps[-2:] == ["reading", "ready"]


def test_the_numbers_of_states_only_rise(house: House, clerk: Browser) -> None:
    numbers = []
    with clerk.listening() as told:
        house.reader.insert()
        for name, value in told:
            if name == "state":
                numbers.append(value["number"])
            if name == "state" and value["step"] == "ready":
                break

    assert numbers == sorted(set(numbers))
