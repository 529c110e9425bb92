"""Where secrets come from while the configuration is read."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol, runtime_checkable

from lexigram.contracts.exceptions.config import ConfigurationError

__all__ = ["CredentialError", "SecretNotFoundError", "SecretResolverProtocol", "SecretStoreProtocol"]


class SecretNotFoundError(ConfigurationError, LookupError):
    """No secret of this name is known.

    Attributes:
        name: The name asked for. The error never holds a value.
        resolver: Who was asked, such as ``environment``.
    """

    _code: ClassVar[str] = "LEX_ERR_SEC_001"

    def __init__(
        self, message: str | None = None, *args: Any, name: str = "", resolver: str | None = None, **kwargs: Any
    ) -> None:
        if message is None:
            message = f"no secret called {name!r}" + (f" in {resolver}" if resolver else "")
        super().__init__(message, *args, **kwargs)
        self.name = name
        self.resolver = resolver


class CredentialError(ConfigurationError):
    """A credential could not be looked up, or is no text. The error never holds a value."""

    _code: ClassVar[str] = "LEX_ERR_SEC_002"


@runtime_checkable
class SecretResolverProtocol(Protocol):
    """Turns the name in ``${secret:NAME}`` into the secret.

    Synchronous, since configuration is read before there is an event loop to wait on.
    """

    def resolve(self, name: str) -> str:
        """The secret called *name*.

        Raises:
            SecretNotFoundError: There is none.
        """
        ...


@runtime_checkable
class SecretStoreProtocol(Protocol):
    """Secrets kept by a service, read and written while the application runs."""

    async def get_secret(self, key: str) -> str | None:
        """The secret, or None."""
        ...

    async def set_secret(self, key: str, value: str) -> None:
        """Keep a secret, in the place of an older one."""
        ...

    async def delete_secret(self, key: str) -> bool:
        """Forget a secret; True when there was one."""
        ...
