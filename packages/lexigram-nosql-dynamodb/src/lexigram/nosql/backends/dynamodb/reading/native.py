"""What a compiled read holds, from planning to running."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from lexigram.nosql.backends.dynamodb.layouts.home import Home
from lexigram.nosql.backends.dynamodb.reading.counts import Counts
from lexigram.nosql.driver import Access, Hint
from lexigram.nosql.query.parse import Query
from lexigram.nosql.query.sort import Sort

__all__ = ["NativeFind", "Reach"]


@dataclass(frozen=True, slots=True)
class Reach:
    """How documents are reached.

    Attributes:
        kind: ``nothing`` sends no request, ``keys`` asks for items by key, ``query`` and ``scan`` read pages.
        access: The same, as plans show it.
        keys: The keys, each once.
        requests: The requests without places to begin at: one or more queries, or one scan.
        residue: What the engine has to test on each document; None where the service selects exactly.
        ordered: True when documents come in the order of the sort.
        counts: True when the service may count instead of returning items.
        filtered: True when the requests have filters, so that they look at more than they return.
        fetch: True when items of an index are to be got from the table, by their keys.
        again: What to test on documents so got, which may have changed since the index was written: the whole filter.
        display: The requests as plain data, without values.
    """

    kind: Literal["nothing", "keys", "query", "scan"]
    access: Access
    keys: tuple[Mapping[str, Any], ...] = ()
    requests: tuple[Mapping[str, Any], ...] = ()
    residue: Query | None = None
    ordered: bool = False
    counts: bool = False
    filtered: bool = False
    fetch: bool = False
    again: Query | None = None
    display: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(slots=True)
class NativeFind:
    """A read, compiled.

    Attributes:
        query: The whole filter.
        sort: The order asked, or None.
        hint: The index asked for, or None.
        home: Where the collection lay when it was compiled.
        reach: How documents are reached there.
        counts: What running it has cost so far.
    """

    query: Query
    sort: Sort | None
    hint: Hint | None
    home: Home
    reach: Reach
    counts: Counts = field(default_factory=Counts)
