"""The spec, how it is found, and whether what it declares is true."""

# ruff: noqa: S101 - these are tests

from __future__ import annotations

import asyncio
import dataclasses
import pickle
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any

import pytest
from lexigram.nosql.backend import API, BACKENDS, BackendConfig, Capabilities
from lexigram.nosql.driver import (
    NO_CALL,
    Driver,
    DriverCollection,
    SupportsAggregate,
    SupportsChangeStream,
    SupportsIndexes,
    SupportsTransactions,
)
from lexigram.nosql.exceptions import DocumentValidationError
from lexigram.nosql.indexes import IndexSpec
from lexigram.nosql.store import DocumentStore
from lexigram.nosql.testing.suite import DECLARED, Suite
from lexigram.plugins import PluginError
from pydantic import ValidationError

__all__ = ["Discovery"]

_IMPORTED = """
import sys
from lexigram.nosql.backend import BACKENDS
BACKENDS.load(sys.argv[1])
print([name for name in sys.argv[2:] if name in sys.modules])
"""

_PROPERTIES: dict[str, dict[str, Any]] = {
    "unique_indexes": {"unique": True},
    "sparse_indexes": {"sparse": True},
    "partial_indexes": {"partial_filter": {"a": {"$gt": 1}}},
    "ttl_indexes": {"expire_after_seconds": 3600},
    "collations": {"collation": {"locale": "en"}},
    "text_search": {},
    "wildcard_indexes": {},
}


