"""``lexigram nosql copy`` between real servers: every type, a kill in the middle, and what does not fit."""

from __future__ import annotations

import asyncio
import json
import sys
import uuid
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml
from lexigram.config import LexigramConfig
from lexigram.nosql.config import NoSQLConfig
from lexigram.nosql.store import DocumentStore

Section = Callable[[str], dict[str, Any]]

EVERYTHING: list[dict[str, Any]] = [
    {"_id": "text", "b": "é\U0001f600", "a": ""},
    {"_id": 7, "int": 2**53 + 1, "float": 7.0, "small": 5e-324, "minus": -0.0},
    {"_id": Decimal("1.50"), "decimal": Decimal("1.500"), "large": Decimal("1E+100")},
    {"_id": uuid.UUID(int=5), "uuid": uuid.UUID(int=2**127), "bytes": b"\0\xff"},
    {"_id": datetime(2026, 11, 21, 12, 0, 0, 5000, UTC), "at": datetime(1969, 12, 31, tzinfo=UTC)},
    {"_id": "nested", "list": [1, [2, [3, {"x": []}]], None], "object": {"b": 1, "a": {"": 0, "a.b": 1, "__x__": 2}}},
    {"_id": "null", "null": None, "true": True, "false": False},
]


class Place:
    """A configuration with several stores, and the command on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sections: dict[str, tuple[str, dict[str, Any]]] = {}
        self._started: list[asyncio.subprocess.Process] = []

    def add(self, name: str, backend: str, settings: dict[str, Any]) -> None:
        """Add a store."""
        self.sections[name] = (backend, settings)
        stores = [
            {"name": each, "driver": driver, driver: given, "primary": each == next(iter(self.sections))}
            for each, (driver, given) in self.sections.items()
        ]
        (self.folder / "application.yaml").write_text(yaml.safe_dump({"nosql": {"backends": stores}}))

    def store(self, name: str) -> DocumentStore:
        """One of the stores, not connected."""
        settings = LexigramConfig.from_yaml(self.folder / "application.yaml").get_section("nosql", NoSQLConfig)
        for each, _, entry in settings.entries():
            if each == name:
                spec, config = entry.backend()
                return DocumentStore(spec, config, name=name)
        raise LookupError(name)

    async def start(self, *arguments: str) -> asyncio.subprocess.Process:
        """Start a copy."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            "from lexigram.cli import main; main()",
            "nosql",
            "copy",
            "--json",
            *arguments,
            cwd=self.folder,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        self._started.append(process)
        return process

    async def end(self) -> None:
        """Stop what a test that failed has left running."""
        for process in self._started:
            if process.returncode is None:
                process.kill()
                await process.communicate()

    async def run(self, *arguments: str) -> tuple[int | None, dict[str, Any]]:
        """Run a copy to its end: the exit code and the report."""
        process = await self.start(*arguments)
        out, err = await process.communicate()
        assert out, err.decode()
        return process.returncode, json.loads(out)


@pytest_asyncio.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    """An empty folder."""
    made = Place(tmp_path)
    yield made
    await made.end()


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    "backends", [("mongodb", "firestore", "dynamodb", "mongodb"), ("firestore", "firestore")], ids="-".join
)
async def test_documents_of_all_types_come_through_a_chain_of_backends(
    backends: tuple[str, ...], place: Place, section: Section
) -> None:
    """What arrives at its end is what was put in at its beginning, to the last bit."""
    names = [f"{backend}{number}" for number, backend in enumerate(backends)]
    for name, backend in zip(names, backends, strict=True):
        place.add(name, backend, await asyncio.to_thread(section, backend))
    async with place.store(names[0]) as first:
        await first.collection("things").insert_many(EVERYTHING)
        await first.collection("more").insert_many([{"_id": number, "n": number} for number in range(120)])
        await first.collection("more").create_index([("n", -1)], name="by_n")
        checksums = set()
        for source, target in pairwise(names):
            code, report = await place.run("--from", source, "--to", target, "--batch-size", "50", "things", "more")
            assert code == 0, report
            assert report["misfits"] == []
            checksums.add(tuple(each["checksum"] for each in report["collections"]))
        assert len(checksums) == 1
        async with place.store(names[-1]) as last:
            expected = {
                repr(document["_id"]): document for document in await first.collection("things").find().to_list()
            }
            arrived = {repr(document["_id"]): document for document in await last.collection("things").find().to_list()}
            assert {key: repr(value) for key, value in arrived.items()} == {
                key: repr(value) for key, value in expected.items()
            }
            assert [index["name"] for index in await last.collection("more").list_indexes()] == ["_id_", "by_n"]


