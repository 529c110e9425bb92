"""A parsed filter: what it tells planners, and what of it is kept."""

from __future__ import annotations

import gc
import re
import sys
from typing import Any

import pytest
from lexigram.nosql.exceptions import NoSQLFilterError, PipelineError
from lexigram.nosql.query import compile as code
from lexigram.nosql.query import parse
from lexigram.nosql.query.ast import All, Always, And, Compare, ElemMatch, Exists, In, Leaf, Node, Not, Or, Regex, Slot
from lexigram.nosql.query.builder import DocumentQueryBuilder
from lexigram.nosql.query.parse import cache_clear, cache_info, parse_filter


@pytest.fixture(autouse=True)
def _fresh():
    cache_clear()
    yield
    cache_clear()


def test_the_tree_says_what_the_filter_says():
    """Constants in place; a single condition stands alone, $ne and $nin are negations."""
    assert parse_filter({}).root == Always()
    assert parse_filter({"a": 1}).root == Compare("a", "$eq", 1)
    assert parse_filter({"a": {"$ne": 1}}).root == Not(Compare("a", "$eq", 1))
    assert parse_filter({"a": {"$nin": [1]}}).root == Not(In("a", (1,)))
    assert parse_filter({"a": 1, "b": {"$gt": 2, "$lt": 3}}).root == And(
        (Compare("a", "$eq", 1), Compare("b", "$gt", 2), Compare("b", "$lt", 3))
    )
    assert parse_filter({"$and": [{"a": 1}, {"$and": [{"b": 2}]}]}).root == And(
        (Compare("a", "$eq", 1), Compare("b", "$eq", 2))
    )
    assert parse_filter({"a": re.compile("x", re.IGNORECASE)}).root == Regex("a", "x", "i")
    assert parse_filter({"a": {"$regex": "x"}}).root == Regex("a", "x", "")
    assert parse_filter({"a": {"$exists": False}}).root == Exists("a", False)
    assert parse_filter({"a": {"$elemMatch": {"$gt": 1}}}).root == ElemMatch("a", Compare(None, "$gt", 1), True)
    assert parse_filter({"a": {"$elemMatch": {"b": 1}}}).root == ElemMatch("a", Compare("b", "$eq", 1), False)
    assert parse_filter({"a": {"$all": [1, 2]}}).root == All("a", (Compare("a", "$eq", 1), Compare("a", "$eq", 2)))
    assert [type(node) for node in parse_filter({"$or": [{"a": 1}, {"b": {"$ne": 1}}]}).root.walk()] == [
        Or,
        Compare,
        Not,
        Compare,
    ]
    assert "Compare" in repr(parse_filter({"a": 1}))


def test_slots_are_bound_and_nothing_else():
    """A tree without slots is itself."""
    tree: Node = And((Compare("a", "$eq", Slot(0)), Exists("b", True)))

    assert tree.bind([5]) == And((Compare("a", "$eq", 5), Exists("b", True)))
    bound = tree.bind([5])
    assert bound.bind([6]) is bound


def test_planners_see_conjuncts_constraints_and_paths():
    """What must all hold, what holds of a path, and which paths are named."""
    query = parse_filter(
        {"a": {"$gt": 1, "$lt": 5}, "b": {"$all": [1, 2]}, "$or": [{"c": 1}, {"d.e": {"$elemMatch": {"f": 1}}}]}
    )

    assert len(query.conjuncts) == 4
    assert [node.op for node in query.constraints("a") if isinstance(node, Compare)] == ["$gt", "$lt"]
    assert query.constraints("b") == (Compare("b", "$eq", 1), Compare("b", "$eq", 2))
    assert query.constraints("c") == ()
    assert query.paths == {"a", "b", "c", "d.e"}
    assert parse_filter({}).conjuncts == ()
    assert parse_filter({"a": 1}).conjuncts == (Compare("a", "$eq", 1),)
    assert parse_filter({}).is_empty
    assert parse_filter({"$and": [{}, {}]}).is_empty
    assert not query.is_empty
    assert not query.uses_expressions
    assert parse_filter({"$or": [{"$expr": True}]}).uses_expressions


