"""DynamoDB: documents in tables of Amazon DynamoDB.

::

    from lexigram.nosql.backends.dynamodb import DynamoDBConfig, DynamoDBDocumentStore

    config = DynamoDBConfig(region="eu-central-1", table_name="shop")
    async with DynamoDBDocumentStore(config) as store:
        await store.collection("products").insert_one({"sku": "ABC"})

**Layouts.** ``table-per-collection`` (the default): a collection ``users`` is the table ``<table_name>-users``, whose
partition key ``pk_field`` is the ``_id``'s key text; names are escaped, so any name of a collection will do.
``single-table``: one table for all, its partition key ``_lxp`` the collection's name, its sort key ``pk_field`` the
``_id``'s key text, so a collection is read by Query, and no request sees another's items. ``existing_tables`` names
tables of somebody else's: their keys are read from the service; one key attribute is the ``_id``, two make it a
document. In all layouts the table ``table_name`` holds the *catalogue*: which indexes there are, and the guards of
unique ones. Tables are made when they are first written to (``table_creation: create``), with a stream.

**Requests.** What each operation sends where nothing is in the way; a *unit* is DynamoDB's:

===============================  ===========================================================================
``find_one`` by ``_id``          1 GetItem
``$in`` on ``_id``               1 BatchGetItem for every 100 ids, again for what was left unprocessed
``find`` by an index             1 Query for every page of 1 MB
any other ``find``               1 Scan (a Query in a single table) for every 1 MB of the collection
``insert_one``                   1 PutItem
``insert_many``                  1 TransactWriteItems for every 100 documents or 4 MB, at twice the write units:
                                 batches know no conditions, and would write over what is there
``update_one`` by ``_id``        1 UpdateItem where DynamoDB does what the engine would, and otherwise a GetItem
                                 and a PutItem after it; without the UpdateItem where the update itself tells
                                 that it is not DynamoDB's (pipelines, most operators, indexed fields)
``update_many``                  the reads, and 1 TransactWriteItems for every 100 documents that change
``delete_one`` by ``_id``        1 DeleteItem
``delete_many``                  the reads, and 1 TransactWriteItems for every 100 documents
a transaction                    its reads, those by scan or query twice, and 1 TransactWriteItems
``count_documents``              as ``find``, without items on the wire
===============================  ===========================================================================

With unique indexes, a write that takes or frees a key is a TransactWriteItems of the document and its guards. The
catalogue is read once for each ``schema_lease_seconds``, in the background; after a longer rest, by the first request.
``explain()`` shows index, key condition, filter and what is left to the engine; after a run also requests, items
examined and read units.

**Indexes** are global secondary indexes on two computed attributes, so nested fields, values of any type, missing
fields and arrays work, at the price of a copy of each item. The first of several fields makes the partition, the others
the order; a single field has all its entries in one partition, of which DynamoDB writes 1,000 in a second. Put a field
with many values first where there are more. ``create_index`` waits, and tells cost and progress in the log; it begins
with a wait of ``schema_lease_seconds``, after which every process keeps the index. Unique indexes are exact under
concurrency. :func:`~lexigram.nosql.backends.dynamodb.repairing.rebuild_indexes` makes indexes right after items were
written by other tools, and so does ``lexigram nosql rebuild-indexes``. Text indexes and those with a collation serve no
read; they say what ``$text`` searches and what is unique. Indexes that a table has already are used as far as their
types and projections allow. ``drop_index`` waits for ``schema_lease_seconds``, in which every process leaves the index.

**Consistency.** Reads are eventually consistent, unless ``consistent_reads`` is set: at twice the read units, and
without global indexes, which cannot be read so. Single reads are consistent in a transaction, ``async with
store.transaction(): …``, which for one document is one GetItem and nothing more. What a write or a transaction depends
on is read consistently, except through a global index; there the condition of the write finds out, and the read is
repeated.

**Transactions** are serialisable for what is read by ``_id``, and for every document that a scan or query returned; a
document that comes into a scan between its repetition and the commit is not seen. 100 items, documents read among
them, and 4 MB at most; more is refused before anything is sent. Who loses gets a retryable ``WriteConflictError``.

**Change feeds** follow DynamoDB Streams, through splits of shards. Changes of one document come in order, each once,
with the document as the change left it; those of different documents in about their order. A token is good for 24
hours. In a single table, a dropped collection is told as the deletion of its documents.

**Values** come back as they went in; see :mod:`~lexigram.nosql.backends.dynamodb.codec`. 400 KB and 31 levels.

**Expiry.** An index with ``expire_after_seconds`` fills the table's TTL attribute; DynamoDB removes what is due within
days, and reads hide it from the first millisecond.

**Failures.** The SDK repeats requests (``retry_mode``, ``max_attempts``), writes only while the indexes are those that
they were made for. A repeated write counts once: transactions have a token, and every write has a revision of its own.
Where an answer was lost, the item is read; it keeps its latest six revisions, at 17 bytes each once it was updated by
UpdateItem, and so tells whether the write took place, or that it did not, so that it is sent again. Where more than
five others wrote the document meanwhile, or within the last minute, or it was deleted, nobody can know, and
``NoSQLConnectionError`` says so, never as success or nothing. ``idempotent_writes: transaction`` sends writes of one
document as transactions, which the service itself carries out once in ten minutes, at twice the write units; then no
outcome is unknown but of what was given up. Updates and deletions that return a document read it first then, and so do
updates that may leave it as it is. What a batch leaves unprocessed is sent again with growing pauses, and is
an error in the end (``batch_attempts``). Errors are told by the service's code, with the original as cause.

Only AWS itself shows, and no local server does: throttling and adaptive capacity, the delay of global indexes and of
eventually consistent reads, IAM, TTL's own removals, splits of stream shards and their 24 hours, limits of accounts,
multi-attribute keys of indexes, and how long tables and indexes take to be made.

Source: Amazon DynamoDB Developer Guide and API Reference.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lexigram.nosql.backends.dynamodb.backend import DynamoDBBackend as DynamoDBBackend
    from lexigram.nosql.backends.dynamodb.backend import DynamoDBDocumentStore as DynamoDBDocumentStore
    from lexigram.nosql.backends.dynamodb.config import DynamoDBConfig as DynamoDBConfig
    from lexigram.nosql.backends.dynamodb.config import ExistingTable as ExistingTable
    from lexigram.nosql.backends.dynamodb.repairing import Repair as Repair
    from lexigram.nosql.backends.dynamodb.repairing import rebuild_indexes as rebuild_indexes

__all__ = [
    "DynamoDBBackend",
    "DynamoDBConfig",
    "DynamoDBDocumentStore",
    "ExistingTable",
    "Repair",
    "rebuild_indexes",
]

_HOMES = {
    "DynamoDBBackend": "backend",
    "DynamoDBConfig": "config",
    "DynamoDBDocumentStore": "backend",
    "ExistingTable": "config",
    "Repair": "repairing",
    "rebuild_indexes": "repairing",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
