"""MongoDB: documents in one database of a server, a replica set or a sharded cluster.

::

    from lexigram.nosql.backends.mongodb import MongoDBConfig, MongoDBDocumentStore

    config = MongoDBConfig(uri="mongodb://localhost:27017", database="shop")
    async with MongoDBDocumentStore(config) as store:
        await store.collection("products").insert_one({"sku": "ABC"})

**Clients.** ``client: motor`` (the default) or ``client: pymongo``, PyMongo's own ``AsyncMongoClient``, which is
motor's successor and the faster one. Nothing else depends on which it is. Both belong to the event loop that connected
the store; on another loop the store says so. ``store.native`` is the SDK's own database, with the SDK's own codecs, for
what has no portable form, and for libraries such as Beanie 2 (with ``client: pymongo``).
:func:`~lexigram.nosql.backends.mongodb.codecs.configure_codecs` gives such a handle the store's codecs.

**What the server does.** The engine's language is MongoDB's, so filters, orders, plain projections, updates, deletions,
bulks, pipelines, distinct values and counts go down as they are. What stays with the engine, and why:

* operators and stages that came with a later version than the server's: the rest goes down, the engine finishes it;
* projections that compute, cut arrays or choose elements: fields go down, the engine makes the rest of them;
* updates that the server would apply otherwise (an upsert whose ``_id`` the server would make, for one): the document
  is read, computed and replaced if it is unchanged (:mod:`~lexigram.nosql.backends.mongodb.unchanged`).

``explain()`` shows the native request, asks the server for its plan, and counts what it looked at. ``scan_policy`` goes
by the indexes that the collection has; they are asked for once for each collection, and with ``deny`` at the start.

**Values** come back as they went in (:mod:`~lexigram.nosql.backends.mongodb.codecs`): ``Decimal`` is Decimal128,
``UUID`` is binary of subtype 4, dates are aware, in UTC, to the millisecond. A document has 16 MiB and 100 levels at
most.

**Transactions** need a replica set, of which one member is enough; a server that stands alone says so at once. They
read from the primary. A commit whose answer was lost is sent again; an error that MongoDB calls transient is a
retryable ``TransactionError``, and ``store.run_transaction()`` runs the work again. Sessions are causally consistent.
:func:`~lexigram.nosql.backends.mongodb.session.mongodb_session` and
:func:`~lexigram.nosql.backends.mongodb.session.mongodb_transaction` are for code that holds only a client.

**Change feeds** are change streams, and need a replica set too. A feed begins where ``watch()`` is called, survives the
loss of its connection for ``feed_resume_seconds``, and tells each change once. The document of an update is looked up
when the event is read, so it may be newer than the event, or None where it has been deleted since.

**Failures.** ``retry_writes`` and ``retry_reads`` let the SDK repeat a request once. A write that fails with
``NoSQLConnectionError`` or ``NoSQLTimeoutError`` may have happened. Every error of the SDK is one of Lexigram's, by the
server's code (:mod:`~lexigram.nosql.backends.mongodb.errors`), with the original as its cause; connection strings are
masked everywhere. Times: ``timeout=`` of a call, else ``operation_timeout``, else ``timeout_ms``; each ends the request
on the server as well. ``wait_queue_timeout_ms`` bounds the wait for a connection.

**Indexes**: unique, compound, sparse, partial, expiring, text, with a collation, and wildcard (``"$**"``,
``"attributes.$**"``). Others that somebody made (2dsphere, hashed) are listed as they are.

Special considerations:

* With ``write_concern_w: 0`` nobody waits for writes: results say ``acknowledged=False``, and errors are not told. In
  sessions and transactions, and where an effect must be known, writes are acknowledged all the same.
* A collection that was made outside with a default collation compares by it where a request names none.
* ``$text``, its scores and its stemming are the server's; they differ from the memory backend's plain words.
* The server's clock is ``$$NOW``; ties, and the order of ``$group``, are the server's.
* Reads follow ``read_preference``, so outside of sessions a secondary may not have the latest write yet. What a write
  depends on is read from the primary.
* motor runs each request on a thread: a cancelled call leaves its thread to the end of the request, which ``timeout``
  bounds.
* GridFS is out of scope: keep large files in an object store, or use the SDK's ``AsyncIOMotorGridFSBucket`` or
  ``AsyncGridFSBucket`` on ``store.native``.

Source: MongoDB manual; PyMongo and motor documentation.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lexigram.nosql.backends.mongodb.backend import MongoDBBackend as MongoDBBackend
    from lexigram.nosql.backends.mongodb.backend import MongoDBDocumentStore as MongoDBDocumentStore
    from lexigram.nosql.backends.mongodb.codecs import configure_codecs as configure_codecs
    from lexigram.nosql.backends.mongodb.config import MongoDBConfig as MongoDBConfig
    from lexigram.nosql.backends.mongodb.session import mongodb_session as mongodb_session
    from lexigram.nosql.backends.mongodb.session import mongodb_transaction as mongodb_transaction

__all__ = [
    "MongoDBBackend",
    "MongoDBConfig",
    "MongoDBDocumentStore",
    "configure_codecs",
    "mongodb_session",
    "mongodb_transaction",
]

_HOMES = {
    "MongoDBBackend": "backend",
    "MongoDBConfig": "config",
    "MongoDBDocumentStore": "backend",
    "configure_codecs": "codecs",
    "mongodb_session": "session",
    "mongodb_transaction": "session",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