class Discovery(Suite, topic="discovery"):
    """The backend is found by its name, and declares what it can do."""

    async def test_the_backend_is_found_by_its_name(self) -> None:
        """The entry point gives the spec. Check ``[project.entry-points."lexigram.nosql.backends"]``."""
        spec = self.harness.spec
        # Entry points are read from files.
        assert spec.name in await asyncio.to_thread(BACKENDS.names)
        assert await asyncio.to_thread(BACKENDS.load, spec.name) is spec

    async def test_the_backend_is_written_for_this_contract(self) -> None:
        """``api`` is the number of the core that is installed. Check the version of lexigram-nosql-core."""
        assert self.harness.spec.api == API

    async def test_the_distribution_is_named(self) -> None:
        """``distribution`` is what pip installs. Check the spelling."""
        try:
            await asyncio.to_thread(distribution, self.harness.spec.distribution)
        except PackageNotFoundError:
            pytest.fail(f"no distribution {self.harness.spec.distribution!r} is installed")

    async def test_an_unknown_name_says_what_is_installed(self) -> None:
        """This backend is among them. Check that the entry point's name is the spec's."""
        with pytest.raises(PluginError) as caught:
            await asyncio.to_thread(BACKENDS.load, "no-such-backend")
        assert self.harness.spec.name in str(caught.value)

    async def test_the_spec_does_not_import_its_sdk(self) -> None:
        """Listing backends stays quick. Check that the SDK is imported inside ``connect``."""
        if not self.harness.sdk:
            pytest.skip("the harness names no sdk modules")
        command = [sys.executable, "-c", _IMPORTED, self.harness.spec.name, *self.harness.sdk]
        ran = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
        assert ran.stdout.strip() == "[]"

    async def test_the_configuration_has_the_common_settings(self) -> None:
        """Its model extends BackendConfig. Check ``config`` of the spec."""
        assert issubclass(self.harness.spec.config, BackendConfig)

    async def test_a_misspelled_setting_is_refused(self, store: DocumentStore) -> None:
        """Unknown keys are errors. Check that the model does not allow extra fields."""
        with pytest.raises(ValidationError):
            type(store.config).model_validate({**store.config.model_dump(), "scan_polcy": "deny"})

    async def test_common_settings_reach_the_store(self) -> None:
        """The harness passes them on. Check ``open(**settings)`` of the harness."""
        async with self.opened(scan_policy="deny", write_attempts=3, operation_timeout=7.5) as store:
            assert (store.config.scan_policy, store.config.write_attempts) == ("deny", 3)
            assert store.config.operation_timeout == 7.5

    async def test_the_spec_cannot_be_changed(self) -> None:
        """Spec and capabilities are frozen. Check that the spec is a BackendSpec."""
        with pytest.raises(dataclasses.FrozenInstanceError):
            self.harness.spec.name = "other"  # type: ignore[misc]
        with pytest.raises(dataclasses.FrozenInstanceError):
            self.harness.spec.capabilities.transactions = True  # type: ignore[misc]

    async def test_capabilities_are_plain_data(self) -> None:
        """They pickle and print. Check that every value is a bool or an int."""
        declared = self.capabilities
        assert pickle.loads(pickle.dumps(declared)) == declared  # noqa: S301 - written on the line itself
        assert Capabilities(**declared.to_dict()) == declared

    async def test_the_driver_has_the_required_methods(self, store: DocumentStore) -> None:
        """Driver and collection meet their protocols. Check the names of methods."""
        assert isinstance(store.driver, Driver)
        assert isinstance(store.driver.collection("things"), DriverCollection)

    async def test_the_server_tells_facts_without_secrets(self, store: DocumentStore) -> None:
        """``ping()`` gives a mapping of plain data. Check that it holds neither URLs with passwords nor keys."""
        facts = await store.driver.ping()
        assert isinstance(facts, Mapping)
        server = {str(name): str(value) for name, value in facts.items()}
        spec = self.harness.spec
        declared = {"distribution": spec.distribution, "capabilities": spec.capabilities.to_dict(), "server": server}
        self._notes.append((DECLARED, declared))

    async def test_errors_of_others_are_not_claimed(self, store: DocumentStore) -> None:
        """``classify()`` gives None for what is not the backend's. Check that it looks at classes and codes."""
        for error in (ValueError("x"), KeyError("x"), ZeroDivisionError()):
            assert store.driver.classify(error) is None

    async def test_transactions_are_declared_as_they_are(self, store: DocumentStore) -> None:
        """Declared if and only if the driver has them. Check ``Capabilities.transactions``."""
        assert isinstance(store.driver, SupportsTransactions) is self.capabilities.transactions

    async def test_change_streams_are_declared_as_they_are(self, store: DocumentStore) -> None:
        """Declared if and only if the collection has them. Check ``Capabilities.change_streams``."""
        target = store.driver.collection("things")
        assert isinstance(target, SupportsChangeStream) is self.capabilities.change_streams

    async def test_indexes_are_declared_as_they_are(self, store: DocumentStore) -> None:
        """Declared if and only if the collection has them. Check ``Capabilities.indexes``."""
        assert isinstance(store.driver.collection("things"), SupportsIndexes) is self.capabilities.indexes

    async def test_native_aggregation_is_declared_as_it_is(self, store: DocumentStore) -> None:
        """Declared if and only if the collection runs pipelines, or a pipeline's first stages as a read.

        Check ``Capabilities.native_aggregation`` and ``SupportsAggregate``.
        """
        things = store.collection("things")
        await things.insert_many([{"_id": number, "a": number} for number in range(5)])
        cursor = things.aggregate([{"$match": {"_id": 3}}, {"$limit": 2}])
        assert await cursor.to_list() == [{"_id": 3, "a": 3}]
        plan = await cursor.explain()
        native = isinstance(store.driver.collection("things"), SupportsAggregate) or plan.residue is None
        assert native or not self.capabilities.native_aggregation, "declared, but the engine does all of it"
        declares = self.capabilities.native_aggregation
        assert declares or not isinstance(store.driver.collection("things"), SupportsAggregate), "there, undeclared"

    @pytest.mark.parametrize("capability", list(_PROPERTIES))
    async def test_properties_of_indexes_are_declared_as_they_are(self, store: DocumentStore, capability: str) -> None:
        """What is not declared does not work below the portable layer either, and what is declared does.

        Check that the driver refuses to make such an index, or declare the capability.
        """
        target = store.driver.collection("things")
        if not isinstance(target, SupportsIndexes):
            assert not getattr(self.capabilities, capability)
            return
        direction = "text" if capability == "text_search" else 1
        await target.insert([{"_id": 1, "a": 5}], True, NO_CALL)
        field = "a.$**" if capability == "wildcard_indexes" else "a"
        wanted = IndexSpec(((field, direction),), "probe", **_PROPERTIES[capability])
        works = True
        try:
            await target.create_index(wanted, NO_CALL)
        except Exception:  # noqa: BLE001 - whatever the SDK raises, the index is not there
            works = False
        made = [index for index in await target.list_indexes(NO_CALL) if index.same_as(wanted)] if works else []
        assert bool(made) is getattr(self.capabilities, capability)

    async def test_ids_are_made_as_declared(self, store: DocumentStore) -> None:
        """They grow with time, unless that makes hot spots. Check ``Capabilities.random_ids``."""
        made = [(await store.collection("things").insert_one({})).raw_id for _ in range(12)]
        assert (made == sorted(made)) is not self.capabilities.random_ids

    async def test_nesting_is_limited_as_declared(self, store: DocumentStore) -> None:
        """The deepest document is stored, a deeper one refused. Check ``Capabilities.max_nesting``."""
        things = store.collection("things")
        deepest = self.capabilities.max_nesting
        document: dict[str, Any] = {"_id": 1, "a": _nested(deepest - 1)}
        await things.insert_one(document)
        assert await things.find_one({"_id": 1}) == document
        with pytest.raises(DocumentValidationError):
            await things.insert_one({"_id": 2, "a": _nested(deepest)})
        self.observe("max_nesting", native=True)


def _nested(levels: int) -> Any:
    """So many dicts, one in the other."""
    value: Any = 1
    for _ in range(levels):
        value = {"a": value}
    return value
