"""Text without a UTF-8 form: refused wherever it stands, before a backend sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from lexigram.nosql.aggregation.parse import parse_pipeline
from lexigram.nosql.exceptions import (
    NoSQLError,
    NoSQLFilterError,
    NoSQLIndexError,
    PipelineError,
    QueryOptionError,
)
from lexigram.nosql.indexes import parse_index
from lexigram.nosql.query.options import parse_find
from lexigram.nosql.query.parse import parse_filter

BAD = "a\ud800b"
FILTERS: list[Any] = [
    {"a": BAD},
    {BAD: 1},
    {"a": {"$in": ["x", BAD]}},
    {"a": {"b": [BAD]}},
    {"a": {"$gt": BAD}},
    {"a": {"$regex": BAD}},
    {"$or": [{"a": 1}, {"b": BAD}]},
    {"$expr": {"$eq": ["$a", BAD]}},
    {"a": {"$elemMatch": {"b": BAD}}},
]


@pytest.mark.parametrize("filter", FILTERS, ids=ascii)
def test_a_filter_with_such_text_is_refused(filter: Any) -> None:
    """Also one of a shape that is known."""
    for _ in range(2):
        with pytest.raises(NoSQLFilterError, match="no UTF-8 form"):
            parse_filter(filter)


def test_a_filter_of_a_known_shape_is_looked_at_all_the_same() -> None:
    """The shape is kept, the text is not."""
    assert parse_filter({"a": "ä", "b": "x"}).matches({"a": "ä", "b": "x"})

    with pytest.raises(NoSQLFilterError, match="position 1"):
        parse_filter({"a": "ä", "b": BAD})


@pytest.mark.parametrize(
    "stage", [{"$match": {"a": BAD}}, {"$project": {"v": {"$literal": BAD}}}, {"$group": {"_id": BAD}}], ids=ascii
)
def test_a_pipeline_with_such_text_is_refused(stage: Any) -> None:
    """In filters and expressions alike."""
    for _ in range(2):
        with pytest.raises(PipelineError, match="no UTF-8 form"):
            parse_pipeline([stage])


@pytest.mark.parametrize(
    ("ask", "kind"),
    [
        (lambda: parse_find({}, sort=[(BAD, 1)]), QueryOptionError),
        (lambda: parse_find({}, projection={BAD: 1}), QueryOptionError),
        (lambda: parse_find({}, projection={"a": {"$literal": BAD}}), QueryOptionError),
        (lambda: parse_find({}, hint=BAD), QueryOptionError),
        (lambda: parse_find({}, hint=[(BAD, 1)]), QueryOptionError),
        (lambda: parse_index([(BAD, 1)]), NoSQLIndexError),
        (lambda: parse_index("a", name=BAD), NoSQLIndexError),
    ],
    ids=["sort", "projection", "projected text", "hint", "hint by keys", "index", "name of an index"],
)
def test_names_of_fields_and_indexes_are_looked_at(ask: Callable[[], Any], kind: type[NoSQLError]) -> None:
    """Each is told as what it is."""
    with pytest.raises(kind, match="no UTF-8 form"):
        ask()
