"""What each migration operation does, that it can be repeated, and how it is undone."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import FrozenInstanceError, dataclass
from typing import Any

import pytest
from lexigram.nosql.backends.memory import InMemoryDocumentStore
from lexigram.nosql.backends.memory.spec import MemoryConfig
from lexigram.nosql.exceptions import IrreversibleMigrationError, MigrationError, NoSQLIndexError
from lexigram.nosql.migration import (
    AddField,
    Compound,
    CreateIndex,
    DropCollection,
    DropIndex,
    MigrationOperation,
    RemoveField,
    RenameField,
    RunPython,
)


@pytest.fixture
async def store() -> AsyncIterator[InMemoryDocumentStore]:
    async with InMemoryDocumentStore() as opened:
        yield opened


async def rows(store: InMemoryDocumentStore, name: str = "users") -> list[dict[str, Any]]:
    return await store.collection(name).find(sort=[("_id", 1)]).to_list()


async def index_names(store: InMemoryDocumentStore, name: str = "users") -> list[str]:
    return [index["name"] for index in await store.collection(name).list_indexes()]


async def test_create_index_makes_the_index_once(store: InMemoryDocumentStore) -> None:
    """Carried out twice, there is one index, with its options."""
    operation = CreateIndex("users", [("email", 1), ("at", -1)], unique=True, sparse=True)
    await operation.execute(store)
    await operation.execute(store)
    assert await store.collection("users").list_indexes() == [
        {"v": 2, "key": {"_id": 1}, "name": "_id_"},
        {"v": 2, "key": {"email": 1, "at": -1}, "name": "email_1_at_-1", "unique": True, "sparse": True},
    ]


@pytest.mark.parametrize("keys", ["email", {"email": 1}, [("email", 1)], [["email", 1]]])
async def test_create_index_takes_keys_in_every_form(store: InMemoryDocumentStore, keys: Any) -> None:
    """A name, a mapping and pairs mean the same index, and have the same checksum."""
    operation = CreateIndex("users", keys)
    await operation.execute(store)
    assert await index_names(store) == ["_id_", "email_1"]
    assert operation.fingerprint() == CreateIndex("users", "email").fingerprint()


async def test_create_index_passes_every_option_on(store: InMemoryDocumentStore) -> None:
    """Name, partial filter, expiry and collation arrive at the collection."""
    await CreateIndex(
        "users",
        "at",
        name="old",
        partial_filter={"active": True},
        expire_after_seconds=60,
        collation={"locale": "en", "strength": 2},
    ).execute(store)
    made = (await store.collection("users").list_indexes())[1]
    assert made["name"] == "old"
    assert made["partialFilterExpression"] == {"active": True}
    assert made["expireAfterSeconds"] == 60
    assert made["collation"]["locale"] == "en"


async def test_creating_an_index_is_undone_by_dropping_it_and_back(store: InMemoryDocumentStore) -> None:
    """The inverse knows the name that the keys make, and its own inverse makes the index again."""
    operation = CreateIndex("users", "email", unique=True)
    await operation.execute(store)
    inverse = operation.inverse()
    assert inverse == DropIndex("users", "email_1", restore=operation)
    await inverse.execute(store)
    assert await index_names(store) == ["_id_"]
    await inverse.inverse().execute(store)
    assert await index_names(store) == ["_id_", "email_1"]


async def test_dropping_an_index_that_is_not_there_does_nothing(store: InMemoryDocumentStore) -> None:
    """A missing index and a missing collection are fine."""
    await DropIndex("users", "email_1").execute(store)
    await CreateIndex("users", "email").execute(store)
    await DropIndex("users", "email_1").execute(store)
    await DropIndex("users", "email_1").execute(store)
    assert await index_names(store) == ["_id_"]


async def test_an_index_that_vanishes_while_it_is_dropped_is_fine(
    store: InMemoryDocumentStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody else may drop it between the look and the drop; other refusals stay errors."""
    collection = store.collection("users")
    await CreateIndex("users", "email").execute(store)

    async def gone(name: str) -> None:
        raise NoSQLIndexError("gone", mongo_code=27)

    monkeypatch.setattr(collection, "drop_index", gone)
    await DropIndex("users", "email_1").execute(store)

    async def refused(name: str) -> None:
        raise NoSQLIndexError("no", mongo_code=72)

    monkeypatch.setattr(collection, "drop_index", refused)
    with pytest.raises(NoSQLIndexError):
        await DropIndex("users", "email_1").execute(store)


