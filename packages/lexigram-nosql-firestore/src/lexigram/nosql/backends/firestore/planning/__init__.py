"""How requests become Firestore's: pure functions, no calls.

:class:`~lexigram.nosql.backends.firestore.planning.planner.Planner` compiles a filter and an order into a look-up by
ids or into queries that select a superset of the matches, and says whether they are exact and in order.
"""

from __future__ import annotations

from lexigram.nosql.backends.firestore.planning.hints import NO_HINTS, CollectionHints, parse_hints
from lexigram.nosql.backends.firestore.planning.planner import Planner
from lexigram.nosql.backends.firestore.planning.reading import KeyRead, Place, QueryRead, requests

__all__ = ["NO_HINTS", "CollectionHints", "KeyRead", "Place", "Planner", "QueryRead", "parse_hints", "requests"]
