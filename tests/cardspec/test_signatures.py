"""Ed25519 against the known answers of RFC 8032."""

import pytest

from sscard_terminal.cardspec.signatures import is_signed, public_key_of, signature_of
from sscard_terminal.iso7816.errors import FormatError

# RFC 8032 §7.1, tests 1 and 2: seed, public key, message, signature.
KNOWN = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555"
        "fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
]


@pytest.mark.parametrize(("seed", "public", "message", "signature"), KNOWN)
def test_the_known_answers_are_made_and_accepted(
    seed: str, public: str, message: str, signature: str
) -> None:
    assert public_key_of(bytes.fromhex(seed)).hex() == public
    assert signature_of(bytes.fromhex(message), bytes.fromhex(seed)).hex() == signature
    assert is_signed(bytes.fromhex(message), bytes.fromhex(signature), bytes.fromhex(public))


def test_another_message_another_key_and_a_short_signature_are_not_signed() -> None:
    seed = bytes(32)
    signature, public = signature_of(b"list", seed), public_key_of(seed)

    assert not is_signed(b"lust", signature, public)
    assert not is_signed(b"list", signature, public_key_of(bytes([1]) * 32))
    assert not is_signed(b"list", signature[:-1], public)


def test_a_key_of_another_length_is_named_without_its_bytes() -> None:
    with pytest.raises(FormatError, match="private key has 32 bytes, this one 3"):
        signature_of(b"", b"key")
    with pytest.raises(FormatError, match="public key has 32 bytes, this one 3"):
        is_signed(b"", bytes(64), b"key")
