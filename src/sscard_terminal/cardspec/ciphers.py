"""The two cipher suites, 3DES and SM4: block encryption, MAC, session key, diversification, data, authentication.

Not here: which bytes go in (transaction, commands) and which key is whose (keys, applets).
The only room of the `cryptography` package. Its facts: two-key 3DES lives in the decrepit module and wants 24 bytes
(K1 K2 K1, single DES K K K); shorter keys only warn today and will be refused. Building the Cipher object is what
costs, not the blocks (pcsc.md §5).
Source: card.md §6.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, CipherAlgorithm, CipherContext, modes
from cryptography.hazmat.primitives.ciphers.algorithms import SM4 as _Sm4Algorithm
from cryptography.hazmat.primitives.constant_time import bytes_eq

from sscard_terminal.iso7816.errors import FormatError

AlgorithmName = Literal["3DES", "SM4"]
MAC_LENGTH = 4
FACTOR_LENGTH = 8


def pad(data: bytes, block: int) -> bytes:
    """Data, 80, then 00 to the block; a full last block gets a whole block of padding. Source: card.md §6.3."""
    return data + b"\x80" + bytes(-(len(data) + 1) % block)


def pad_if_short(data: bytes, block: int) -> bytes:
    """As `pad`, but nothing is added to whole blocks. Source: card.md §6.5."""
    return pad(data, block) if len(data) % block else data


def equal(left: bytes, right: bytes) -> bool:
    """Comparison in constant time, for PINs, MACs and authentication data."""
    return bytes_eq(left, right)


def exclusive_or(left: bytes, right: bytes) -> bytes:
    """Byte by byte; both of one length."""
    width = len(left)
    return (int.from_bytes(left, "big") ^ int.from_bytes(right, "big")).to_bytes(width, "big")


def inverted(data: bytes) -> bytes:
    """NOT, byte by byte."""
    return bytes(byte ^ 0xFF for byte in data)


class CipherSuite(Protocol):
    """One of the two ways of card.md §6. All keys and data are bytes; no method keeps a key."""

    @property
    def name(self) -> AlgorithmName: ...

    @property
    def block(self) -> int:
        """Block length in bytes, 8 or 16."""

    @property
    def algorithm_id(self) -> int:
        """The algorithm byte of key records and INITIALIZE answers: 00 3DES, 03 SM4 (card.md §9.23)."""

    def encrypt(self, key: bytes, data: bytes) -> bytes:
        """ECB over whole blocks."""

    def decrypt(self, key: bytes, data: bytes) -> bytes:
        """ECB over whole blocks, backwards."""

    def chain(self, key: bytes, start: bytes, blocks: bytes) -> bytes:
        """The last block of the CBC encryption of whole blocks, `start` as initial value."""

    def fold(self, last_block: bytes) -> bytes:
        """The 4 MAC bytes out of the last block."""

    def mac(self, key: bytes, data: bytes) -> bytes:
        """The 4-byte MAC over `data`, initial value 0, padded. Source: card.md §6.3."""

    def session_key(self, key: bytes, seed: bytes) -> bytes:
        """The session key for a challenge of 4, 8 or 16 bytes or 8 transaction bytes. Source: card.md §6.2."""

    def diversify(self, key: bytes, factor: bytes) -> bytes:
        """The key one level down, for an 8-byte factor. Source: card.md §6.1."""

    def encrypt_data(self, session_key: bytes, plain: bytes) -> bytes:
        """Length byte, plain, padding, encrypted. Source: card.md §6.5."""

    def decrypt_data(self, session_key: bytes, cryptogram: bytes) -> bytes:
        """The plain bytes back.

        Raises:
            FormatError: no whole blocks, a length byte that does not fit, or wrong padding.
        """

    def authentication_data(self, session_key: bytes, original: bytes) -> bytes:
        """8 bytes over the 8-byte original information. Source: card.md §6.6."""

    def tac_key(self, dtk: bytes) -> bytes:
        """The key of the TAC. Source: card.md §6.4."""

    def direct_mac(self, key: bytes, data: bytes, start: bytes) -> bytes:
        """4-byte MAC with a 16-byte key used as it is, `start` filled with 00 to the block as initial value.

        For key loading (card.md §5.5) and, from zero, the code in the card identification code (§6.9).
        """


class _Encryptors(threading.local):
    """Keyed ECB encryptors, kept because building one costs ten times its use (pcsc.md §5).

    One set a thread: an encryptor serves one caller at a time. ECB over whole blocks leaves no state behind.
    """

    MOST = 64

    def __init__(self) -> None:
        self._kept: dict[bytes, CipherContext] = {}

    def encrypt(self, algorithm: Callable[[bytes], CipherAlgorithm], key: bytes, data: bytes) -> bytes:
        encryptor = self._kept.get(key)
        if encryptor is None:
            if len(self._kept) >= self.MOST:
                self._kept.clear()
            encryptor = self._kept[key] = Cipher(algorithm(key), modes.ECB()).encryptor()
        return encryptor.update(data)


def _ecb_back(algorithm: CipherAlgorithm, data: bytes) -> bytes:
    return Cipher(algorithm, modes.ECB()).decryptor().update(data)


def _cbc(algorithm: CipherAlgorithm, start: bytes, data: bytes) -> bytes:
    return Cipher(algorithm, modes.CBC(start)).encryptor().update(data)


def _decoded(plain: bytes, block: int) -> bytes:
    length = plain[0]
    body, rest = plain[1 : 1 + length], plain[1 + length :]
    if len(body) < length or len(rest) >= block or pad_if_short(plain[: 1 + length], block) != plain:
        raise FormatError("length or padding of the encrypted data is wrong")
    return body


_TRIPLE_DES_ENCRYPTORS, _SM4_ENCRYPTORS = _Encryptors(), _Encryptors()


@dataclass(frozen=True, slots=True)
class TripleDesSuite:
    """DES and two-key 3DES: blocks of 8 bytes, keys of 8 (DES) or 16 bytes."""

    name: AlgorithmName = "3DES"
    block: int = 8
    algorithm_id: int = 0x00

    @staticmethod
    def _algorithm(key: bytes) -> CipherAlgorithm:
        match len(key):
            case 8:
                return TripleDES(key * 3)
            case 16:
                return TripleDES(key + key[:8])
        raise FormatError(f"a DES key has 8 or 16 bytes, this one {len(key)}")

    def encrypt(self, key: bytes, data: bytes) -> bytes:
        return _TRIPLE_DES_ENCRYPTORS.encrypt(self._algorithm, key, data)

    def decrypt(self, key: bytes, data: bytes) -> bytes:
        return _ecb_back(self._algorithm(key), data)

    def chain(self, key: bytes, start: bytes, blocks: bytes) -> bytes:
        return _cbc(self._algorithm(key), start, blocks)[-8:]

    def fold(self, last_block: bytes) -> bytes:
        return last_block[:MAC_LENGTH]

    def mac(self, key: bytes, data: bytes) -> bytes:
        return _cbc(self._algorithm(key), bytes(8), pad(data, 8))[-8:-4]

    def session_key(self, key: bytes, seed: bytes) -> bytes:
        if len(seed) not in (4, 8):
            raise FormatError(f"a DES session key comes from 4 or 8 bytes, not {len(seed)}")
        return self.encrypt(key, seed.ljust(8, b"\x00"))

    def diversify(self, key: bytes, factor: bytes) -> bytes:
        if len(factor) != FACTOR_LENGTH:
            raise FormatError(f"a diversification factor has 8 bytes, this one {len(factor)}")
        return self.encrypt(key, factor if len(key) == 8 else factor + inverted(factor))

    def encrypt_data(self, session_key: bytes, plain: bytes) -> bytes:
        return self.encrypt(session_key, pad_if_short(bytes((len(plain),)) + plain, 8))

    def decrypt_data(self, session_key: bytes, cryptogram: bytes) -> bytes:
        if not cryptogram or len(cryptogram) % 8:
            raise FormatError("encrypted data come in whole blocks")
        return _decoded(self.decrypt(session_key, cryptogram), 8)

    def authentication_data(self, session_key: bytes, original: bytes) -> bytes:
        return self.encrypt(session_key, original)

    def tac_key(self, dtk: bytes) -> bytes:
        return exclusive_or(dtk[:8], dtk[8:])

    def direct_mac(self, key: bytes, data: bytes, start: bytes) -> bytes:
        """DES chain with the left half, the last block in 3DES. Source: card.md §6.3, last lines."""
        blocks, start = pad(data, 8), start.ljust(8, b"\x00")
        before = self.chain(key[:8], start, blocks[:-8]) if len(blocks) > 8 else start
        return self.chain(key, before, blocks[-8:])[:MAC_LENGTH]


@dataclass(frozen=True, slots=True)
class Sm4Suite:
    """SM4: blocks and keys of 16 bytes."""

    name: AlgorithmName = "SM4"
    block: int = 16
    algorithm_id: int = 0x03

    @staticmethod
    def _algorithm(key: bytes) -> CipherAlgorithm:
        if len(key) != 16:
            raise FormatError(f"an SM4 key has 16 bytes, this one {len(key)}")
        return _Sm4Algorithm(key)

    def encrypt(self, key: bytes, data: bytes) -> bytes:
        return _SM4_ENCRYPTORS.encrypt(self._algorithm, key, data)

    def decrypt(self, key: bytes, data: bytes) -> bytes:
        return _ecb_back(self._algorithm(key), data)

    def chain(self, key: bytes, start: bytes, blocks: bytes) -> bytes:
        return _cbc(self._algorithm(key), start, blocks)[-16:]

    def fold(self, last_block: bytes) -> bytes:
        left = exclusive_or(last_block[:8], last_block[8:])
        return exclusive_or(left[:4], left[4:])

    def mac(self, key: bytes, data: bytes) -> bytes:
        return self.fold(self.chain(key, bytes(16), pad(data, 16)))

    def session_key(self, key: bytes, seed: bytes) -> bytes:
        if len(seed) not in (4, 8, 16):
            raise FormatError(f"an SM4 session key comes from 4, 8 or 16 bytes, not {len(seed)}")
        return self.encrypt(key, seed.ljust(16, b"\x00"))

    def diversify(self, key: bytes, factor: bytes) -> bytes:
        if len(factor) != FACTOR_LENGTH:
            raise FormatError(f"a diversification factor has 8 bytes, this one {len(factor)}")
        return self.encrypt(key, factor + inverted(factor))

    def encrypt_data(self, session_key: bytes, plain: bytes) -> bytes:
        return self.encrypt(session_key, pad_if_short(bytes((len(plain),)) + plain, 16))

    def decrypt_data(self, session_key: bytes, cryptogram: bytes) -> bytes:
        if not cryptogram or len(cryptogram) % 16:
            raise FormatError("encrypted data come in whole blocks")
        return _decoded(self.decrypt(session_key, cryptogram), 16)

    def authentication_data(self, session_key: bytes, original: bytes) -> bytes:
        both = self.encrypt(session_key, original.ljust(16, b"\x00"))
        return exclusive_or(both[:8], both[8:])

    def tac_key(self, dtk: bytes) -> bytes:
        return dtk

    def direct_mac(self, key: bytes, data: bytes, start: bytes) -> bytes:
        return self.fold(self.chain(key, start.ljust(16, b"\x00"), pad(data, 16)))


TRIPLE_DES = TripleDesSuite()
SM4 = Sm4Suite()
_SUITES: dict[str, CipherSuite] = {suite.name: suite for suite in (TRIPLE_DES, SM4)}


def suite_named(name: str) -> CipherSuite:
    """The suite a description names "3DES" or "SM4".

    Raises:
        FormatError: any other name; SSF33 is not public (card.md §9.29).
    """
    try:
        return _SUITES[name]
    except KeyError:
        raise FormatError(f"algorithm {name!r} is not known; 3DES and SM4 are") from None
