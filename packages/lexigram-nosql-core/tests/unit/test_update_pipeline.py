"""Updates by pipeline."""

from __future__ import annotations

from typing import Any

import pytest
from lexigram.nosql.exceptions import NoSQLError, PipelineError, UpdateError
from lexigram.nosql.query.parse import parse_filter
from lexigram.nosql.update.parse import parse_update


@pytest.mark.parametrize(
    ("document", "stages", "expected"),
    [
        ({"_id": 1, "x": 1}, [{"$set": {"foo": 4}}], {"_id": 1, "x": 1, "foo": 4}),
        ({"_id": 1, "x": 1, "y": 1}, [{"$project": {"x": 1}}], {"_id": 1, "x": 1}),
        ({"_id": 1, "x": 1, "y": [{"z": 1, "f": 1}]}, [{"$unset": ["x", "y.z"]}], {"_id": 1, "y": [{"f": 1}]}),
        ({"_id": 1, "x": 1, "t": {"u": {"v": 1}}}, [{"$replaceWith": "$t"}], {"_id": 1, "u": {"v": 1}}),
        ({"_id": 1, "t": {"u": 1}}, [{"$replaceRoot": {"newRoot": "$t"}}], {"_id": 1, "u": 1}),
        ({"_id": 1, "a": 2}, [{"$addFields": {"b": {"$add": ["$a", 1]}}}, {"$unset": "a"}], {"_id": 1, "b": 3}),
        ({"_id": 1, "a": 2}, [{"$set": {"a": "$b"}}], {"_id": 1}),
        ({"_id": 1}, [{"$set": {"a": {"$literal": "$x"}}}], {"_id": 1, "a": "$x"}),
        (
            {"_id": 1},
            [{"$replaceWith": {"$setField": {"field": {"$literal": "$a.b"}, "input": "$$ROOT", "value": 1}}}],
            {"_id": 1, "$a.b": 1},
        ),
    ],
)
def test_stages_make_the_new_document(document: Any, stages: Any, expected: Any) -> None:
    """Each stage works on what the one before it gave; ``_id`` stays."""
    before = repr(document)
    new, changed = parse_update(stages).apply(document)
    assert changed
    assert new == expected
    assert next(iter(new)) == "_id"
    assert repr(document) == before


def test_a_pipeline_without_effect_is_no_change() -> None:
    """A document that comes out as it went in is handed back."""
    document = {"_id": 1, "a": 1}
    new, changed = parse_update([{"$set": {"a": 1}}]).apply(document)
    assert not changed
    assert new is document


@pytest.mark.parametrize(
    ("filter", "stages", "expected"),
    [
        ({"_id": 1, "x": 1}, [{"$set": {"foo": 4}}], {"_id": 1, "x": 1, "foo": 4}),
        ({"x": 1, "_id": 1}, [{"$project": {"x": "foo"}}], {"_id": 1, "x": "foo"}),
        ({"x": 1}, [{"$unset": "x"}, {"$set": {"_id": 7}}], {"_id": 7}),
        ({"x": 1}, [{"$set": {"y": "$x"}}], {"x": 1, "y": 1}),
    ],
)
def test_upserts_apply_the_pipeline_to_what_the_filter_says(filter: Any, stages: Any, expected: Any) -> None:
    """The filter's equalities go in, the document to insert comes out."""
    document = parse_update(stages).build_upsert(parse_filter(filter))
    assert document == expected
    assert list(document) == list(expected)


@pytest.mark.parametrize("stages", [[{"$set": {"_id": 2}}], [{"$replaceWith": {"_id": 5}}]])
def test_a_pipeline_cannot_change_the_id(stages: Any) -> None:
    """Neither of a document nor of what the filter gave to an upsert."""
    update = parse_update(stages)
    with pytest.raises(UpdateError) as caught:
        update.apply({"_id": 1})
    assert caught.value.mongo_code == 66
    with pytest.raises(UpdateError):
        update.build_upsert(parse_filter({"_id": 1}))


@pytest.mark.parametrize(
    "stage",
    [
        {"$match": {"x": 1}},
        {"$sort": {"x": 1}},
        {"$limit": 1},
        {"$unwind": "$x"},
        {"$group": {"_id": 1}},
        {"$lookup": {"from": "f", "as": "a", "localField": "x", "foreignField": "y"}},
        {"$out": "c"},
    ],
)
def test_stages_over_many_documents_are_refused(stage: Any) -> None:
    """An update makes one document of one document."""
    with pytest.raises(UpdateError) as caught:
        parse_update([stage])
    assert caught.value.mongo_code == 72


@pytest.mark.parametrize("stages", [[{"$foo": 1}], [{}], [{"$set": {"a": 1}, "$unset": "b"}], [{"$set": 5}]])
def test_stages_that_are_not_valid_are_refused(stages: Any) -> None:
    """The aggregation's own faults come through."""
    with pytest.raises(NoSQLError):
        parse_update(stages)


def test_faults_while_evaluating_leave_the_document_alone() -> None:
    """An expression that does not fit the document is a fault of the pipeline."""
    document = {"_id": 1, "a": "x"}
    with pytest.raises(PipelineError):
        parse_update([{"$set": {"b": {"$add": ["$a", 1]}}}]).apply(document)
    assert document == {"_id": 1, "a": "x"}


def test_array_filters_do_not_go_with_pipelines() -> None:
    """MongoDB refuses the combination with code 9."""
    with pytest.raises(UpdateError) as caught:
        parse_update([{"$set": {"a": 1}}], array_filters=[{"x": 1}])
    assert caught.value.mongo_code == 9


def test_a_pipeline_describes_itself() -> None:
    """Backends see that it is a pipeline, and its stages."""
    stages = [{"$set": {"a": [1, {"$literal": {"b": [1]}}]}}]
    update = parse_update(stages)
    assert update.is_pipeline
    assert not update.has_positional
    assert update.operations == ()
    assert update.array_filters == ()
    assert update.collation is None
    assert update.touches("anything")
    assert update.to_document() == stages
    assert update.to_document() is not stages


def test_constants_of_a_pipeline_are_not_shared() -> None:
    """Two documents that a pipeline gave a literal are apart."""
    constant = {"b": [1]}
    update = parse_update([{"$set": {"a": {"$literal": constant}}}])
    first, second = update.apply({"_id": 1})[0], update.apply({"_id": 2})[0]
    first["a"]["b"].append(2)
    constant["b"].append(3)
    assert second["a"] == {"b": [1]}
