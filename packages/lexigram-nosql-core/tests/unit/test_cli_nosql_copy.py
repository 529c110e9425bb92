"""``lexigram nosql copy``: between stores in memory and in files, stopped and resumed, refused and compared."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from lexigram.nosql.backend import BACKENDS, BackendSpec
from lexigram.nosql.backends.memory.driver import MemoryDriver
from lexigram.nosql.backends.memory.spec import SPEC as MEMORY
from lexigram.nosql.backends.memory.spec import MemoryConfig
from lexigram.nosql.cli.copying import Copier, Digest
from lexigram.nosql.cli.progress import ProgressBar
from lexigram.nosql.exceptions import DocumentValidationError, NoSQLConnectionError
from lexigram.nosql.store import DocumentStore

CONFIG = """
  backends:
    - {name: old, driver: one}
    - {name: new, driver: two, primary: true}
"""


class Kept(MemoryDriver):
    """A database in memory that stays when a command closes it."""

    async def close(self) -> None:
        """Keep everything."""


class Nested(Kept):
    """One that does not list what is below documents, but looks for it when asked."""

    async def list_collections(self) -> list[str]:
        """Those of its own."""
        return [name for name in await super().list_collections() if "/" not in name]

    async def list_nested(self) -> list[str]:
        """The others."""
        return [name for name in await super().list_collections() if "/" in name]


class Databases:
    """The two databases of a test."""

    def __init__(self) -> None:
        self.one: Kept = Nested(MemoryConfig())
        self.two = Kept(MemoryConfig())
        self.two_spec: dict[str, Any] = {}

    def fill(self, collection: str, documents: list[dict[str, Any]], driver: Kept | None = None) -> None:
        """Put documents into a collection."""

        async def put() -> None:
            async with DocumentStore(spec_of("x", driver or self.one), MemoryConfig()) as store:
                await store.collection(collection).insert_many(documents)

        asyncio.run(put())

    def held(self, collection: str, driver: Kept | None = None) -> list[Mapping[str, Any]]:
        """The documents of a collection of the second database."""
        return list((driver or self.two).native.get(collection, ()))


def spec_of(name: str, driver: Kept, **changes: Any) -> BackendSpec:
    """A backend on one database."""

    async def connect(config: Any) -> Any:
        return driver

    return replace(MEMORY, name=name, connect=connect, **changes)


@pytest.fixture
def databases(command: Any) -> Iterator[Databases]:
    """Two databases, ``old`` and ``new`` in the configuration."""
    made = Databases()
    undos = [BACKENDS.register("one", spec_of("one", made.one)), BACKENDS.register("two", spec_of("two", made.two))]
    command.configure(CONFIG)
    yield made
    for undo in undos:
        undo()


def documents(count: int) -> list[dict[str, Any]]:
    """So many documents of several types."""
    kinds: list[Callable[[int], Any]] = [lambda n: n, float, str, lambda n: [n, {"n": n}]]
    return [{"_id": number, "v": kinds[number % 4](number)} for number in range(count)]


def copy(command: Any, *arguments: Any) -> Any:
    """Run the command from the old store to the new one."""
    return command("copy", "--from", "old", "--to", "new", *arguments)


def test_all_collections_are_copied_and_compared(command: Any, databases: Databases) -> None:
    """Every document as it was, with the indexes."""
    databases.fill("things", documents(25))
    databases.fill("others", [{"_id": "x", "b": 1, "a": 2}])
    outcome = copy(command, "--batch-size", 10, "--json")
    assert outcome.code == 0, outcome.text
    report = json.loads(outcome.out)
    assert report["documents"] == {"others": 1, "things": 25}
    assert [(each["collection"], each["read"], each["written"], each["differs"]) for each in report["collections"]] == [
        ("others", 1, 1, None),
        ("things", 25, 25, None),
    ]
    assert all(len(each["checksum"]) == 64 for each in report["collections"])
    assert sorted(databases.held("things"), key=lambda document: document["_id"]) == documents(25)
    assert list(databases.held("others")[0]) == ["_id", "b", "a"]
    assert not list(Path().glob("*.checkpoint.json"))


def test_only_named_collections_are_copied(command: Any, databases: Databases) -> None:
    """And one that is not there is told."""
    databases.fill("things", documents(2))
    databases.fill("others", documents(2))
    outcome = copy(command, "things")
    assert outcome.code == 0
    assert "both sides are equal" in outcome.text
    assert databases.held("others") == []
    assert copy(command, "missing").code == 2


def test_collections_below_documents_are_copied_as_well(command: Any, databases: Databases) -> None:
    """With all others, or when they are named; a named one goes without them."""
    databases.fill("users", [{"_id": "u1"}])
    databases.fill("users/u1/orders", documents(3))
    assert copy(command, "users").code == 0
    assert databases.held("users/u1/orders") == []
    assert copy(command, "users/u2/orders").code == 2
    assert copy(command, "users/u1/orders").code == 0
    assert len(databases.held("users/u1/orders")) == 3
    outcome = copy(command, "--overwrite", "--json")
    assert outcome.code == 0, outcome.text
    assert json.loads(outcome.out)["documents"] == {"users": 1, "users/u1/orders": 3}


def test_a_dry_run_writes_nothing(command: Any, databases: Databases) -> None:
    """But says how much there is."""
    databases.fill("things", documents(7))
    outcome = copy(command, "--dry-run")
    assert outcome.code == 0
    assert "7 documents in 1 collections would be copied" in outcome.text
    assert databases.held("things") == []
    assert not list(Path().glob("*.checkpoint.json"))


def test_indexes_are_made_as_well(command: Any, databases: Databases) -> None:
    """With their properties, or not where that is not wanted."""

    async def make() -> None:
        async with DocumentStore(spec_of("x", databases.one), MemoryConfig()) as store:
            things = store.collection("things")
            await things.insert_one({"_id": 1, "a": 1})
            await things.create_index([("a", 1), ("b", -1)], unique=True, name="ab")
            await things.create_index("when", expire_after_seconds=60)

    asyncio.run(make())
    assert "2 indexes made" in copy(command).text

    async def look(driver: Kept) -> list[dict[str, Any]]:
        async with DocumentStore(spec_of("x", driver), MemoryConfig()) as store:
            return await store.collection("things").list_indexes()

    assert asyncio.run(look(databases.two)) == asyncio.run(look(databases.one))


@pytest.fixture
def narrow(databases: Databases) -> Iterator[Databases]:
    """The second database takes neither text longer than ten nor unique indexes."""

    def size(document: Mapping[str, Any]) -> int:
        if any(isinstance(value, str) and len(value) > 10 for value in document.values()):
            raise DocumentValidationError("text of more than ten characters")
        return 1

    able = replace(MEMORY.capabilities, unique_indexes=False)
    undo = BACKENDS.register("narrow", spec_of("narrow", databases.two, document_size=size, capabilities=able))
    yield databases
    undo()


def test_what_the_target_cannot_hold_is_told_before_anything_is_written(command: Any, narrow: Databases) -> None:
    """With the id and the reason; the rest can be copied all the same."""
    command.configure(CONFIG.replace("driver: two", "driver: narrow"))
    narrow.fill("things", [{"_id": 1, "t": "short"}, {"_id": 2, "t": "rather a long text"}])
    for arguments in ((), ("--dry-run",)):
        outcome = copy(command, *arguments)
        assert outcome.code == 1
        assert "things: document 2: text of more than ten characters" in outcome.text
        assert "cannot hold 1 of 2 documents" in outcome.text
        assert narrow.held("things") == []
    outcome = copy(command, "--skip-unfit")
    assert outcome.code == 1
    assert "both sides are equal" in outcome.text
    assert narrow.held("things") == [{"_id": 1, "t": "short"}]


def test_an_index_that_the_target_cannot_have_is_told(command: Any, narrow: Databases) -> None:
    """The documents are copied."""
    command.configure(CONFIG.replace("driver: two", "driver: narrow"))

    async def make() -> None:
        async with DocumentStore(spec_of("x", narrow.one), MemoryConfig()) as store:
            await store.collection("things").insert_one({"_id": 1})
            await store.collection("things").create_index("a", unique=True)

    asyncio.run(make())
    outcome = copy(command)
    assert outcome.code == 1
    assert "index a_1" in outcome.text
    assert narrow.held("things") == [{"_id": 1}]


class Choosy(Kept):
    """A database that has no collection ``odd``, and in the others takes even numbers only."""

    def collection(self, name: str) -> Any:
        """A collection that refuses documents without being asked to store them."""
        if name == "odd":
            raise DocumentValidationError("odd cannot be the name of a collection")
        found: Any = super().collection(name)

        class Even(type(found)):  # type: ignore[misc]  # the class is found at run time
            def check(self, document: Mapping[str, Any]) -> None:
                if document["_id"] % 2:
                    raise DocumentValidationError("not even")

        found.__class__ = Even
        return found


def test_what_the_target_would_refuse_for_reasons_of_its_own_is_told(command: Any, databases: Databases) -> None:
    """Collections that it cannot have, and documents that break what was set for it."""
    choosy = Choosy(MemoryConfig())
    undo = BACKENDS.register("choosy", spec_of("choosy", choosy))
    try:
        command.configure(CONFIG.replace("driver: two", "driver: choosy"))
        databases.fill("odd", documents(2))
        databases.fill("things", documents(4))
        outcome = copy(command, "--json")
        assert outcome.code == 1
        report = json.loads(outcome.out)
        assert [(each["collection"], each["reason"]) for each in report["misfits"]] == [
            ("odd", "odd cannot be the name of a collection"),
            ("things", "not even"),
            ("things", "not even"),
        ]
        assert (report["unfit_documents"], report["unfit_collections"]) == (2, ["odd"])
        assert databases.held("things", choosy) == []
        outcome = copy(command, "--skip-unfit")
        assert outcome.code == 1
        assert "cannot have 1 of 2 collections" in outcome.text
        assert [document["_id"] for document in databases.held("things", choosy)] == [0, 2]
    finally:
        undo()


def test_collections_that_hold_documents_are_not_written_to(command: Any, databases: Databases) -> None:
    """Unless that is wanted; then others stay, and the comparison says so."""
    databases.fill("things", documents(3))
    databases.fill("things", [{"_id": 1, "v": "old"}, {"_id": "stays"}], databases.two)
    outcome = copy(command)
    assert outcome.code == 2
    assert "holds documents already" in outcome.text
    outcome = copy(command, "--overwrite")
    assert outcome.code == 1
    assert "THEY DIFFER: 3 documents" in outcome.text
    assert len(databases.held("things")) == 4
    assert {"_id": 1, "v": 1.0} in databases.held("things")


@pytest.fixture
def failing(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> Callable[[int | None], None]:
    """Let the second database go away after so many written batches."""
    insert = type(databases.two.collection("things")).insert
    left: list[int | None] = [None]

    async def counted(self: Any, written: Any, ordered: bool, call: Any) -> Any:
        if self._driver is databases.two:
            if left[0] == 0:
                raise NoSQLConnectionError("the server went away")
            left[0] = None if left[0] is None else left[0] - 1
        return await insert(self, written, ordered, call)

    monkeypatch.setattr(type(databases.two.collection("things")), "insert", counted)

    def after(batches: int | None) -> None:
        left[0] = batches

    return after


def test_a_copy_that_was_stopped_goes_on(
    command: Any, databases: Databases, failing: Callable[[int | None], None]
) -> None:
    """It writes only what is missing, and compares everything in the end."""
    databases.fill("first", documents(5))
    databases.fill("things", documents(50))
    failing(3)
    outcome = copy(command, "--batch-size", 10)
    assert outcome.code == 1
    assert "--resume" in outcome.text
    state = json.loads(Path("copy-old-new.checkpoint.json").read_text())
    assert (state["done"], state["begun"], state["read"]) == (["first"], "things", 20)
    failing(None)
    assert copy(command).code == 2
    assert copy(command, "--resume", "first").code == 2
    outcome = copy(command, "--resume", "--json", "--batch-size", 10)
    assert outcome.code == 0, outcome.text
    (summary,) = json.loads(outcome.out)["collections"]
    assert (summary["read"], summary["written"], summary["differs"]) == (50, 30, None)
    assert len(databases.held("things")) == 50
    assert copy(command, "--resume").code == 2


def test_a_copy_that_goes_on_knows_how_much_there_is(
    command: Any, databases: Databases, failing: Callable[[int | None], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From what it counted when it began, so that its end can be foreseen; without names it is of the same ones."""
    databases.fill("first", documents(5))
    databases.fill("things", documents(50))
    failing(3)
    assert copy(command, "things", "first", "--batch-size", 10).code == 1
    failing(None)
    bars: list[tuple[str, int | None]] = []

    class Noted(ProgressBar):
        def __init__(self, label: str, total: int | None, **options: Any) -> None:
            bars.append((label, total))
            super().__init__(label, total, **options)

    monkeypatch.setattr("lexigram.nosql.cli.copy_run.ProgressBar", Noted)
    databases.fill("later", documents(1))
    assert copy(command, "--resume").code == 0
    assert bars == [("copy things", 50), ("compare things", 100), ("copy first", 5), ("compare first", 10)]
    assert databases.held("later") == []