def test_equalities_are_read_without_the_tree():
    """By path, with a default, constants as given."""
    query = parse_filter({"a": 1, "b": {"$eq": "x"}, "c": {"$gt": 1}})

    assert query.equality("a") == 1
    assert query.equality("b") == "x"
    assert query.equality("c") is None
    assert query.equality("z", 7) == 7
    assert query._root is None


def test_constants_are_copied():
    """What the caller changes later changes no query, and what a query gives out changes no query."""
    inner: dict[str, Any] = {"x": [1]}
    members = ["p", "q"]
    query = parse_filter({"a": inner, "b": {"$in": members}, "c": {"$in": [[1]]}})
    for _ in range(2):
        inner["x"].append(2)
        members.append("r")
        assert query.matches({"a": {"x": [1]}, "b": "q", "c": [1]})
        assert not query.matches({"a": {"x": [1]}, "b": "r", "c": [1]})
        inner = {"x": [1]}
        members = ["p", "q"]
        query = parse_filter({"a": inner, "b": {"$in": members}, "c": {"$in": [[1]]}})


@pytest.mark.parametrize(
    ("filter", "document", "path", "expected"),
    [
        ({"a": 5}, {"a": [1, 5, 5]}, "a", 1),
        ({"a": {"$gt": 1}}, {"a": [1, 5]}, "a", 1),
        ({"a": {"$elemMatch": {"x": 2}}}, {"a": [{"x": 1}, {"x": 2}]}, "a", 1),
        ({"a": {"$elemMatch": {"$gt": 3}}}, {"a": [1, 5]}, "a", 1),
        ({"a.x": 2}, {"a": [{"x": 1}, {"x": 2}]}, "a", 1),
        ({"a.x.y": 2}, {"a": [{"x": [{"y": 1}]}, {"x": [{"y": 1}, {"y": 2}]}]}, "a", 1),
        ({"a.b": 2}, {"a": {"b": [1, 2]}}, "a.b", 1),
        ({"a.1": 5}, {"a": [1, 5]}, "a", 1),
        ({"a.1.x": 5}, {"a": [{"x": 5}, {"x": 5}]}, "a", 1),
        ({"a.1.0": 5}, {"a": [0, [5]]}, "a", 1),
        ({"a": {"$in": [5, 6]}}, {"a": [1, 6]}, "a", 1),
        ({"a": {"$all": [1, 6]}}, {"a": [1, 6]}, "a", 1),
        ({"a": re.compile("x")}, {"a": ["y", "x"]}, "a", 1),
        ({"a.x": {"$size": 1}}, {"a": [{"x": []}, {"x": [1]}]}, "a", 1),
        ({"a": {"$size": 2}}, {"a": [1, 2]}, "a", None),
        ({"a": 5}, {"a": 5}, "a", None),
        ({"a": [1, 2]}, {"a": [1, 2]}, "a", None),
        ({"a": {"$ne": 5}}, {"a": [1]}, "a", None),
        ({"b": 1}, {"a": [1], "b": [2, 1]}, "a", 1),
        ({"a": 5, "b": 1}, {"a": [5], "b": [2, 1]}, "a", 0),
        ({"b": 1, "a": 5}, {"a": [5], "b": [2, 1]}, "a", 0),
        ({"a": {"$gt": 1, "$lt": 9}}, {"a": [10, 5, 0]}, "a", 1),
        ({"$or": [{"a": 5}]}, {"a": [1, 5]}, "a", 1),
        ({"$or": [{"a": 7}, {"a": 5}, {"a": 1}]}, {"a": [1, 5]}, "a", 0),
        ({"$or": [{"a": "x"}, {"a": re.compile("y")}]}, {"a": ["z", "y"]}, "a", 1),
        ({"$or": [{"a": 5}, {"a": {"$gt": 6}}]}, {"a": [1, 5]}, "a", None),
        ({"$or": [{"a": 5}, {"b": 5}]}, {"a": [1, 5], "b": [5]}, "a", None),
        ({"$and": [{"a": 1}, {"a": 5}]}, {"a": [1, 5]}, "a", 1),
        ({"a.b": 1}, {"a": 5}, "a", None),
    ],
)
def test_the_position_of_a_match_is_found(filter: dict[str, Any], document: dict[str, Any], path: str, expected: Any):
    """In the outermost array; a condition on the array itself wins, the last of several."""
    assert parse_filter(filter).matched_index(document, path) == expected


