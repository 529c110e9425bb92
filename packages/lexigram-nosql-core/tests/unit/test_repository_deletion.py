"""Deleting marks, where it is asked for: marked objects are nowhere, and can come back or go for good."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from lexigram.contracts.data.types import FieldEq
from lexigram.nosql.backends.memory import InMemoryDocumentStore
from lexigram.nosql.exceptions import DocumentNotFoundError, DuplicateKeyError, PipelineError
from lexigram.nosql.repository import DocumentRepository
from pydantic import BaseModel, ConfigDict, Field


@dataclass
class Note:
    """What is written down."""

    id: str
    text: str = ""


class Notes(DocumentRepository[Note, str]):
    """Its repository."""


@pytest.fixture
async def notes() -> AsyncIterator[Notes]:
    """Three notes, of which ``b`` was deleted."""
    async with InMemoryDocumentStore() as store:
        repository = Notes(store, soft_delete=True)
        await repository.save_many([Note("a", "x"), Note("b", "x"), Note("c", "y")])
        assert await repository.delete("b")
        yield repository


class Everything:
    """A specification without a filter."""

    def is_satisfied_by(self, candidate: Note) -> bool:
        return bool(candidate.id)


async def _page(notes: Notes, **options: Any) -> list[str]:
    return [note.id for note in (await notes.find_page(**options)).items]


async def _numbered(notes: Notes, **options: Any) -> tuple[int, list[str]]:
    page = await notes.paginate(**options)
    return page.total, [note.id for note in page.items]


READS: dict[str, tuple[Callable[..., Any], Any, Any]] = {
    "get": (lambda notes, **options: notes.get("b", **options), None, Note("b", "x")),
    "find_one": (lambda notes, **options: notes.find_one({"_id": "b"}, **options), None, Note("b", "x")),
    "list": (
        lambda notes, **options: notes.list(text="x", **options),
        [Note("a", "x")],
        [Note("a", "x"), Note("b", "x")],
    ),
    "find_by_filter": (lambda notes, **options: notes.find_by_filter({"_id": "b"}, **options), [], [Note("b", "x")]),
    "find_by_spec": (
        lambda notes, **options: notes.find_by_spec(FieldEq("text", "x"), **options),
        [Note("a", "x")],
        [Note("a", "x"), Note("b", "x")],
    ),
    "find_by_spec in memory": (
        lambda notes, **options: notes.find_by_spec(Everything(), **options),
        [Note("a", "x"), Note("c", "y")],
        [Note("a", "x"), Note("b", "x"), Note("c", "y")],
    ),
    "count": (lambda notes, **options: notes.count(**options), 2, 3),
    "exists": (lambda notes, **options: notes.exists({"_id": "b"}, **options), False, True),
    "distinct": (lambda notes, **options: notes.distinct("id", **options), ["a", "c"], ["a", "b", "c"]),
    "aggregate": (lambda notes, **options: notes.aggregate([{"$count": "n"}], **options), [{"n": 2}], [{"n": 3}]),
    "aggregate match": (
        lambda notes, **options: notes.aggregate([{"$match": {"text": "x"}}, {"$count": "n"}], **options),
        [{"n": 1}],
        [{"n": 2}],
    ),
    "paginate": (_numbered, (2, ["a", "c"]), (3, ["a", "b", "c"])),
    "find_page": (_page, ["a", "c"], ["a", "b", "c"]),
}


@pytest.mark.parametrize("name", READS)
async def test_a_read_leaves_out_what_was_deleted(notes: Notes, name: str) -> None:
    """Unless it is told to include it."""
    read, without, with_deleted = READS[name]

    assert await read(notes) == without
    assert await read(notes, include_deleted=True) == with_deleted


@pytest.mark.parametrize("filter", [{"_deleted": True}, {"$or": [{"_deleted": True}, {"_id": "b"}]}, {"_id": "b"}])
async def test_no_filter_of_the_callers_brings_it_back(notes: Notes, filter: dict[str, Any]) -> None:
    """What the option adds holds beside it."""
    assert await notes.find_by_filter(filter) == []
    assert await notes.delete_by_filter(filter) == 0
    assert await notes.list(_deleted=True) == []


async def test_deleting_marks_the_document_with_the_time(notes: Notes) -> None:
    """And a second time does nothing."""
    document = await notes.collection.find_one({"_id": "b"})

    assert document is not None
    assert document["_deleted"] is True
    assert datetime.now(UTC) - document["_deleted_at"] < timedelta(minutes=5)
    assert not await notes.delete("b")
    assert not await notes.delete("z")


async def test_every_way_of_deleting_marks(notes: Notes) -> None:
    """By ids and by filter; each says how many were there."""
    assert await notes.delete_many(["a", "b"]) == 1
    assert await notes.delete_by_filter({}) == 1
    assert await notes.count() == 0
    assert await notes.collection.count_documents() == 3


async def test_what_was_deleted_is_restored(notes: Notes) -> None:
    """As it was, without a trace."""
    assert await notes.restore("b")

    assert await notes.get("b") == Note("b", "x")
    assert await notes.collection.find_one({"_id": "b"}) == {"_id": "b", "text": "x"}
    assert not await notes.restore("b")
    assert not await notes.restore("z")


async def test_what_was_deleted_is_purged(notes: Notes) -> None:
    """All of it, or what was deleted before a time."""
    await notes.collection.update_one({"_id": "b"}, {"$set": {"_deleted_at": datetime(2020, 1, 1, tzinfo=UTC)}})
    await notes.delete("a")

    assert await notes.purge(before=datetime(2020, 1, 1, tzinfo=UTC)) == 0
    assert await notes.purge(before=datetime(2021, 1, 1, tzinfo=UTC)) == 1
    assert await notes.purge() == 1
    assert await notes.collection.distinct("_id") == ["c"]


async def test_saving_what_was_deleted_is_refused(notes: Notes) -> None:
    """Alone, among others, and in a transaction that goes on."""
    store = notes._store
    with pytest.raises(DocumentNotFoundError, match="notes 'b' was deleted") as caught:
        await notes.save(Note("b", "new"))
    assert caught.value.document_id == "b"
    with pytest.raises(DocumentNotFoundError, match="restore"):
        await notes.save_many([Note("a", "new"), Note("b", "new")])
    async with store.transaction():
        with pytest.raises(DocumentNotFoundError):
            await notes.save(Note("b", "new"))
        await notes.save(Note("c", "new"))

    assert [note.text for note in await notes.list(include_deleted=True)] == ["x", "x", "new"]


async def test_a_save_neither_marks_nor_restores(notes: Notes) -> None:
    """Also of an entity that shows the mark."""

    class Shown(BaseModel):
        model_config = ConfigDict(extra="forbid")
        id: str
        text: str = ""
        deleted: bool = Field(False, alias="_deleted")

    shown = DocumentRepository(notes._store, entity=Shown, collection_name="notes", soft_delete=True)

    await shown.save(Shown(id="a", _deleted=True))
    await shown.save(Shown(id="new", _deleted=True))

    assert await notes.count() == 3
    found = await shown.find_one({"_id": "b"}, include_deleted=True)
    assert found is not None
    assert found.deleted


async def test_an_entity_that_forbids_more_fields_is_read_with_its_mark(notes: Notes) -> None:
    """The option's own fields are the option's business."""

    class Strict(BaseModel):
        model_config = ConfigDict(extra="forbid")
        id: str
        text: str

    strict = DocumentRepository(notes._store, entity=Strict, collection_name="notes", soft_delete=True)

    assert await strict.get("b", include_deleted=True) == Strict(id="b", text="x")


async def test_new_objects_are_saved_beside_deleted_ones(notes: Notes) -> None:
    """Alone and in bulk, with and without ids."""
    await notes.save(Note("d"))
    await notes.save(Note("", "made"))
    await notes.save_many([Note("e"), Note("", "made")])

    assert await notes.count() == 6


async def test_a_save_that_a_deletion_overtakes_makes_no_second_document(notes: Notes) -> None:
    """Between looking and writing, the mark may come."""
    collection = notes.collection
    look = collection.find_one

    async def overtaken(*args: Any, **kwargs: Any) -> Any:
        found = await look(*args, **kwargs)
        await collection.insert_one({"_id": "d", "_deleted": True})
        return found

    collection.find_one = overtaken  # type: ignore[method-assign]
    with pytest.raises(DuplicateKeyError):
        await notes.save(Note("d"))

    assert await collection.count_documents({"_id": "d", "_deleted": True}) == 1


@pytest.mark.parametrize(
    "stage",
    [
        {"$unionWith": "notes"},
        {"$lookup": {"from": "notes", "localField": "_id", "foreignField": "_id", "as": "x"}},
        {"$facet": {"x": [{"$lookup": {"from": "notes", "localField": "_id", "foreignField": "_id", "as": "x"}}]}},
        {
            "$graphLookup": {
                "from": "notes",
                "startWith": "$_id",
                "connectFromField": "_id",
                "connectToField": "_id",
                "as": "x",
            }
        },
    ],
)
async def test_a_pipeline_that_reads_the_collection_again_is_refused(notes: Notes, stage: dict[str, Any]) -> None:
    """It would find what was deleted; others may be read."""
    with pytest.raises(PipelineError, match="reads 'notes' again"):
        await notes.aggregate([stage])

    assert await notes.aggregate([stage], include_deleted=True)
    assert len(await notes.aggregate([{"$unionWith": "others"}])) == 2
    await notes.aggregate([{"$out": "copy"}])
    assert await notes._store.collection("copy").count_documents() == 2


async def test_text_search_may_stand_first(notes: Notes) -> None:
    """The option's filter joins the first stage instead of standing before it."""
    await notes.collection.create_index([("text", "text")])

    assert await notes.aggregate([{"$match": {"$text": {"$search": "x"}}}, {"$count": "n"}]) == [{"n": 1}]


async def test_documents_that_come_from_nowhere_are_refused(notes: Notes) -> None:
    """``$documents`` must be first, where the option's filter stands."""
    with pytest.raises(PipelineError):
        await notes.aggregate([{"$documents": [{"x": 1}]}])
