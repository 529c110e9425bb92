"""Whatever is fed to the parsers, nothing but a NoSQLError comes out, and nothing of it is kept."""

from __future__ import annotations

from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lexigram.nosql.exceptions import NoSQLError
from lexigram.nosql.query.parse import Query, parse_filter
from lexigram.nosql.query.projection import parse_projection
from lexigram.nosql.query.regex import compile_regex
from lexigram.nosql.query.sort import parse_sort
from lexigram.nosql.testing import strategies

RELAXED = settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _mappings(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly mappings whose keys are fields and operators, for these get furthest."""
    operators = st.sampled_from(
        [
            *("$eq", "$ne", "$gt", "$lte", "$in", "$nin", "$not", "$elemMatch", "$all", "$size", "$mod", "$type"),
            *("$exists", "$regex", "$options", "$bitsAllSet", "$bitsAnyClear", "$comment", "$foo"),
        ]
    )
    fields = st.one_of(strategies.paths(), st.sampled_from(["$and", "$or", "$nor", "$expr", "$jsonSchema", "$text"]))
    return st.one_of(
        st.dictionaries(fields, st.one_of(inner, st.dictionaries(operators, inner, max_size=2)), max_size=3),
        st.dictionaries(fields, st.lists(st.dictionaries(fields, inner, max_size=2), max_size=2), max_size=2),
        inner,
    )


def _try(filter: Any, documents: list[dict[str, Any]]) -> Query | None:
    query = None
    try:
        query = parse_filter(filter)
        query.select(documents)
        for document in documents:
            query.matches(document)
            query.matched_index(document, "a")
    except NoSQLError as error:
        return None if str(error) else query
    return query


@RELAXED
@given(_mappings(strategies.anything()), st.lists(strategies.documents(bson=True), max_size=2))
def test_filters(filter: Any, documents: list[dict[str, Any]]):
    """Parsed and run, or refused, twice alike."""
    first = _try(filter, documents)
    second = _try(filter, documents)

    assert (first is None) is (second is None)


@RELAXED
@given(st.one_of(strategies.anything(), st.dictionaries(strategies.paths(), strategies.anything(), max_size=3)))
def test_sorts(spec: Any):
    """Parsed and used, or refused."""
    try:
        order = parse_sort(spec)
        if order is not None:
            order.sorted([{"a": 1}, {"a": [{"b": 1}, 2]}, {}])
    except NoSQLError:
        pass


@RELAXED
@given(
    st.one_of(
        strategies.anything(),
        st.dictionaries(
            st.one_of(strategies.paths(), st.sampled_from(["a.$", "_id"])),
            st.one_of(
                strategies.anything(),
                st.dictionaries(
                    st.sampled_from(["$slice", "$elemMatch", "$meta", "b"]), strategies.anything(), max_size=2
                ),
            ),
            max_size=3,
        ),
    ),
    st.one_of(st.none(), strategies.filters()),
    strategies.documents(),
)
def test_projections(spec: Any, filter: Any, document: dict[str, Any]):
    """Parsed and applied, or refused."""
    before = repr(document)
    try:
        projection = parse_projection(spec, query=None if filter is None else parse_filter(filter))
        if projection is not None:
            projection.apply(document)
    except NoSQLError:
        pass
    assert repr(document) == before


@settings(max_examples=600, deadline=None)
@given(
    st.one_of(
        st.text(alphabet=r"ab()[]{}*+?|\^$.-:<>=!#'0159,imsxPQEdDwWkghpKRz", max_size=14),
        st.text(max_size=8),
    ),
    st.text(alphabet="imsxug", max_size=2),
    st.text(alphabet="ab \n-1", max_size=12),
)
def test_regular_expressions(source: str, options: str, text: str):
    """Compiled and matched, or refused."""
    for boolean in (True, False):
        try:
            regex = compile_regex(source, options, boolean=boolean)
            regex.check(text)
            regex.matches(text)
        except NoSQLError:
            pass
