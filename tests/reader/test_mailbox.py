"""Both mailboxes hand things over in order and give up in time."""

import queue
import threading
from collections.abc import Callable

import pytest

from sscard_terminal.reader import mailbox as module
from sscard_terminal.reader.mailbox import EventMailbox, Mailbox, mailbox

KINDS = pytest.mark.parametrize("make", [EventMailbox, queue.SimpleQueue])


@KINDS
def test_things_come_out_in_the_order_they_went_in(make: Callable[[], Mailbox[int]]) -> None:
    box = make()
    for number in range(100):
        box.put(number)

    assert [box.get() for _ in range(100)] == list(range(100))


@KINDS
def test_an_empty_mailbox_gives_up_when_the_time_has_passed(make: Callable[[], Mailbox[int]]) -> None:
    box = make()

    with pytest.raises(queue.Empty):
        box.get(timeout=0.01)
    box.put(1)
    assert box.get(timeout=0.01) == 1


@KINDS
def test_a_sleeper_is_woken_by_another_thread(make: Callable[[], Mailbox[int]]) -> None:
    box = make()
    sender = threading.Timer(0.05, box.put, [7])
    sender.start()

    assert box.get(timeout=10) == 7
    sender.join()


def test_without_eventfd_a_queue_serves(mocker) -> None:  # type: ignore[no-untyped-def]
    mocker.patch.object(module, "os", spec=[])

    assert isinstance(mailbox(), queue.SimpleQueue)
