"""The memory backend, as the core sees it before it is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from lexigram.nosql.backend import API, BackendConfig, BackendSpec, Capabilities, ScanPolicy
from lexigram.suggestions import near_miss
from pydantic import Field, SecretStr

if TYPE_CHECKING:
    from lexigram.nosql.driver import Driver

__all__ = ["SPEC", "MemoryConfig"]


class MemoryConfig(BackendConfig):
    """The ``memory:`` section.

    Attributes:
        scan_policy: As everywhere, but ``allow`` when missing: a scan of memory costs no request.
        change_history: Changes of one collection that a feed can still be resumed from.
        sweep_seconds: Seconds between removals of expired documents that nobody asks for.
        max_document_bytes: Largest document in bytes of BSON, such as 16777216 where memory stands for MongoDB; None
            for no limit. Each document that is written is then counted, which takes as long as copying it.
    """

    # One switches a connection to memory by its name alone; where it led before does not matter then.
    connection_settings: ClassVar[Mapping[str, str | None]] = {"url": None, "database_name": None}

    scan_policy: ScanPolicy = "allow"
    change_history: int = Field(default=10_000, ge=1)
    sweep_seconds: float = Field(default=60.0, gt=0)
    max_document_bytes: int | None = Field(default=None, ge=1)

    @classmethod
    def from_connection(
        cls,
        url: str | SecretStr | None,
        database_name: str | None = None,
        options: Mapping[str, Any] | None = None,
        *,
        where: Sequence[str] = (),
    ) -> Self:
        """As for every backend, but settings of the backend that memory stands for are left out."""
        own = cls.model_fields
        kept = {key: value for key, value in (options or {}).items() if key in own or near_miss(key, own) is not None}
        return super().from_connection(url, database_name, kept, where=where)


async def _connect(config: MemoryConfig) -> Driver:
    from lexigram.nosql.backends.memory.driver import MemoryDriver

    return MemoryDriver(config)


SPEC = BackendSpec(
    name="memory",
    api=API,
    config=MemoryConfig,
    capabilities=Capabilities(
        transactions=True,
        change_streams=True,
        indexes=True,
        unique_indexes=True,
        sparse_indexes=True,
        partial_indexes=True,
        ttl_indexes=True,
        text_search=True,
        collations=True,
        native_aggregation=True,
    ),
    connect=_connect,
    distribution="lexigram-nosql-core",
)
