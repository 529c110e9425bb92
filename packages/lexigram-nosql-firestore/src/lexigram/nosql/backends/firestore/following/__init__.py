"""Change feeds on Firestore's listener.

:mod:`~lexigram.nosql.backends.firestore.following.listening` turns the messages of a ``Listen`` stream into consistent
moments; :mod:`~lexigram.nosql.backends.firestore.following.history` finds out what happened between two of them;
:mod:`~lexigram.nosql.backends.firestore.following.tokens` writes down the place after an event;
:mod:`~lexigram.nosql.backends.firestore.following.feed` puts them together.
"""

from __future__ import annotations

from lexigram.nosql.backends.firestore.following.feed import follow

__all__ = ["follow"]
