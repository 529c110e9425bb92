"""What drivers of databases with a server have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lexigram.contracts.exceptions.config import ConfigurationError
from lexigram.sql.backends.tls import tls_mode
from lexigram.sql.config import DatabaseConfig
from lexigram.sql.url import DatabaseUrl

__all__ = ["ServerDriver"]


class ServerDriver:
    """A database behind a network: where it is, whether the way is encrypted, and what its URL may say.

    Args:
        url: Where it is.
        config: Its settings.
        product: What error messages call it.
        options: What the query part of the URL may set.
        port: Where such servers listen, unless the URL says something else.

    Raises:
        ConfigurationError: An option of the URL is not known, or contradicts the settings.
    """

    def __init__(
        self, url: DatabaseUrl, config: DatabaseConfig, *, product: str, options: Sequence[str], port: int
    ) -> None:
        unknown = [name for name in url.options if name not in options]
        if unknown:
            raise ConfigurationError(
                f"{product} URLs have no option {unknown[0]!r} here", hint=f"Known are: {', '.join(options)}."
            )
        self._url = url
        self._config = config
        self._port = url.port or port
        self._mode = tls_mode(config.tls, url.options.get("sslmode"))
        self._version = ""

    @property
    def max_writers(self) -> int:
        """No limit."""
        return 0

    async def close(self) -> None:
        """Nothing is held beside the connections."""

    def describe(self) -> Mapping[str, Any]:
        """Host, port, database, version and encryption."""
        return {
            "host": self._url.host,
            "port": self._port,
            "database": self._url.database,
            "version": self._version,
            "tls": self._mode,
        }