def test_dropping_an_index_cannot_be_undone_unless_it_says_what_the_index_was() -> None:
    """The error says how to write it."""
    with pytest.raises(IrreversibleMigrationError, match="nothing says what the index was") as caught:
        DropIndex("users", "email_1").inverse()
    assert "restore=CreateIndex" in str(caught.value)


def test_restore_must_make_the_dropped_index() -> None:
    """Another name or collection is a mistake."""
    with pytest.raises(MigrationError, match="restore makes the index 'name_1' on 'users'"):
        DropIndex("users", "email_1", restore=CreateIndex("users", "name"))
    with pytest.raises(MigrationError, match="on 'people'"):
        DropIndex("users", "email_1", restore=CreateIndex("people", "email"))


async def test_rename_field_renames_where_the_field_is(store: InMemoryDocumentStore) -> None:
    """Carried out twice it renames once, and its inverse renames back."""
    users = store.collection("users")
    await users.insert_many([{"_id": 1, "a": {"b": 1}}, {"_id": 2, "a": {"c": 2}}, {"_id": 3}])
    operation = RenameField("users", "a.b", "x")
    await operation.execute(store)
    await operation.execute(store)
    assert await rows(store) == [{"_id": 1, "a": {}, "x": 1}, {"_id": 2, "a": {"c": 2}}, {"_id": 3}]
    await operation.inverse().execute(store)
    assert await rows(store) == [{"_id": 1, "a": {"b": 1}}, {"_id": 2, "a": {"c": 2}}, {"_id": 3}]


async def test_rename_field_goes_on_where_it_stopped(store: InMemoryDocumentStore) -> None:
    """Documents already renamed stay as they are."""
    await store.collection("users").insert_many([{"_id": 1, "new": 1}, {"_id": 2, "old": 2}])
    await RenameField("users", "old", "new").execute(store)
    assert await rows(store) == [{"_id": 1, "new": 1}, {"_id": 2, "new": 2}]


@pytest.mark.parametrize("value", ["UTC", None, 0, [1, 2], {"a": [{"b": None}]}, b"x"])
async def test_add_field_sets_the_field_where_it_is_missing(store: InMemoryDocumentStore, value: Any) -> None:
    """What has the field keeps it, also when it holds None."""
    await store.collection("users").insert_many([{"_id": 1}, {"_id": 2, "f": None}, {"_id": 3, "f": "own"}])
    operation = AddField("users", "f", default=value)
    await operation.execute(store)
    await operation.execute(store)
    assert await rows(store) == [{"_id": 1, "f": value}, {"_id": 2, "f": None}, {"_id": 3, "f": "own"}]


async def test_undoing_add_field_keeps_what_was_changed_since(store: InMemoryDocumentStore) -> None:
    """Only documents that still hold the default lose the field; an array that holds it is another value."""
    await store.collection("users").insert_many([{"_id": 1}, {"_id": 2}, {"_id": 3}])
    operation = AddField("users", "zone", default="UTC")
    await operation.execute(store)
    await store.collection("users").update_one({"_id": 2}, {"$set": {"zone": "CET"}})
    await store.collection("users").update_one({"_id": 3}, {"$set": {"zone": ["UTC"]}})
    await operation.inverse().execute(store)
    assert await rows(store) == [{"_id": 1}, {"_id": 2, "zone": "CET"}, {"_id": 3, "zone": ["UTC"]}]


@pytest.mark.parametrize("value", [[1, "a"], None, {"a": 1}])
async def test_add_field_and_its_inverse_leave_nothing_behind(store: InMemoryDocumentStore, value: Any) -> None:
    """Whatever the default is, the inverse finds it; the inverse of the inverse sets it again."""
    await store.collection("users").insert_one({"_id": 1})
    operation = AddField("users", "f", value)
    await operation.execute(store)
    await operation.inverse().execute(store)
    assert await rows(store) == [{"_id": 1}]
    await operation.inverse().inverse().execute(store)
    assert await rows(store) == [{"_id": 1, "f": value}]


def test_add_field_takes_its_value_under_both_names_but_once() -> None:
    """``default``, ``default_value`` and the third argument are one; None is a value, nothing is none."""
    assert AddField("u", "f", "x") == AddField("u", "f", default="x") == AddField("u", "f", default_value="x")
    operation = AddField("u", "f", default_value=None)
    assert (operation.collection, operation.field, operation.default, operation.default_value) == ("u", "f", None, None)
    with pytest.raises(MigrationError, match="takes its value once"):
        AddField("u", "f")
    with pytest.raises(MigrationError, match="takes its value once"):
        AddField("u", "f", 1, default_value=1)


