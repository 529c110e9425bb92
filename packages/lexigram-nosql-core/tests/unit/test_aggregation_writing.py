"""``$merge`` and ``$out``: what is written, when, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from lexigram.nosql.exceptions import (
    DocumentValidationError,
    DuplicateKeyError,
    MemoryLimitError,
    PipelineError,
    UpdateError,
)

Aggregate = Callable[..., Any]


async def _write(aggregate: Aggregate, around: Any, documents: list[Any], stage: Any, batch: int = 1000) -> list[Any]:
    around.batch = batch
    assert await aggregate(documents, [stage], context=around) == []
    target = stage.get("$out") or stage["$merge"]
    name = target if isinstance(target, str) else target.get("into", target.get("coll"))
    result: list[Any] = around.collections[name if isinstance(name, str) else name["coll"]]
    return result


@pytest.mark.parametrize("batch", [1, 2, 100])
@pytest.mark.parametrize("into", ["o", {"coll": "o"}])
async def test_merge_inserts_what_is_new_and_merges_the_rest(
    aggregate: Aggregate, surroundings: Any, batch: int, into: Any
) -> None:
    """Without options fields are merged at the top."""
    around = surroundings({"o": [{"_id": 1, "a": 1, "n": {"x": 1}}, {"_id": 5, "a": 5}]})
    documents = [{"_id": 1, "b": 2, "n": {"y": 2}}, {"_id": 2, "b": 3}]
    assert await _write(aggregate, around, documents, {"$merge": {"into": into}}, batch) == [
        {"_id": 1, "a": 1, "n": {"y": 2}, "b": 2},
        {"_id": 5, "a": 5},
        {"_id": 2, "b": 3},
    ]


MODES: list[tuple[dict[str, Any], list[Any]]] = [
    ({"whenMatched": "replace"}, [{"_id": 1, "b": 2}, {"_id": 2, "b": 3}]),
    ({"whenMatched": "replace", "whenNotMatched": "discard"}, [{"_id": 1, "b": 2}]),
    ({"whenMatched": "keepExisting"}, [{"_id": 1, "a": 1}, {"_id": 2, "b": 3}]),
    ({"whenMatched": "merge", "whenNotMatched": "discard"}, [{"_id": 1, "a": 1, "b": 2}]),
    (
        {"whenMatched": [{"$set": {"sum": {"$add": ["$a", "$$new.b"]}}}]},
        [{"_id": 1, "a": 1, "sum": 3}, {"_id": 2, "b": 3}],
    ),
    (
        {
            "whenMatched": [{"$set": {"c": "$$extra"}}, {"$unset": "a"}],
            "let": {"extra": {"$multiply": ["$b", 10]}},
            "whenNotMatched": "discard",
        },
        [{"_id": 1, "c": 20}],
    ),
    (
        {"whenMatched": [{"$replaceWith": {"was": "$$ROOT"}}]},
        [{"_id": 1, "was": {"_id": 1, "a": 1}}, {"_id": 2, "b": 3}],
    ),
    ({"whenMatched": [{"$project": {"a": 1}}], "let": {"new": "$$ROOT"}}, [{"_id": 1, "a": 1}, {"_id": 2, "b": 3}]),
    ({"whenMatched": []}, [{"_id": 1, "a": 1}, {"_id": 2, "b": 3}]),
]


@pytest.mark.parametrize(("options", "expected"), MODES)
async def test_modes_of_merge(aggregate: Aggregate, surroundings: Any, options: dict[str, Any], expected: Any) -> None:
    """What becomes of documents that match, and of those that do not."""
    around = surroundings({"o": [{"_id": 1, "a": 1}]})
    documents = [{"_id": 1, "b": 2}, {"_id": 2, "b": 3}]
    assert await _write(aggregate, around, documents, {"$merge": {"into": "o", **options}}) == expected
    assert documents == [{"_id": 1, "b": 2}, {"_id": 2, "b": 3}]


async def test_merge_may_fail_where_a_document_matches(aggregate: Aggregate, surroundings: Any) -> None:
    """``fail`` is an insert."""
    around = surroundings({"o": [{"_id": 1}]})
    stage = {"$merge": {"into": "o", "whenMatched": "fail"}}
    assert await _write(aggregate, around, [{"_id": 2}], stage) == [{"_id": 1}, {"_id": 2}]
    with pytest.raises(DuplicateKeyError):
        await aggregate([{"_id": 1}], [stage], context=around)


@pytest.mark.parametrize("matched", ["replace", "merge", [{"$set": {"x": 1}}]])
@pytest.mark.parametrize("document", [{"_id": 7}, {"a": 1}])
async def test_merge_may_fail_where_nothing_matches(
    aggregate: Aggregate, surroundings: Any, matched: Any, document: Any
) -> None:
    """Also for a document that has no ``_id`` yet."""
    around = surroundings({"o": [{"_id": 1}]})
    stage = {"$merge": {"into": "o", "whenMatched": matched, "whenNotMatched": "fail"}}
    with pytest.raises(PipelineError) as caught:
        await aggregate([document], [stage], context=around)
    assert caught.value.mongo_code == 13113


async def test_documents_without_an_id_are_inserted(aggregate: Aggregate, surroundings: Any) -> None:
    """They match nothing; they are left out where what does not match is."""
    around = surroundings({"o": [{"_id": 1}]})
    made = await _write(aggregate, around, [{"a": 1}, {"_id": 1, "a": 2}], {"$merge": "o"})
    assert made == [{"_id": 1, "a": 2}, {"_id": "made 1", "a": 1}]
    around = surroundings({"o": [{"_id": 1}]})
    stage = {"$merge": {"into": "o", "whenNotMatched": "discard"}}
    assert await _write(aggregate, around, [{"a": 1}, {"_id": 1, "a": 2}], stage) == [{"_id": 1, "a": 2}]


async def test_other_fields_may_identify_a_document(aggregate: Aggregate, surroundings: Any) -> None:
    """A unique index must say that they do; the ``_id`` of the document that is there stays."""
    around = surroundings({"o": [{"_id": 1, "k": {"a": 1}, "b": 1, "v": 0}]})
    around.unique["o"] = [frozenset({"k.a", "b"})]
    documents = [{"k": {"a": 1}, "b": 1, "v": 9}, {"k": {"a": 2}, "b": 1, "v": 8}]
    stage = {"$merge": {"into": "o", "on": ["k.a", "b"]}}
    assert await _write(aggregate, around, documents, stage) == [
        {"_id": 1, "k": {"a": 1}, "b": 1, "v": 9},
        {"_id": "made 1", "k": {"a": 2}, "b": 1, "v": 8},
    ]


async def test_merge_without_a_unique_index_is_refused(aggregate: Aggregate, surroundings: Any) -> None:
    """Even where there is nothing to write; the hint says how to make one."""
    for documents in ([{"_id": 1, "k": 1}], []):
        with pytest.raises(PipelineError, match="unique index") as caught:
            await aggregate(documents, [{"$merge": {"into": "o", "on": "k"}}], context=surroundings())
        assert caught.value.mongo_code == 51183


@pytest.mark.parametrize(
    ("code", "document"),
    [
        (51132, {"_id": 1}),
        (51132, {"_id": 1, "k": None}),
        (51185, {"_id": 1, "k": [1]}),
        (51132, {"_id": None, "k": 1}),
    ],
)
async def test_what_identifies_a_document_must_be_one_value(
    aggregate: Aggregate, surroundings: Any, code: int, document: Any
) -> None:
    """Neither missing nor null nor an array."""
    around = surroundings()
    around.unique["o"] = [frozenset({"k"}), frozenset({"k", "_id"})]
    on = ["k", "_id"] if document.get("_id") is None else "k"
    with pytest.raises(PipelineError) as caught:
        await aggregate([document], [{"$merge": {"into": "o", "on": on}}], context=around)
    assert caught.value.mongo_code == code


async def test_merge_does_not_change_an_id(aggregate: Aggregate, surroundings: Any) -> None:
    """Where another field identifies the document, or a pipeline computes another ``_id``."""
    around = surroundings({"o": [{"_id": 1, "k": 1}]})
    around.unique["o"] = [frozenset({"k"})]
    for matched in ("replace", "merge", [{"$set": {"_id": 5}}]):
        stage = {"$merge": {"into": "o", "on": "k", "whenMatched": matched}}
        with pytest.raises(UpdateError) as caught:
            await aggregate([{"_id": 2, "k": 1}], [stage], context=around)
        assert caught.value.mongo_code == 66
    stage = {"$merge": {"into": "o", "whenMatched": [{"$unset": "_id"}, {"$set": {"x": 1}}]}}
    assert await _write(aggregate, around, [{"_id": 1}], stage) == [{"_id": 1, "k": 1, "x": 1}]


async def test_merge_writes_batch_by_batch(aggregate: Aggregate, surroundings: Any) -> None:
    """As the documents come, so that not all of them need be held."""
    around = surroundings()
    await _write(aggregate, around, [{"_id": n} for n in range(10)], {"$merge": "o"}, batch=4)
    assert around.writes == [("merge", "o", 4), ("merge", "o", 4), ("merge", "o", 2)]


async def test_merge_into_what_is_read_waits_for_the_end(aggregate: Aggregate, surroundings: Any) -> None:
    """No document may meet what the pipeline wrote."""
    around = surroundings({"o": [{"_id": n, "a": n} for n in range(5)]}, batch=1)
    lookup = {"$lookup": {"from": "o", "pipeline": [{"$count": "n"}], "as": "all"}}
    stages = [lookup, {"$set": {"_id": {"$add": ["$_id", 100]}}}, {"$merge": "o"}]
    assert await aggregate([{"_id": 1}, {"_id": 2}], stages, context=around) == []
    assert around.collections["o"][5:] == [{"_id": 101, "all": [{"n": 5}]}, {"_id": 102, "all": [{"n": 5}]}]
    assert around.writes == [("merge", "o", 2)]
    limited = surroundings({"o": []}, batch=1, memory_limit_bytes=100)
    with pytest.raises(MemoryLimitError):
        await aggregate([{"_id": n} for n in range(100)], stages, context=limited)
    assert limited.writes == []


async def test_merge_into_the_collection_itself_waits_for_the_end(aggregate: Aggregate, surroundings: Any) -> None:
    """As into any collection that is read."""
    around = surroundings(batch=1)
    around.collection = "self"
    await aggregate([{"_id": 1}, {"_id": 2}], [{"$merge": "self"}], context=around)
    assert around.writes == [("merge", "self", 2)]


async def test_what_is_written_is_not_shared(aggregate: Aggregate, surroundings: Any) -> None:
    """Neither with the source nor with the pipeline."""
    documents = [{"_id": 1, "a": [1]}]
    constant = {"x": [1]}
    for stage in ({"$merge": "o"}, {"$merge": {"into": "o", "whenMatched": "replace"}}, {"$out": "o"}):
        around = surroundings()
        await aggregate(documents, [{"$set": {"c": {"$literal": constant}}}, stage], context=around)
        (written,) = around.collections["o"]
        assert written == {"_id": 1, "a": [1], "c": {"x": [1]}}
        written["a"].append(2)
        written["c"]["x"].append(2)
    assert documents == [{"_id": 1, "a": [1]}]
    assert constant == {"x": [1]}


@pytest.mark.parametrize("out", ["o", {"coll": "o"}])
async def test_out_replaces_what_is_there(aggregate: Aggregate, surroundings: Any, out: Any) -> None:
    """All at once, at the end; also by nothing."""
    around = surroundings({"o": [{"_id": 9}]})
    assert await _write(aggregate, around, [{"_id": 1}, {"a": 1}], {"$out": out}, 1) == [
        {"_id": 1},
        {"_id": "made 1", "a": 1},
    ]
    assert around.writes == [("replace", "o", 2)]
    assert await _write(aggregate, around, [], {"$out": out}) == []


async def test_out_of_a_pipeline_that_fails_changes_nothing(aggregate: Aggregate, surroundings: Any) -> None:
    """Whether a stage fails, a document may not be stored, or there is not enough room."""
    around = surroundings({"o": [{"_id": 9}]}, batch=1, memory_limit_bytes=2000)
    with pytest.raises(PipelineError):
        await aggregate(
            [{"_id": 1}, {"_id": 0}], [{"$set": {"a": {"$divide": [1, "$_id"]}}}, {"$out": "o"}], context=around
        )
    with pytest.raises(MemoryLimitError):
        await aggregate([{"_id": n} for n in range(500)], [{"$out": "o"}], context=around)
    assert around.collections == {"o": [{"_id": 9}]}
    assert around.writes == []


@pytest.mark.parametrize("stage", [{"$out": "o"}, {"$merge": "o"}])
async def test_what_may_not_be_stored_is_not_written(aggregate: Aggregate, surroundings: Any, stage: Any) -> None:
    """A document that a pipeline makes is checked as any other."""
    deep: Any = 1
    for _ in range(98):
        deep = [deep]
    around = surroundings()
    stages = [{"$set": {"d": ["$d"]}}, {"$set": {"d": ["$d"]}}, {"$set": {"d": ["$d"]}}, {"$set": {"d": ["$d"]}}, stage]
    with pytest.raises(DocumentValidationError):
        await aggregate([{"_id": 1, "d": deep}], stages, context=around)
    assert around.writes == []
