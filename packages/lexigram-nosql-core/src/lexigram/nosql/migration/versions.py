"""Versions of migrations and their order.

A version is any short text. Runs of digits in it count as numbers, so ``2`` comes before ``10``, ``v9`` before ``v10``
and ``2026-02-01`` before ``2026-11-01``; a number comes before text. Versions that differ only in leading zeros would
have no order, so they are one version and cannot stand side by side.
"""

from __future__ import annotations

import re

from lexigram.nosql.exceptions import MigrationError

__all__ = ["LOCK_ID", "VersionKey", "check_version", "version_key"]

LOCK_ID = "_lock"
"""The ``_id`` of the lock, which stands among the records and therefore is no version."""

VersionKey = tuple[tuple[int, int, str], ...]

_PARTS = re.compile(r"[0-9]+|[^0-9]+")
_LONGEST = 200


def version_key(version: str) -> VersionKey:
    """The place of a version in the order.

    Args:
        version: The version.

    Returns:
        A tuple that compares as the versions do.
    """
    return tuple((0, int(part), "") if part[0] in "0123456789" else (1, 0, part) for part in _PARTS.findall(version))


def check_version(version: str) -> str:
    """Refuse what cannot be a version.

    Args:
        version: What the caller gave.

    Returns:
        The same text.

    Raises:
        MigrationError: It is no text, empty, longer than 200 characters, has spaces around it, or a slash or control
            characters in it.
    """
    if not isinstance(version, str):  # pyright: ignore[reportUnnecessaryIsInstance] - callers are not all typed
        raise MigrationError(f"a version is text, not {type(version).__name__}", hint="Write it in quotes: '0001'.")
    odd = version != version.strip() or not version.isprintable() or "/" in version or version == LOCK_ID
    if not version or len(version) > _LONGEST or odd:
        raise MigrationError(
            f"{version[:_LONGEST]!r} cannot be a version, or the name of a manager",
            hint=f"Use 1 to {_LONGEST} printable characters without slashes, such as '0001' or '2026.11'.",
        )
    return version
