"""What plans say, whether it is true, and what the scan policy makes of it."""

# ruff: noqa: S101 - these are tests

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from lexigram.nosql.collection import Collection
from lexigram.nosql.driver import SupportsBulk, SupportsCount, SupportsDelete, SupportsDistinct, SupportsFindOne
from lexigram.nosql.exceptions import QueryOptionError, ScanDeniedError, UnsupportedFeatureError
from lexigram.nosql.query.plan import Plan, deliberate_scan
from lexigram.nosql.store import DocumentStore
from lexigram.nosql.testing.suite import Suite, ids_of, needs

__all__ = ["Explain"]

Act = Callable[[Collection], Awaitable[Any]]


def _requests(condition: dict[str, Any]) -> dict[str, Act]:
    """Every operation that reads by a filter."""
    return {
        "find": lambda things: things.find(condition).to_list(),
        "find_one": lambda things: things.find_one(condition),
        "find_page": lambda things: things.find_page(condition, size=1),
        "count": lambda things: things.count_documents(condition),
        "distinct": lambda things: things.distinct("n", condition),
        "exists": lambda things: things.exists(condition),
        "update_one": lambda things: things.update_one(condition, {"$set": {"a": 1}}),
        "update_many": lambda things: things.update_many(condition, {"$set": {"a": 1}}),
        "replace_one": lambda things: things.replace_one(condition, {"a": 1}),
        "delete_one": lambda things: things.delete_one(condition),
        "delete_many": lambda things: things.delete_many(condition),
        "find_one_and_update": lambda things: things.find_one_and_update(condition, {"$set": {"a": 1}}),
        "aggregate": lambda things: things.aggregate([{"$match": condition}]).to_list(),
    }


# Ranges, since some services have an index of every field that serves an equality by itself.
SCANS: dict[str, Act] = {
    **_requests({"n": {"$gt": 1}}),
    "find by order": lambda things: things.find(sort=[("n", 1)], limit=1).to_list(),
}
# Equalities, since some services' indexes serve nothing else.
SERVED: dict[str, Act] = _requests({"n": 18})


