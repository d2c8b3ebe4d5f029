"""The shop's program against virtual cards in a virtual PC/SC reader: no hardware."""

import pytest
from pharmacy_shop.members import Greeting, NoMember, greet


@pytest.mark.sscard(person="li-si", balance="87.65", pin="246810")
def test_a_member_is_greeted_with_number_and_balance(pcsc_reader, virtual_card):
    card = virtual_card()
    pcsc_reader.insert(card)

    assert greet(pcsc_reader.name, "246810") == Greeting(card.number, 87_65, 3)


@pytest.mark.parametrize("profile", ["gen1-16k", "gen2-32k", "gen3"])
def test_every_generation_is_read(pcsc_reader, virtual_card, profile):
    card = virtual_card(profile=profile, balance="1.00")
    pcsc_reader.insert(card)

    assert greet(pcsc_reader.name, card.pin).balance == 1_00


def test_without_a_pin_nothing_is_tried(pcsc_reader, virtual_card):
    card = virtual_card(balance="5.00")
    pcsc_reader.insert(card)

    assert greet(pcsc_reader.name) == Greeting(card.number, None, 3)
    assert card.tries_left == 3


def test_a_wrong_pin_leaves_two_tries_and_shows_no_balance(pcsc_reader, virtual_card):
    card = virtual_card(balance="5.00")
    pcsc_reader.insert(card)

    assert greet(pcsc_reader.name, "999999") == Greeting(card.number, None, 2)
    assert card.tries_left == 2


@pytest.mark.sscard(wrong_pins=3)
def test_a_locked_card_is_not_asked_again(pcsc_reader, virtual_card, transcript):
    card = virtual_card()
    pcsc_reader.insert(card)

    assert greet(pcsc_reader.name, card.pin).tries_left == 0
    verifies = [exchange for exchange in transcript.of(card).exchanges if exchange.command.values[1] == 0x20]
    assert len(verifies) == 1  # the question how many tries are left


@pytest.mark.sscard(balance="100.00")
def test_a_sale_of_the_terminal_is_among_the_purchases(pcsc_reader, terminal):
    terminal.debit("12.34")
    terminal.wait(minutes=5)
    terminal.debit("0.66")

    pcsc_reader.insert(terminal.card)

    assert greet(pcsc_reader.name, terminal.card.pin).purchases == (66, 12_34)


def test_no_card_is_a_sentence_for_the_cashier(pcsc_reader):
    with pytest.raises(NoMember, match="put the card in"):
        greet(pcsc_reader.name)


def test_a_card_that_is_torn_out_is_a_sentence_for_the_cashier(pcsc_reader, virtual_card, tear):
    card = virtual_card()
    pcsc_reader.insert(card)
    tear(card, after_writes=0)

    with pytest.raises(NoMember, match="put it in again"):
        greet(pcsc_reader.name, card.pin)


def test_the_terminals_module_is_no_members_card(psam_reader):
    with pytest.raises(NoMember, match="no social security card"):
        greet(psam_reader.name)