def test_the_value_of_add_field_is_the_operations_own() -> None:
    """Changing the caller's list changes neither the operation nor its checksum."""
    value = ["a"]
    operation = AddField("u", "tags", default=value)
    before = operation.fingerprint()
    value.append("b")
    assert operation.default == ["a"]
    assert operation.fingerprint() == before


async def test_remove_field_removes_it_everywhere(store: InMemoryDocumentStore) -> None:
    """Without a value there is no way back, and the error says why."""
    await store.collection("users").insert_many([{"_id": 1, "f": 1}, {"_id": 2, "f": None}, {"_id": 3}])
    operation = RemoveField("users", "f")
    await operation.execute(store)
    await operation.execute(store)
    assert await rows(store) == [{"_id": 1}, {"_id": 2}, {"_id": 3}]
    with pytest.raises(IrreversibleMigrationError, match="values are gone"):
        operation.inverse()


async def test_drop_collection_removes_it_and_cannot_be_undone(store: InMemoryDocumentStore) -> None:
    """A missing collection is fine."""
    await store.collection("old").insert_one({})
    operation = DropCollection("old")
    await operation.execute(store)
    await operation.execute(store)
    assert await store.list_collections() == []
    with pytest.raises(IrreversibleMigrationError, match="drop collection old"):
        operation.inverse()


async def test_run_python_calls_functions_of_both_kinds(store: InMemoryDocumentStore) -> None:
    """Sync and async functions get the store; the inverse calls the other one."""
    calls: list[str] = []

    async def up(given: Any) -> None:
        calls.append("up" if given is store else "?")

    def down(given: Any) -> None:
        calls.append("down" if given is store else "?")

    operation = RunPython(up, down, checksum="1")
    await operation.execute(store)
    await operation.inverse().execute(store)
    await operation.inverse().inverse().execute(store)
    assert calls == ["up", "down", "up"]
    with pytest.raises(IrreversibleMigrationError, match="has no function for that"):
        RunPython(up, checksum="1").inverse()


def test_code_needs_a_checksum_text() -> None:
    """It is what tells that the code was changed; the functions themselves do not count."""
    with pytest.raises(TypeError):
        RunPython(print)  # type: ignore[call-arg]
    with pytest.raises(MigrationError, match="no checksum of its own"):
        RunPython(print, checksum="")
    with pytest.raises(MigrationError, match="takes functions"):
        RunPython("print", checksum="1")  # type: ignore[arg-type]
    assert RunPython(print, checksum="1").fingerprint() == RunPython(repr, checksum="1").fingerprint()
    assert RunPython(print, checksum="1").fingerprint() != RunPython(print, checksum="2").fingerprint()


async def test_a_compound_runs_in_order_and_is_undone_in_reverse(store: InMemoryDocumentStore) -> None:
    """Its inverse is made of the inverses, the last first."""
    await store.collection("users").insert_one({"_id": 1, "a": 1})
    operation = Compound(RenameField("users", "a", "b"), RenameField("users", "b", "c"), AddField("users", "d", 4))
    await operation.execute(store)
    assert await rows(store) == [{"_id": 1, "c": 1, "d": 4}]
    await operation.inverse().execute(store)
    assert await rows(store) == [{"_id": 1, "a": 1}]
    with pytest.raises(IrreversibleMigrationError):
        Compound(AddField("users", "d", 4), DropCollection("users")).inverse()
    assert operation.describe() == "rename field a of users to b; rename field b of users to c; add field d to users"


def test_a_compound_takes_operations_only() -> None:
    """Nothing, and what is no operation, is refused."""
    with pytest.raises(MigrationError, match="at least one"):
        Compound()
    with pytest.raises(MigrationError, match="takes operations, not str"):
        Compound("drop")  # type: ignore[arg-type]


def deeply_nested(levels: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    "make",
    [
        lambda: CreateIndex("", "a"),
        lambda: CreateIndex("$x", "a"),
        lambda: DropCollection(""),
        lambda: DropCollection(7),  # type: ignore[arg-type]
        lambda: DropIndex("u", ""),
        lambda: RenameField("u", "a", "a"),
        lambda: RenameField("u", "a", "a.b"),
        lambda: RenameField("u", "_id", "b"),
        lambda: RenameField("u", "a", "_id"),
        lambda: RenameField("u", "", "b"),
        lambda: RenameField("u", "a", 1),  # type: ignore[arg-type]
        lambda: AddField("u", "_id.x", 1),
        lambda: AddField("u", "a..b", 1),
        lambda: AddField("u", "f", object()),
        lambda: AddField("u", "f", {"deep": deeply_nested(150)}),
        lambda: RemoveField("u", "f."),
    ],
)
def test_operations_that_cannot_work_are_refused_when_they_are_made(make: Any) -> None:
    """So that nothing has run yet when the mistake is found."""
    with pytest.raises(MigrationError):
        make()


