"""One exchange as a packet of a network, as Osmocom's tools send it: IPv4, UDP, GSMTAP version 2 of type SIM.

Command and answer stand one after the other in one packet. Where the first ends a packet does not say, so the length of
the command stands in GSMTAP's frame number, which means nothing for a SIM; others leave it 0, and the cut is guessed.
Source: libosmocore gsmtap.h; RFC 791; RFC 768.
"""

from __future__ import annotations

import struct

GSMTAP_PORT = 4729
FIRST_SOURCE_PORT = 52_000
"""Of the first card; the next card has the next."""
_IP = struct.Struct("!BBHHHBBH4s4s")
_UDP = struct.Struct("!HHHH")
_GSMTAP = struct.Struct("!BBBBHbbIBBBB")
IP_LENGTH, UDP_LENGTH, GSMTAP_LENGTH = _IP.size, _UDP.size, _GSMTAP.size
LOOPBACK = bytes((127, 0, 0, 1))
MOST_PAYLOAD = 0xFFFF - IP_LENGTH - UDP_LENGTH - GSMTAP_LENGTH
_UDP_PROTOCOL, _TYPE_SIM = 17, 4
APDU, ATR = 0, 1
"""GSMTAP's subtypes of SIM."""

_SENDING_INSTRUCTIONS = frozenset({0x84, 0xB0, 0xB2, 0xC0, 0xCA, 0xF2, 0x12, 0x26})
"""After these P3 is what is awaited, not what is sent. Source: ISO/IEC 7816-4; card.md §2.3 for 26."""


def packed(payload: bytes, source: int, command_length: int, subtype: int = APDU) -> bytes:
    """The IPv4 packet of one exchange of the card whose packets come from port `source`."""
    udp = UDP_LENGTH + GSMTAP_LENGTH + len(payload)
    total = IP_LENGTH + udp
    # All words of the header but the two that vary; their sum, folded, is the checksum (RFC 1071).
    check = 0x4500 + total + 0x4000 + (64 << 8 | _UDP_PROTOCOL) + 2 * (0x7F00 + 0x0001)
    check = (check & 0xFFFF) + (check >> 16)
    check = ~((check & 0xFFFF) + (check >> 16)) & 0xFFFF
    return (
        _IP.pack(0x45, 0, total, 0, 0x4000, 64, _UDP_PROTOCOL, check, LOOPBACK, LOOPBACK)
        + _UDP.pack(source, GSMTAP_PORT, udp, 0)
        + _GSMTAP.pack(2, GSMTAP_LENGTH // 4, _TYPE_SIM, 0, 0, 0, 0, command_length, subtype, 0, 0, 0)
        + payload
    )


def unpacked(packet: bytes) -> tuple[int, int, int, bytes] | None:
    """Source port, subtype, length of the command (0: not told) and payload; None where it is no GSMTAP of a SIM."""
    if len(packet) < IP_LENGTH or packet[0] >> 4 != 4 or packet[9] != _UDP_PROTOCOL:
        return None
    udp = packet[(packet[0] & 0x0F) * 4 : int.from_bytes(packet[2:4], "big")]
    if len(udp) < UDP_LENGTH + GSMTAP_LENGTH:
        return None
    source, port, *_ = _UDP.unpack_from(udp)
    version, words, kind, *_, number, subtype, _, _, _ = _GSMTAP.unpack_from(udp, UDP_LENGTH)
    if port != GSMTAP_PORT or version != 2 or kind != _TYPE_SIM or words * 4 < GSMTAP_LENGTH:
        return None
    return source, subtype, number, udp[UDP_LENGTH + 4 * words :]


def cut_of(payload: bytes, told: int) -> int:
    """Where the answer begins: as `told`, else by the rules of T=0 (P3 and the instruction's direction)."""
    if 4 <= told <= len(payload):
        return told
    length = len(payload)
    if length <= 6:
        return max(length - 2, 0)
    if payload[1] in _SENDING_INSTRUCTIONS or length < 5 + payload[4] + 2:
        return 5
    return 5 + payload[4]
