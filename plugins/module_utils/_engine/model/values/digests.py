# SPDX-License-Identifier: GPL-3.0-or-later
"""Content digests as text: ``sha256:HEX``. Source: OCI image-spec, descriptor.md, "Digests"."""

from __future__ import annotations

import re

#: Number of hex digits by algorithm: those that the specification registers, and sha384, which its Go library supports.
ALGORITHMS = {"sha256": 64, "sha384": 96, "sha512": 128}
DIGEST = re.compile("|".join(f"{name}:[0-9a-f]{{{digits}}}" for name, digits in ALGORITHMS.items()))


def algorithm(digest: str) -> str:
    """Return the name of a digest's algorithm."""
    return digest.partition(":")[0]


def of_digits(digits: str) -> str | None:
    """Return the digest for hex digits, with the algorithm chosen by their number; None if they are invalid."""
    found = (f"{name}:{digits}" for name, count in ALGORITHMS.items() if count == len(digits))
    return next((digest for digest in found if DIGEST.fullmatch(digest)), None)