def test_an_invalid_index_is_refused_when_it_is_written() -> None:
    """With the error that creating it would raise."""
    with pytest.raises(NoSQLIndexError):
        CreateIndex("u", [("a", 2)])


def test_operations_do_not_change() -> None:
    """They are frozen, and what they were made with can be read."""
    operation = RenameField("users", "a", "b")
    assert (operation.collection, operation.old_name, operation.new_name) == ("users", "a", "b")
    with pytest.raises(FrozenInstanceError):
        operation.new_name = "c"  # type: ignore[misc]


def test_checksums_are_the_same_in_every_process() -> None:
    """They are written down here: a release that changes them would call every applied migration changed."""
    assert {
        "index": CreateIndex("users", [("email", 1)], unique=True).fingerprint(),
        "rename": RenameField("users", "a", "b").fingerprint(),
        "add": AddField("users", "f", default=1.5).fingerprint(),
        "drop": DropCollection("old").fingerprint(),
    } == CHECKSUMS


CHECKSUMS = {
    "index": "sha256:4ba3f4527a476c3b7f1c9bae11d37f6c80d5d6e321c971b43c3e753378d5a49c",
    "rename": "sha256:a50ed3eefe41727b7b6e0b673240db5cb88c0d71680a8f54873d96344e5b3e6a",
    "add": "sha256:c178ae2b4bcf319145f528e20d5e51c7a342a505b7a2516ba603bd8daab9e5eb",
    "drop": "sha256:4882555251771b9d3c9eb96dd074fccf1292c9c29ba23d8f6a5f5d4e698baead",
}


def test_checksums_tell_types_and_classes_apart() -> None:
    """1, '1' and True are different defaults; equal arguments of different classes are different operations."""
    prints = [AddField("u", "f", value).fingerprint() for value in (1, "1", True, None, [1], {"a": 1}, b"1", 1.5)]
    assert len(set(prints)) == len(prints)
    assert RemoveField("u", "f").fingerprint() != RemoveField("u", "f", value=None).fingerprint()
    assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", text) for text in prints)


@dataclass(frozen=True)
class _Tag(MigrationOperation):
    """An operation of a user."""

    collection: str
    tags: tuple[str, ...] = ()

    async def execute(self, store: Any) -> None:
        await store.collection(self.collection).update_many({}, {"$set": {"tags": list(self.tags)}})


class _Plain(MigrationOperation):
    """An operation of a user that is no dataclass."""

    def __init__(self, what: object) -> None:
        self.what = what

    async def execute(self, store: Any) -> None:
        raise NotImplementedError


def test_operations_of_ones_own_have_checksums_and_descriptions() -> None:
    """Of their arguments, defaults left out; by default there is no way back."""
    assert _Tag("u", ("a",)).describe() == "_Tag(collection='u', tags=('a',))"
    assert _Tag("u", ("a",)).fingerprint() != _Tag("u", ("b",)).fingerprint()
    assert _Tag("u").arguments() == {"collection": "u"}
    assert _Plain(1).fingerprint() != _Plain(2).fingerprint()
    with pytest.raises(IrreversibleMigrationError, match="cannot be undone"):
        _Tag("u").inverse()


def test_an_argument_without_a_checksum_is_refused() -> None:
    """The error says what to override."""
    with pytest.raises(MigrationError, match="has no checksum") as caught:
        _Plain(object()).fingerprint()
    assert "fingerprint()" in (caught.value.hint or "")
    with pytest.raises(MigrationError, match="nested too deeply"):
        _Plain(deeply_nested(100_000)).fingerprint()


async def test_operations_may_scan_where_requests_may_not() -> None:
    """``scan_policy: deny`` is for accidents; a migration looks at every document on purpose."""
    async with InMemoryDocumentStore(MemoryConfig(scan_policy="deny")) as store:
        await store.collection("users").insert_one({"_id": 1, "a": 1})
        await Compound(RenameField("users", "a", "b"), AddField("users", "c", 1), RemoveField("users", "b")).execute(
            store
        )
        assert await store.collection("users").find().to_list() == [{"_id": 1, "c": 1}]
