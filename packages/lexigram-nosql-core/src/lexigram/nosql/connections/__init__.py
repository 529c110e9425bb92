"""Several named connections of one application, from ``settings.toml``.

::

    [default.database]
    default_document_connection = "main"

    [default.database.documents.main]
    enabled = true
    backend = "mongodb"

    [default.database.documents.main.provider]
    url = "mongodb://app:${secret:DB_PASSWORD}@db/?replicaSet=rs0"
    database_name = "shop"

    [testing.database.documents.main]
    backend = "local"

::

    async with ConnectionManager.from_settings("settings.toml") as connections:
        orders = connections.store().collection("orders")     # the portable store
        database = await connections.get_database()           # the SDK's own handle, for an ODM

* :mod:`~lexigram.nosql.connections.settings`: the model of that file.
* :mod:`~lexigram.nosql.connections.manager`: starts all connections at once, all or none.
* :mod:`~lexigram.nosql.connections.connection`: one connection, its life and its credentials.
* :mod:`~lexigram.nosql.connections.registry`: what ``backend`` may say: every installed backend, ``mongo`` for
  ``mongodb``, ``local`` for the memory store, and what an application registers.
* :mod:`~lexigram.nosql.connections.module`: the same inside an application.

**Credentials** are looked up for each connect, so a secret that has changed needs no restart: when the database refuses
the credentials, at the start or in the middle of the work, they are looked up again, and if they have changed a new
connection replaces the old one. The operation that was refused still raises; those after it use the new connection.
"""

from __future__ import annotations

from lexigram.nosql.connections.connection import Connection, StoreConnection
from lexigram.nosql.connections.manager import ConnectionManager
from lexigram.nosql.connections.module import ConnectionsModule, ConnectionsProvider
from lexigram.nosql.connections.registry import ConnectionRegistry
from lexigram.nosql.connections.settings import ConnectionSettings, DatabaseSettings, ProviderSettings

__all__ = [
    "Connection",
    "ConnectionManager",
    "ConnectionRegistry",
    "ConnectionSettings",
    "ConnectionsModule",
    "ConnectionsProvider",
    "DatabaseSettings",
    "ProviderSettings",
    "StoreConnection",
]
