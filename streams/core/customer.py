"""Customers under another name: a keyed hash of the id that a source gave, so that no state, output, log or label has the id.

HMAC-SHA256 (RFC 2104), cut to 96 bits: two of 10 million customers share a name once in 10^15 installations. The surprise: ids
seen lately are held beside their names, in memory only: an interaction says its customer many times, and a hash costs 1 µs.
"""

import hmac
from base64 import urlsafe_b64encode

NAME_BYTES = 12  # 16 characters as text
REMEMBERED_MAX = 20_000  # about 3 MB; beyond it the memory begins anew


class Customers:
    """The names under one key. `remembered`: id → name, to be asked before `name`."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self.remembered: dict[str, str] = {}

    def name(self, customer_id: str) -> str:
        """The name of a customer, the same wherever the key is the same."""
        if len(self.remembered) >= REMEMBERED_MAX:
            self.remembered.clear()
        found = self.remembered[customer_id] = pseudonym(customer_id, self._key)
        return found


def pseudonym(customer_id: str, key: bytes) -> str:
    """16 characters of URL-safe base64 that tell nothing of the id to whoever lacks the key."""
    return urlsafe_b64encode(hmac.digest(key, customer_id.encode(), "sha256")[:NAME_BYTES]).decode()


def key_fingerprint(key: bytes) -> str:
    """Six hex digits that differ where keys do, and tell nothing of them."""
    return hmac.digest(key, b"fingerprint", "sha256")[:3].hex()