def test_a_copy_can_begin_anew(command: Any, databases: Databases, failing: Callable[[int | None], None]) -> None:
    """Although one stopped."""
    databases.fill("things", documents(30))
    failing(1)
    assert copy(command, "--batch-size", 10).code == 1
    failing(None)
    assert copy(command, "--restart").code == 2
    assert copy(command, "--restart", "--overwrite").code == 0
    assert len(databases.held("things")) == 30


def test_a_damaged_checkpoint_is_told(command: Any, databases: Databases) -> None:
    """And how to begin anew."""
    databases.fill("things", documents(1))
    Path("copy-old-new.checkpoint.json").write_text("{}")
    outcome = copy(command, "--resume")
    assert outcome.code == 1
    assert "--restart" in outcome.text


def test_options_that_contradict_each_other_are_refused(command: Any, databases: Databases) -> None:
    """A store into itself, going on and beginning anew."""
    assert command("copy", "--from", "old", "--to", "old").code == 2
    assert copy(command, "--resume", "--restart").code == 2
    assert command("copy", "--from", "nowhere", "--to", "new").code == 1
    assert databases.held("things") == []


@pytest.mark.usefixtures("jsonfiles")
def test_files_are_a_target_like_any_other(command: Any, databases: Databases) -> None:
    """There and back again."""
    command.configure(
        CONFIG + "    - {name: files, driver: jsonfiles, jsonfiles: {folder: files, scan_policy: deny}}\n"
    )
    databases.fill("things", documents(12))
    assert command("copy", "--from", "old", "--to", "files").code == 0
    outcome = command("copy", "--from", "files", "--to", "new", "--batch-size", 5)
    assert outcome.code == 0, outcome.text
    assert sorted(databases.held("things"), key=lambda document: document["_id"]) == documents(12)


