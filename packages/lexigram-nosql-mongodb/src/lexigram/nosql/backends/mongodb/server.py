"""What the deployment is that a client is connected to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from lexigram.nosql.backends.mongodb.spec import MAX_DOCUMENT_BYTES

if TYPE_CHECKING:
    from pymongo.asynchronous.database import AsyncDatabase

__all__ = ["ServerDescription", "Version", "describe"]

Version = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ServerDescription:
    """Facts that do not change while a client is connected, or hardly ever.

    Attributes:
        version: Of the server, such as ``(8, 0, 4)``.
        kind: A single server, a replica set, or a sharded cluster.
        replica_set: Name of the set, or None.
        max_document_bytes: Largest document, in bytes.
    """

    version: Version
    kind: Literal["standalone", "replica set", "sharded"]
    replica_set: str | None = None
    max_document_bytes: int = MAX_DOCUMENT_BYTES

    @property
    def version_text(self) -> str:
        """The version as people write it."""
        return ".".join(map(str, self.version))

    @property
    def has_transactions(self) -> bool:
        """True where transactions and change streams work: they need an oplog."""
        return self.kind != "standalone"


async def describe(admin: AsyncDatabase[dict[str, Any]]) -> ServerDescription:
    """Ask the deployment what it is.

    Args:
        admin: Its database ``admin``.
    """
    hello = await admin.command("hello")
    build = await admin.command("buildInfo")
    return _described(hello, build)


def _described(hello: Mapping[str, Any], build: Mapping[str, Any]) -> ServerDescription:
    replica_set = hello.get("setName")
    kind: Literal["standalone", "replica set", "sharded"] = "standalone"
    if hello.get("msg") == "isdbgrid":
        kind = "sharded"
    elif replica_set is not None:
        kind = "replica set"
    numbers = build.get("versionArray") or [part for part in str(build["version"]).split(".") if part.isdecimal()]
    return ServerDescription(
        version=tuple(int(number) for number in numbers[:3]),
        kind=kind,
        replica_set=replica_set,
        max_document_bytes=int(hello.get("maxBsonObjectSize", MAX_DOCUMENT_BYTES)),
    )
