"""MongoDB."""

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
