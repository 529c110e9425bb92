"""How a backend introduces itself: a small frozen object, importable without its SDK.

A distribution registers its :class:`SqlBackendSpec` under the entry point group ``lexigram.sql.backends``; the entry's
name is what :func:`~lexigram.sql.url.parse_url` makes of a URL's scheme::

    [project.entry-points."lexigram.sql.backends"]
    cockroachdb = "lexigram_cockroachdb.spec:SPEC"

Nothing is imported until a name is asked for, and nothing falls back to another backend.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lexigram.contracts.data.sql.sql_dialect import SQLDialect
from lexigram.plugins import PluginGroup
from lexigram.sql.driver import SqlDriver
from lexigram.sql.url import DatabaseUrl

if TYPE_CHECKING:
    from lexigram.sql.config import DatabaseConfig

__all__ = ["API", "SQL_BACKENDS", "SqlBackendSpec"]

API = 1
"""Number of the driver contract. A backend written against another one is refused when it is loaded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlBackendSpec:
    """What a backend is.

    Attributes:
        name: The name that URLs lead to.
        api: The driver contract it was written for (:data:`API`).
        dialect: The SQL it speaks.
        drivers: What may stand after ``+`` in a URL's scheme.
        default_port: The port where a URL has none; None for files.
        make: Makes the driver; imports the SDK, and opens nothing.
        distribution: The pip name that provides it, with its extra.
    """

    name: str
    api: int
    dialect: SQLDialect
    drivers: frozenset[str]
    default_port: int | None
    make: Callable[[DatabaseUrl, DatabaseConfig], SqlDriver]
    distribution: str


def _refusal(spec: SqlBackendSpec) -> str | None:
    """Why a backend cannot be used, or None."""
    if spec.api == API:
        return None
    newer = "lexigram-sql" if spec.api > API else spec.distribution
    return f"it was written for driver contract {spec.api}, this one is {API}; upgrade {newer}"


SQL_BACKENDS: PluginGroup[SqlBackendSpec] = PluginGroup(
    "lexigram.sql.backends",
    SqlBackendSpec,
    install_hints={
        "postgres": "lexigram-sql[postgres]",
        "mysql": "lexigram-sql[mysql]",
        "sqlite": "lexigram-sql[sqlite]",
    },
    check=_refusal,
)
"""All backends by name: those installed, and those registered with ``SQL_BACKENDS.register``."""
