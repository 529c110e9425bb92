"""What all document stores are, by the path that the documents use."""

from __future__ import annotations

from lexigram.nosql.store import DocumentStore as AbstractDocumentStore

__all__ = ["AbstractDocumentStore"]
