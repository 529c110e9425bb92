"""Secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lexigram.contracts.security.secrets import (
        SecretNotFoundError as SecretNotFoundError,
    )
    from lexigram.contracts.security.secrets import (
        SecretResolverProtocol as SecretResolverProtocol,
    )
    from lexigram.contracts.security.secrets import (
        SecretStoreProtocol as SecretStoreProtocol,
    )
else:
    from lexigram.contracts._lazy import lazy_exports

    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "secrets": (
                "SecretNotFoundError",
                "SecretResolverProtocol",
                "SecretStoreProtocol",
            ),
        },
    )

__all__ = [
    "SecretNotFoundError",
    "SecretResolverProtocol",
    "SecretStoreProtocol",
]
