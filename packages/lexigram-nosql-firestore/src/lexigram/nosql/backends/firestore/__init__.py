"""Firestore: documents in one database of Google's Firestore."""

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
