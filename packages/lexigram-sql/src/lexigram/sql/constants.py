"""The defaults of the configuration, and the names of our backends."""

from __future__ import annotations

from typing import Final

__all__ = [
    "BACKEND_MYSQL",
    "BACKEND_POSTGRES",
    "BACKEND_SQLITE",
    "DEFAULT_COMMAND_TIMEOUT",
    "DEFAULT_CONNECT_TIMEOUT",
    "DEFAULT_CURSOR_SIZE",
    "DEFAULT_PAGE_SIZE",
    "DEFAULT_POOL_MAX_SIZE",
    "DEFAULT_POOL_MIN_SIZE",
    "DEFAULT_POOL_TIMEOUT",
    "ENV_PREFIX",
    "MAX_PAGE_SIZE",
]

ENV_PREFIX: Final = "LEX_SQL__"
"""Begins the environment variables that set the `sql:` section."""

BACKEND_SQLITE: Final = "sqlite"
BACKEND_POSTGRES: Final = "postgres"
BACKEND_MYSQL: Final = "mysql"

DEFAULT_POOL_MIN_SIZE: Final = 1
DEFAULT_POOL_MAX_SIZE: Final = 10
DEFAULT_POOL_TIMEOUT: Final = 30.0
"""Seconds that a caller waits for a connection."""

DEFAULT_CONNECT_TIMEOUT: Final = 10
"""Seconds that opening a connection may take."""

DEFAULT_COMMAND_TIMEOUT: Final = 60
"""Seconds that a statement may take."""

DEFAULT_PAGE_SIZE: Final = 20
MAX_PAGE_SIZE: Final = 1000
DEFAULT_CURSOR_SIZE: Final = 20
