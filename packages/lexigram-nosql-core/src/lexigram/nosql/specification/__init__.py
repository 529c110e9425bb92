"""Filter expressions of the contracts, as filters."""

from lexigram.nosql.specification.document import to_filter

__all__ = ["to_filter"]
