"""What the counting connection counts."""

import itertools

import pytest

from sscard_terminal.reader.completing import completing
from sscard_terminal.reader.connection import CardRemoved
from sscard_terminal.reader.counting import Counts, counting
from tests.reader.doubles import breaking, command, played, saying


def test_bytes_are_counted_both_ways_with_header_and_status_word() -> None:
    connection = counting(saying("AABB9000"), clock=itertools.count(0.0, 0.5).__next__)

    connection.transmit(command("00B0000002"))
    connection.transmit(command("00A40000023F00"))

    assert connection.counts == Counts(apdus=2, bytes_out=5 + 7, bytes_in=4 + 4, waiting_s=1.0)


def test_a_command_without_an_answer_counts_as_sent() -> None:
    connection = counting(breaking(CardRemoved()), clock=itertools.count(0.0, 0.5).__next__)

    with pytest.raises(CardRemoved):
        connection.transmit(command("00B0000002"))

    assert connection.counts == Counts(apdus=1, bytes_out=5, bytes_in=0, waiting_s=0.5)


def test_inside_completion_it_counts_what_really_travels() -> None:
    replay = played("> 00B2010400\n< 6C03\n> 00B2010403\n< 010101 9000")
    connection = counting(replay)

    completing(connection).transmit(command("00B2010400"))

    assert connection.counts.apdus == 2
