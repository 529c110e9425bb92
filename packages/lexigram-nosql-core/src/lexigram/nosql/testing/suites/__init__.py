"""The standard topics, one module each."""

from __future__ import annotations

from lexigram.nosql.testing.suites.aggregation import Aggregation
from lexigram.nosql.testing.suites.arrays import Arrays
from lexigram.nosql.testing.suites.bulk import Bulk
from lexigram.nosql.testing.suites.change_feed import ChangeFeed
from lexigram.nosql.testing.suites.concurrency import Concurrency
from lexigram.nosql.testing.suites.crud import Crud
from lexigram.nosql.testing.suites.discovery import Discovery
from lexigram.nosql.testing.suites.errors import Errors
from lexigram.nosql.testing.suites.explain import Explain
from lexigram.nosql.testing.suites.filters import Filters
from lexigram.nosql.testing.suites.ids import Ids
from lexigram.nosql.testing.suites.indexes import Indexes
from lexigram.nosql.testing.suites.lifecycle import Lifecycle
from lexigram.nosql.testing.suites.limits import Limits
from lexigram.nosql.testing.suites.pagination import Pagination
from lexigram.nosql.testing.suites.parity import Parity
from lexigram.nosql.testing.suites.projection import Projection
from lexigram.nosql.testing.suites.sorting import Sorting
from lexigram.nosql.testing.suites.transactions import Transactions
from lexigram.nosql.testing.suites.updates import Updates
from lexigram.nosql.testing.suites.values import Values

__all__ = [
    "Aggregation",
    "Arrays",
    "Bulk",
    "ChangeFeed",
    "Concurrency",
    "Crud",
    "Discovery",
    "Errors",
    "Explain",
    "Filters",
    "Ids",
    "Indexes",
    "Lifecycle",
    "Limits",
    "Pagination",
    "Parity",
    "Projection",
    "Sorting",
    "Transactions",
    "Updates",
    "Values",
]