def test_a_repeated_shape_costs_no_parse():
    """Filters that differ in constants share tree and code; others do not."""
    documents = [{"a": value, "b": "x"} for value in range(5)]
    for value in range(5):
        query = parse_filter(
            {"a": value, "b": {"$in": ["x", str(value)]}, "c": {"$regex": f"x{value}", "$options": "i"}}
        )
        assert query.matches({"a": value, "b": "x", "c": f"X{value}"})
    assert parse_filter({"a": 1}).select(documents) == [documents[1]]
    assert parse_filter({"a": 4}).select(documents) == [documents[4]]

    info = cache_info()
    assert (info.hits, info.misses, info.compilations, info.size) == (5, 2, 2, 2)
    assert parse_filter({"a": 1}).shape == parse_filter({"a": 2}).shape != parse_filter({"a": "x"}).shape
    assert parse_filter({"a": float("nan")}).shape != parse_filter({"a": 1.0}).shape


@pytest.mark.parametrize(
    "filter",
    [
        {"$expr": {"$gt": ["$a", 1]}},
        {"$jsonSchema": {"required": ["a"]}},
        {"$text": {"$search": "x"}},
        {"a": {"$mod": [2, 1]}, "$comment": "x"},
        {"a": {"$bitsAllSet": [1, 2]}},
        {"a": {"$all": [1, "x"]}},
        {"a": {"$elemMatch": {"b": 1, "c": {"$gt": 2}}}},
        {"a": {"$elemMatch": {"$gt": 1}}},
        {"a": {"$not": {"$gt": 1}}},
        {"a": re.compile("x")},
        {"a": {"$regex": re.compile("x")}},
        {"$or": [{"a": 1}, {"b": {"x": 1}}], "c": None, "d": [1], "e": {"$type": "int"}, "f": {"$exists": 1}},
        {"a": {"$size": 2}, "b": {"$ne": b"x"}},
    ],
)
def test_common_forms_have_a_shape(filter: dict[str, Any]):
    """Their second parse is a look-up."""
    first = parse_filter(filter)
    second = parse_filter(dict(filter))

    assert cache_info().hits == 1
    assert first.shape == second.shape is not None
    assert first.root == second.root or first.uses_expressions or "$jsonSchema" in filter


@pytest.mark.parametrize(
    "filter",
    [
        {"a": {"$in": [re.compile("x")]}},
        {"a": {"$in": [{"x": 1}]}},
        {"a": {"$all": [{"$elemMatch": {"b": 1}}]}},
        {"a": {"$all": [re.compile("x")]}},
        {"a": {"$elemMatch": {}}},
        {"a": {"$eq": re.compile("x")}},
        {"a": {"$ref": "c", "$id": 1}},
        {"a": {"$elemMatch": {"$ref": "c"}}},
        {"$sampleRate": b"x" if False else 0.5, "$alwaysTrue": 1},
        {"$expr": {"$or": [{"$eq": [f"$f{index}", 1]} for index in range(1000)]}},
        {"$expr": {"$eq": ["$a", re.compile("x")]}},
        {"$or": [{f"f{index}": 1} for index in range(3000)]},
        {"a": (1, 2), "b": {"$in": {1}} if False else 1, "$and": ({"c": 1},)},
    ],
)
def test_rare_forms_are_parsed_each_time(filter: dict[str, Any]):
    """Without a shape, and with the same meaning."""
    assert parse_filter(filter).shape is None
    assert parse_filter(filter).shape is None
    assert cache_info().hits == 0


def test_the_shapes_kept_are_bounded(monkeypatch: pytest.MonkeyPatch):
    """The one not used for longest goes first."""
    monkeypatch.setattr(parse, "_MAX_SHAPES", 3)
    for name in ("a", "b", "c", "a", "d"):
        parse_filter({name: 1})
    assert cache_info().size == 3
    hits = cache_info().hits
    parse_filter({"a": 1})
    assert cache_info().hits == hits + 1
    parse_filter({"b": 1})
    assert cache_info().hits == hits + 1


