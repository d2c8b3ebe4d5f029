"""Signatures of what the centre hands to terminals: Ed25519, made with a private key, checked with the public one.

Not here: what is signed (terminal.hotlist) and the cards' own MACs (ciphers).
Source: RFC 8032 §5.1. The card specification only asks that a terminal authenticates an update (terminal.md,
"Hotlist"); the algorithm is our choice: a terminal that is stolen holds nothing one could sign with.
"""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from sscard_terminal.iso7816.errors import FormatError

KEY_LENGTH = 32
SIGNATURE_LENGTH = 64


def is_signed(message: bytes, signature: bytes, public_key: bytes) -> bool:
    """Whether `signature` (64 bytes) over `message` was made with the private half of `public_key` (32 bytes).

    Raises:
        FormatError: the key has another length.
    """
    if len(public_key) != KEY_LENGTH:
        raise FormatError(f"a public key has {KEY_LENGTH} bytes, this one {len(public_key)}")
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def signature_of(message: bytes, private_key: bytes) -> bytes:
    """The signature, 64 bytes, over `message`; `private_key` is the 32-byte seed. For the centre, never a terminal.

    Raises:
        FormatError: the key has another length.
    """
    return _private(private_key).sign(message)


def public_key_of(private_key: bytes) -> bytes:
    """The public half, 32 bytes, of a 32-byte seed.

    Raises:
        FormatError: the key has another length.
    """
    return _private(private_key).public_key().public_bytes_raw()


def _private(key: bytes) -> Ed25519PrivateKey:
    if len(key) != KEY_LENGTH:
        raise FormatError(f"a private key has {KEY_LENGTH} bytes, this one {len(key)}")
    return Ed25519PrivateKey.from_private_bytes(key)
