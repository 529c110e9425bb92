"""Firestore: documents in one database of Google's Firestore.

::

    from lexigram.nosql.backends.firestore import FirestoreBackend, FirestoreConfig

    async with FirestoreBackend(config=FirestoreConfig(project_id="shop")) as store:
        await store.collection("products").insert_one({"sku": "ABC"})

**Client.** Google's client makes the channel: address, encryption, credentials. Requests go over it as protobuf's own
messages, without the wrappers in which ``AsyncClient`` spends most of its time
(:mod:`~lexigram.nosql.backends.firestore.client`). ``credentials_json`` is a path, JSON text or a mapping; without it
the environment's own credentials are used, and with ``emulator_host`` or ``FIRESTORE_EMULATOR_HOST`` none. A store
belongs to the event loop that connected it; on another one it says so. ``store.native`` is the SDK's ``AsyncClient``.

**Names.** ``orders`` is a collection, ``users/u1/orders`` one below a document, ``**/orders`` the group of all
collections of that id, in which the ``_id`` of a document is its path
(:mod:`~lexigram.nosql.backends.firestore.naming`). Collections exist as long as they hold documents, or have indexes.

**Values** come back as they went in, to the last bit, in the order of their fields, at any depth that MongoDB takes.
What Firestore has no type for is a map with a name that begins with ``~``
(:mod:`~lexigram.nosql.backends.firestore.codec.tags`); the order of fields, where it is not that of their names, is an
entry named ``~``. An ``_id`` may be of any type (:mod:`~lexigram.nosql.backends.firestore.codec.ids`); one that is made
is random, since ids that grow make hot spots. A document takes 1 MiB as Firestore counts, counted before it is sent.
What other programs stored is read: timestamps cut to milliseconds, references as paths, points as GeoJSON, vectors as
lists; updates leave fields alone that they do not change.

**What Firestore does, and the engine.** Firestore means other things than MongoDB by most conditions: it does not look
into arrays, and leaves out documents that lack a field. The planner asks it for a superset, and the engine does the
rest. What would need to know what a field holds is read whole, unless a *field hint* tells::

    fields:
      orders:
        status: required text
        total: number

A hint is a promise, which writes are held to (:mod:`~lexigram.nosql.backends.firestore.planning.hints`). ``explain()``
shows the queries, the hints that made them possible, and what was left to the engine and why. Firestore indexes every
field by itself; where it wants a composite index, the error carries its definition and the link that makes it, and
``lexigram nosql indexes --driver firestore`` writes ``firestore.indexes.json`` for the queries that were seen.

**Counts and sums** are added up by Firestore where its answer is the engine's: ``count_documents()``, ``$count``, and
``$group`` of all documents with ``$sum`` and ``$avg`` of fields with the hint ``required int``
(:mod:`~lexigram.nosql.backends.firestore.totals`).

**Indexes** of this layer are records, which all processes read (:mod:`~lexigram.nosql.backends.firestore.catalogue`).
Unique ones are kept by guards in the same commit as the document, so they hold whoever writes through this backend, as
many as there are (:mod:`~lexigram.nosql.backends.firestore.writing.guards`). Expiring ones hide what is due at once,
and fill the field ``~ttl``, on which Firestore's own policy then removes it::

    gcloud firestore fields ttls update '`~ttl`' --collection-group=sessions --enable-ttl

Making a unique or expiring index takes twice ``index_refresh_ms`` longer, until every other process knows of it.

**Writes** are one commit for up to 500 documents (:mod:`~lexigram.nosql.backends.firestore.writing.committing`); of
those that are refused, the others are stored and each failure is told by its place. Replacing and deleting by ``_id``
read nothing; nor do updates where hints allow (:mod:`~lexigram.nosql.backends.firestore.writing.transforms`). Others
read, compute, and write on the condition that the document still has its time.

**Transactions** read a snapshot, see their own writes, lock nothing, and commit on the condition that nobody changed
what they change (:mod:`~lexigram.nosql.backends.firestore.transactions`), as MongoDB's do: at most 500 writes, 10 MB,
and an hour. ``store.run_transaction()`` runs the work again when somebody else was first.

**Change feeds** follow a collection or a group by Firestore's ``Listen`` request, on the event loop, without a thread.
A feed that is resumed is not told of documents that came and went while it was away, nor what became of a document
between its last told state and its deletion.

**Failures.** Every error of the SDK is one of Lexigram's, by its status code
(:mod:`~lexigram.nosql.backends.firestore.errors`), with the original as its cause. Reads are repeated
(``retry_attempts``), commits where the service says that they were not done (``commit_attempts``). One whose answer was
lost is sent again (``retry_attempts``) where its conditions let it happen only once. Where it is refused then, or never
answered, nobody knows whether it was made: the error says so, and is not ``retryable``. In a batch it is told of the
documents of that commit only. Where the service cannot be reached at all, nothing was sent, and the error is retryable.

Special considerations:

* Documents that other programs write have no guards: unique indexes do not see them until they are written through
  this backend, and hints must hold for them too.
* A document's fields ``~``, ``~id`` and ``~ttl`` are this backend's. Their indexes can be switched off in Firestore.
* Dropping a collection leaves the collections below its documents, as Firestore does.
* A document whose insertion is sent again after a lost answer stands again, if another writer removed it in between.
* Writes of one document more often than about once a second contend; Firestore's own limits hold.
* Two transactions that read the same documents and change different ones both succeed.

Source: Firestore documentation; google-cloud-firestore's source; the comments of ``google.firestore.v1``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lexigram.nosql.backends.firestore.backend import FirestoreBackend as FirestoreBackend
    from lexigram.nosql.backends.firestore.backend import FirestoreDocumentStore as FirestoreDocumentStore
    from lexigram.nosql.backends.firestore.config import FirestoreConfig as FirestoreConfig

__all__ = ["FirestoreBackend", "FirestoreConfig", "FirestoreDocumentStore"]

_HOMES = {"FirestoreBackend": "backend", "FirestoreConfig": "config", "FirestoreDocumentStore": "backend"}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value