def test_checksums_do_not_depend_on_the_order_of_documents_but_on_all_that_is_in_them() -> None:
    """Types, last digits and the order of fields count."""
    one, two = Digest(), Digest()
    for document in documents(5):
        one.add(document)
    for document in reversed(documents(5)):
        two.add(document)
    assert one.checksum == two.checksum
    sums = set()
    for document in ({"a": 1, "b": 2}, {"b": 2, "a": 1}, {"a": 1.0, "b": 2}, {"a": True, "b": 2}, {"a": "1", "b": 2}):
        digest = Digest()
        digest.add(document)
        sums.add(digest.checksum)
    assert len(sums) == 5


async def test_a_difference_is_found_by_the_checksum(databases: Databases) -> None:
    """Where the counts are the same."""
    one = DocumentStore(spec_of("x", databases.one), MemoryConfig())
    two = DocumentStore(spec_of("y", databases.two), MemoryConfig())
    async with one, two:
        await one.collection("things").insert_one({"_id": 1, "a": 1})
        await two.collection("things").insert_one({"_id": 1, "a": 1.0})
        source, target = await Copier(one, two, 10).compare("things", lambda seen: None)
    assert source.count == target.count == 1
    assert source.checksum != target.checksum


async def test_a_size_that_only_the_encoder_of_the_target_refuses_is_found(databases: Databases) -> None:
    """A store leaves sizes to such an encoder; a look before the copy cannot."""
    able = replace(MEMORY.capabilities, max_document_bytes=1000, encoder_validates=True)
    one = DocumentStore(spec_of("x", databases.one), MemoryConfig())
    two = DocumentStore(spec_of("y", databases.two, capabilities=able), MemoryConfig())
    async with one, two:
        await one.collection("things").insert_many([{"_id": 1, "t": "x" * 2000}, {"_id": 2}])
        found = await Copier(one, two, 10).inspect(["things"], lambda seen: None)
    assert [(misfit.what, misfit.code) for misfit in found.misfits] == [("1", "LEX_ERR_NOSQL_010")]
