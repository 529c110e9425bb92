"""Secrets."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lexigram.contracts.security.secrets import (
        CredentialError,
        SecretNotFoundError,
        SecretResolverProtocol,
        SecretStoreProtocol,
    )
    from lexigram.contracts.security.stores import (
        AsyncSecretStoreProtocol,
    )
else:
    from lexigram.contracts.lazy import lazy_exports

    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "secrets": (
                "CredentialError",
                "SecretNotFoundError",
                "SecretResolverProtocol",
                "SecretStoreProtocol",
            ),
            "stores": ("AsyncSecretStoreProtocol",),
        },
    )

__all__ = [
    "AsyncSecretStoreProtocol",
    "CredentialError",
    "SecretNotFoundError",
    "SecretResolverProtocol",
    "SecretStoreProtocol",
]