@pytest.mark.timeout(300)
async def test_a_copy_that_was_killed_goes_on(place: Place, section: Section) -> None:
    """After SIGKILL in the middle: the rest is written, and both sides are equal."""
    place.add("old", "mongodb", await asyncio.to_thread(section, "mongodb"))
    place.add("new", "firestore", await asyncio.to_thread(section, "firestore"))
    count = 1500
    async with place.store("old") as old:
        await old.collection("things").insert_many([{"_id": number, "t": "x" * 100} for number in range(count)])
    state = place.folder / "copy-old-new.checkpoint.json"
    process = await place.start("--from", "old", "--to", "new", "--batch-size", "20")
    assert process.stdout is not None
    async with asyncio.timeout(90):
        while not state.exists() or json.loads(await asyncio.to_thread(state.read_text))["read"] < 100:
            assert process.returncode is None, (await process.communicate())[1].decode()
            await asyncio.sleep(0.01)
    process.kill()
    await process.communicate()
    async with place.store("new") as new:
        there = await new.collection("things").count_documents()
    assert 0 < there < count
    code, report = await place.run("--from", "old", "--to", "new", "--resume")
    (summary,) = report["collections"]
    assert (code, summary["read"], summary["differs"]) == (0, count, None)
    assert len(summary["checksum"]) == 64
    assert summary["written"] == count - there
    assert not state.exists()


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("backend", "size"), [("firestore", 1_100_000), ("dynamodb", 450_000)])
async def test_what_is_too_large_for_the_target_is_told_before_anything_is_written(
    backend: str, size: int, place: Place, section: Section
) -> None:
    """By its id; the others can be copied all the same."""
    place.add("old", "mongodb", await asyncio.to_thread(section, "mongodb"))
    place.add("new", backend, await asyncio.to_thread(section, backend))
    async with place.store("old") as old:
        await old.collection("things").insert_many([{"_id": "large", "t": "x" * size}, {"_id": "small", "t": "x"}])
    code, report = await place.run("--from", "old", "--to", "new")
    assert code == 1
    assert [(each["document"], each["collection"]) for each in report["misfits"]] == [('"large"', "things")]
    async with place.store("new") as new:
        assert await new.collection("things").count_documents() == 0
        code, report = await place.run("--from", "old", "--to", "new", "--skip-unfit")
        assert (code, report["collections"][0]["differs"]) == (1, None)
        assert [document["_id"] for document in await new.collection("things").find().to_list()] == ["small"]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("between", ["mongodb", "dynamodb"])
async def test_collections_below_documents_go_through_a_backend_without_them(
    between: str, place: Place, section: Section
) -> None:
    """There and back; those below documents that are not there as well."""
    place.add("old", "firestore", await asyncio.to_thread(section, "firestore"))
    place.add("between", between, await asyncio.to_thread(section, between))
    place.add("new", "firestore", await asyncio.to_thread(section, "firestore"))
    names = ["users", "users/u1/orders", "users/u1/orders/7/lines", "users/~n7/orders", "users/gone/orders"]
    async with place.store("old") as old:
        for number, name in enumerate(names):
            await old.collection(name).insert_many([{"_id": each, "n": number} for each in ("u1", 7)])
    for source, target in (("old", "between"), ("between", "new")):
        code, report = await place.run("--from", source, "--to", target)
        assert (code, report["documents"]) == (0, dict.fromkeys(names, 2)), report
        assert [each["differs"] for each in report["collections"]] == [None] * len(names)
    async with place.store("new") as new:
        found = await new.collection("**/orders").find({"_id": {"$gt": "users/u"}}).to_list()
        assert {document["_id"] for document in found} == {
            "users/u1/orders/u1",
            "users/u1/orders/~n7",
            "users/~n7/orders/u1",
            "users/~n7/orders/~n7",
        }


@pytest.mark.timeout(180)
async def test_what_breaks_a_hint_of_the_target_is_told_before_anything_is_written(
    place: Place, section: Section
) -> None:
    """And a collection whose name it cannot have."""
    settings = await asyncio.to_thread(section, "firestore")
    place.add("old", "mongodb", await asyncio.to_thread(section, "mongodb"))
    place.add("new", "firestore", {**settings, "fields": {"things": {"n": "required int"}}})
    async with place.store("old") as old:
        await old.collection("things").insert_many([{"_id": 1, "n": 1}, {"_id": 2, "n": "text"}, {"_id": 3}])
        await old.collection("a/b").insert_one({"_id": 1})
    for arguments in ((), ("--dry-run",)):
        code, report = await place.run("--from", "old", "--to", "new", *arguments)
        assert (code, report["unfit_documents"], report["unfit_collections"]) == (1, 2, ["a/b"])
        assert report["collections"] == []
    async with place.store("new") as new:
        assert await new.collection("things").count_documents() == 0
        code, report = await place.run("--from", "old", "--to", "new", "--skip-unfit")
        assert (code, [each["differs"] for each in report["collections"]]) == (1, [None])
        assert await new.collection("things").find().to_list() == [{"_id": 1, "n": 1}]