def test_collations_and_variables_have_shapes_of_their_own():
    """And their queries are told apart."""
    plain = parse_filter({"a": "x"})
    loose = parse_filter({"a": "x"}, collation={"locale": "en", "strength": 1})

    assert not plain.matches({"a": "X"})
    assert loose.matches({"a": "X"})
    assert loose.collation is not None
    assert plain.collation is None
    assert plain.shape != loose.shape
    with pytest.raises(NoSQLFilterError, match="variable"):
        parse_filter({"$expr": {"$eq": ["$a", "$$v"]}})
    query = parse_filter({"$expr": {"$eq": ["$a", "$$v"]}}, variables=["v"])
    assert query.with_variables({"v": 5}).select([{"a": 5}, {"a": 6}]) == [{"a": 5}]
    assert query.with_variables({"v": 6}).select([{"a": 5}, {"a": 6}]) == [{"a": 6}]
    with pytest.raises(NoSQLFilterError):
        parse_filter({"$expr": {"$eq": ["$a", "$$v"]}})


def test_a_query_is_a_filter_too():
    """So are None, what the builder makes, and the builder."""
    query = parse_filter({"a": 1})
    builder = DocumentQueryBuilder().where("a", 1)

    assert parse_filter(query) is query
    assert parse_filter(None).is_empty
    assert parse_filter(builder).root == query.root
    assert parse_filter(builder.build()).root == query.root
    with pytest.raises(NoSQLFilterError, match="collation"):
        parse_filter(query, collation={"locale": "en"})
    loose = parse_filter({"a": 1}, collation={"locale": "en"})
    assert parse_filter(loose, collation={"locale": "en"}) is loose
    assert parse_filter(loose) is loose


def test_errors_of_expressions_reach_the_caller():
    """What an expression cannot evaluate is an error of the pipeline language."""
    query = parse_filter({"$expr": {"$add": ["$a", 1]}})

    assert query.matches({"a": 1})
    with pytest.raises(PipelineError):
        query.matches({"a": "x"})


def test_nothing_but_functions_can_be_asked_by_name():
    """A name that is no attribute is an error as ever."""
    with pytest.raises(AttributeError, match="nothing"):
        parse_filter({}).nothing  # noqa: B018


def test_a_filter_costs_exactly_the_calls_it_must():
    """A scan by a scalar field calls no Python function per document, not even for arrays without the constant."""
    documents: list[dict[str, Any]] = [
        {"_id": index, "f": index % 10, "n": {"x": index}, "t": [1, "x"]} for index in range(1000)
    ]
    queries = [
        parse_filter({"f": 5}),
        parse_filter({"f": {"$gte": 3, "$lt": 7}}),
        parse_filter({"$or": [{"f": 1}, {"n.x": 2}]}),
        parse_filter({"n.x": {"$in": [1, 2]}, "f": {"$ne": 3}}),
        parse_filter({"t": 5}),
        parse_filter({"t": "x"}),
    ]
    calls: list[str] = []

    def trace(frame: Any, event: str, _argument: Any) -> None:
        if event == "call":
            calls.append(frame.f_code.co_name)

    for query in queries:
        query.select([])  # code is made here
        gc.disable()
        sys.setprofile(trace)
        try:
            query.select(documents)
        finally:
            sys.setprofile(None)
            gc.enable()
        assert sorted(set(calls)) == ["<listcomp>", "_function", "run", "select"], calls[:10]
        assert len(calls) == 4
        calls.clear()


def test_marks_say_what_generated_code_may_assume():
    """Classes for plain scalars, special marks for the rest."""
    assert code.mark(1) is int
    assert code.mark(float("nan")) == code.NAN
    assert code.mark(object()) == code.MIXED
    assert code.list_mark(["a"]) is str
    assert code.list_mark([1, "a", None]) == code.HASHABLE
    assert code.list_mark([True, 1]) == code.MIXED
    assert code.list_mark([float("nan")]) == code.MIXED


def test_every_leaf_names_its_path():
    """Walking a tree meets every condition once."""
    query = parse_filter({"a": {"$elemMatch": {"b": 1, "$or": [{"c": 1}]}}, "$nor": [{"d": 1}]})

    assert [node.path for node in query.root.walk() if isinstance(node, Leaf)] == ["a", "b", "c", "d"]