class Explain(Suite, topic="explain"):
    """A plan tells the truth, and a full scan never comes as a surprise."""

    async def _filled(self, things: Collection, count: int = 20) -> None:
        await things.insert_many([{"_id": number, "n": number} for number in range(count)])

    @staticmethod
    def _whole(plan: Plan) -> None:
        """The plan is plain data."""
        json.dumps(plan.to_dict(), default=str)
        assert str(plan).startswith(plan.operation)

    async def test_a_look_up_by_id_reads_one_document(self, things: Collection) -> None:
        """Its access is ``key``. Check ``compile()`` for an equality on ``_id``."""
        await self._filled(things)
        cursor = things.find({"_id": 7})
        assert ids_of(await cursor.to_list()) == [7]
        plan = await cursor.explain()
        self._whole(plan)
        assert (plan.documents_read, plan.documents_returned) in ((1, 1), (20, 1))
        self.observe("keys", native=plan.access.kind == "key")

    async def test_a_plan_before_the_run_has_no_counts(self, things: Collection) -> None:
        """Nothing was sent. Check that ``compile()`` makes no call."""
        await self._filled(things)
        plan = await things.find({"n": 1}).explain()
        assert (plan.documents_read, plan.documents_returned) == (None, None)

    async def test_a_plan_counts_what_was_read(self, things: Collection) -> None:
        """Examined at least what came back, at least what was returned. Check ``Batch.examined``."""
        await self._filled(things)
        cursor = things.find({"n": {"$gte": 15}})
        await cursor.to_list()
        plan = await cursor.explain()
        assert plan.documents_returned == 5
        assert plan.documents_read is not None
        assert plan.documents_examined is not None
        assert plan.documents_examined >= plan.documents_read >= 5
        if plan.residue is None:
            assert plan.documents_read == 5

    async def test_a_plan_says_who_does_what(self, things: Collection) -> None:
        """Backend or engine, for each part that was asked. Check that the driver's claims are honoured."""
        await self._filled(things)
        plan = await things.find({"n": {"$gt": 3}}, sort=[("n", 1)], skip=1, limit=2, projection={"n": 1}).explain()
        self._whole(plan)
        assert {plan.sort, plan.skip, plan.limit, plan.projection} <= {"backend", "engine"}
        plain = await things.find().explain()
        assert (plain.sort, plain.skip, plain.limit, plain.projection, plain.residue) == (None,) * 5

    async def test_a_plan_of_everything_is_a_scan(self, things: Collection) -> None:
        """It says so, or names an index that it reads from end to end. Check ``compile()`` for an empty filter."""
        await self._filled(things)
        cursor = things.find()
        assert len(await cursor.to_list()) == 20
        plan = await cursor.explain()
        assert plan.full_scan or not plan.access.fields
        assert plan.documents_read == 20

    @pytest.mark.parametrize("operation", ["update_one", "update_many", "replace_one", "delete_one", "delete_many"])
    async def test_writes_have_plans(self, things: Collection, operation: str) -> None:
        """Nothing is written for them. Check ``explain()`` of collections."""
        await self._filled(things)
        plan = await things.explain(operation, {"_id": 3})
        self._whole(plan)
        assert (plan.operation, plan.backend) == (operation, self.harness.spec.name)
        assert plan.write
        assert await things.count_documents() == 20
        feature = "delete" if operation.startswith("delete") else "update"
        self.observe(feature, native=plan.write == "native")

    async def test_pipelines_have_plans(self, things: Collection) -> None:
        """One line for each stage of the engine. Check ``compile_pipeline()``, if there is one."""
        await self._filled(things)
        cursor = things.aggregate([{"$match": {"n": {"$gt": 3}}}, {"$group": {"_id": None, "n": {"$sum": 1}}}])
        assert await cursor.to_list() == [{"_id": None, "n": 16}]
        self._whole(await cursor.explain())

    async def test_what_is_inserted_has_no_plan(self, things: Collection) -> None:
        """It raises QueryOptionError. Check ``explain()`` of collections."""
        with pytest.raises(QueryOptionError):
            await things.explain("insert_one", {})

    @needs("indexes")
    async def test_a_plan_names_its_index(self, things: Collection) -> None:
        """And fewer documents are looked at. Check ``compile()`` where an index serves."""
        await self._filled(things)
        await things.create_index("n")
        cursor = things.find({"n": 7})
        assert ids_of(await cursor.to_list()) == [7]
        plan = await cursor.explain()
        assert (plan.access.kind, plan.access.index) == ("index", "n_1")
        assert plan.documents_read == 1

    @pytest.mark.parametrize("scan", SCANS)
    async def test_a_denied_scan_is_refused(self, scan: str) -> None:
        """Before anything is read or written; the error names an index that would serve, where there are indexes.

        Check ``access`` of ``compile()``: ``scan`` where all documents are looked at.
        """
        async with self.opened(scan_policy="deny") as store:
            things = store.collection("things")
            await things.insert_many([{"_id": number, "n": number} for number in range(5)])
            with pytest.raises(ScanDeniedError) as caught:
                await SCANS[scan](things)
            if self.capabilities.indexes:
                assert ("n", 1) in caught.value.suggested_index
                assert "create_index" in str(caught.value)
            else:
                assert caught.value.suggested_index == ()
            with deliberate_scan():
                assert await things.find({"_id": 1}).to_list() == [{"_id": 1, "n": 1}]

    async def test_what_is_no_scan_is_not_denied(self) -> None:
        """Look-ups by id, and reading everything on purpose. Check ``access`` of ``compile()``."""
        async with self.opened(scan_policy="deny") as store:
            things = store.collection("things")
            await self._filled(things)
            assert len(await things.find().to_list()) == 20
            assert await things.count_documents() == 20
            if (await things.find({"_id": 3}).explain()).access.kind == "key":
                assert await things.find_one({"_id": 3}) == {"_id": 3, "n": 3}
                assert (await things.update_one({"_id": 3}, {"$inc": {"n": 1}})).modified_count == 1
                assert (await things.delete_one({"_id": 3})).deleted_count == 1
            with deliberate_scan():
                assert await things.find_one({"n": 5}) == {"_id": 5, "n": 5}

    @needs("indexes")
    @pytest.mark.parametrize("request_by_index", SERVED)
    async def test_an_index_makes_a_scan_unnecessary(self, request_by_index: str) -> None:
        """A request that is denied without it is allowed with it, and its plan says by what.

        Check ``access`` of ``compile()``, of every operation. Where the service has an index of every field, it is not
        denied without one either.
        """
        async with self.opened(scan_policy="deny") as store:
            things = store.collection("things")
            await self._filled(things)
            if (await things.find({"n": 18}).explain()).access.kind == "scan":
                with pytest.raises(ScanDeniedError):
                    await SERVED[request_by_index](things)
                assert await things.count_documents() == 20
            await things.create_index("n")
            access = (await things.find({"n": 18}).explain()).access
            assert (access.kind, access.index, access.fields) == ("index", "n_1", ("n",))
            await SERVED[request_by_index](things)
            with deliberate_scan():
                left = await things.find({"n": 18, "a": None}).to_list()
        changes = request_by_index.startswith(("update", "replace", "delete", "find_one_and"))
        assert left == ([] if changes else [{"_id": 18, "n": 18}])

    async def test_a_scan_is_warned_of_once(self, caplog: pytest.LogCaptureFixture) -> None:
        """For each kind of request, with the index that would serve. Check that nothing else is logged for it."""
        async with self.opened(scan_policy="warn") as store:
            things = store.collection("things")
            await self._filled(things)
            with caplog.at_level(logging.WARNING, "lexigram.nosql"):
                for number in range(3):
                    await things.find({"n": {"$gt": number}}).to_list()
            warnings = [record.getMessage() for record in caplog.records if record.name == "lexigram.nosql"]
            assert len(warnings) == 1
            assert ("create_index([('n', 1)])" in warnings[0]) is self.capabilities.indexes

    async def test_abilities_are_used(self, store: DocumentStore) -> None:
        """Each ability that the driver has is called for what it is for.

        Check the signature of the method, and that it does not refuse everything.
        """
        called: set[str] = set()
        target = type(store.driver.collection("things"))
        abilities = {
            "find_one": (SupportsFindOne, "find_one"),
            "count": (SupportsCount, "count"),
            "distinct": (SupportsDistinct, "distinct"),
            "delete": (SupportsDelete, "run_delete"),
            "bulk": (SupportsBulk, "bulk"),
        }
        handle = store.driver.collection("things")
        there = {name for name, (ability, _) in abilities.items() if isinstance(handle, ability)}
        with pytest.MonkeyPatch.context() as patch:
            for name in there:
                patch.setattr(target, abilities[name][1], _noting(getattr(target, abilities[name][1]), name, called))
            things = store.collection("things")
            await self._filled(things)
            assert await things.find_one({"_id": 5}) == {"_id": 5, "n": 5}
            assert await things.count_documents({"_id": {"$in": [1, 2]}}) == 2
            assert await things.count_documents({}) == 20
            assert sorted(await things.distinct("n", {"_id": {"$in": [1, 2]}})) == [1, 2]
            assert (await things.delete_many({"_id": {"$in": [1, 2]}})).deleted_count == 2
            from lexigram.nosql import InsertOne, UpdateOne

            done = await things.bulk_write([InsertOne({"_id": 1}), UpdateOne({"_id": 3}, {"$set": {"n": 0}})])
            assert (done.inserted_count, done.modified_count) == (1, 1)
        for name in abilities:
            self.observe(name, native=name in called)

    async def test_what_is_not_offered_is_named(self, store: DocumentStore) -> None:
        """Every refusal carries the capability's name. Check ``UnsupportedFeatureError.feature``."""
        for name, offered in self.capabilities.to_dict().items():
            if offered is False:
                with pytest.raises(UnsupportedFeatureError) as caught:
                    store.require(name, False)
                assert caught.value.feature == name
                assert self.harness.spec.name in str(caught.value)


def _noting(method: Any, name: str, called: set[str]) -> Any:
    """The method, with a note when it is called."""

    def noted(*args: Any, **kwargs: Any) -> Any:
        called.add(name)
        return method(*args, **kwargs)

    return noted
