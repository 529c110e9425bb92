"""Documents in memory: the embedded default, and what tests use instead of a server.

Not a mock: it is the reference for what every backend means, with indexes, transactions, expiry and a change feed.

* **Isolation.** Documents are copied when they come in and when they go out, so caller and store never share one.
  Stored documents are never changed in place: a write stores a new one.
* **Transactions** see a snapshot of all collections (multi-version), and the first writer wins: a write to a document
  that somebody else changed since the snapshot raises ``WriteConflictError``.
* **Indexes**: hash look-ups for equality and ``$in``, sorted entries for ranges and order; compound, multikey, unique,
  sparse, partial, expiring. ``explain()`` names the one that is used; answers never depend on it.
* **Expiry** hides a document from the moment it is due; it is removed at the next access, or by a sweep.
* **Change feed** of each collection with resume tokens, as far back as ``change_history`` events.

Nothing is written to disk, and everything is gone at ``disconnect()``.

Special considerations: a document may be as large as memory allows, unless ``max_document_bytes`` of the section says
otherwise: set it to MongoDB's 16777216 to meet that limit in tests. A long scan gives other tasks a turn between
batches, so a read may run beside writes; it sees each document as it was when the read began.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lexigram.nosql.backends.memory.backend import InMemoryDocumentStore as InMemoryDocumentStore
    from lexigram.nosql.backends.memory.spec import MemoryConfig as MemoryConfig

__all__ = ["InMemoryDocumentStore", "MemoryConfig"]

_HOMES = {"InMemoryDocumentStore": "backend", "MemoryConfig": "spec"}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
