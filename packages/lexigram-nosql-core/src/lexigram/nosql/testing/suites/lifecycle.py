"""Connecting, health, collections, disconnecting."""

# ruff: noqa: S101, PT012 - these are tests, a block is what fails

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from lexigram.contracts.core.health import HealthStatus
from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import DocumentValidationError, NoSQLConnectionError, NoSQLError, StoreNotConnectedError
from lexigram.nosql.store import DocumentStore
from lexigram.nosql.testing.suite import Suite

__all__ = ["Lifecycle"]


class Lifecycle(Suite, topic="lifecycle"):
    """A store is opened, answers, and is closed."""

    async def test_a_store_opens_on_an_empty_database(self, store: DocumentStore) -> None:
        """Nothing is there. Check that ``open()`` of the harness gives each test a database of its own."""
        assert store.is_connected()
        assert await store.list_collections() == []

    async def test_two_stores_of_one_test_are_apart(self, things: Collection) -> None:
        """A second database does not show the first one's documents. Check the names that ``open()`` chooses."""
        await things.insert_one({"_id": 1})
        async with self.opened() as other:
            assert await other.collection("things").count_documents() == 0

    async def test_connecting_twice_does_nothing(self, store: DocumentStore) -> None:
        """The connection stays the same. Check that nothing replaces ``DocumentStore.connect()``."""
        driver = store.driver
        await store.connect()
        assert store.driver is driver

    async def test_a_store_that_is_closed_refuses(self) -> None:
        """Every use raises StoreNotConnectedError. Check that handles ask the store, not a kept connection."""
        async with self.opened() as store:
            things = store.collection("things")
            await things.insert_one({"_id": 1})
            await store.disconnect()
            assert not store.is_connected()
            with pytest.raises(StoreNotConnectedError):
                await things.find_one({"_id": 1})
            with pytest.raises(StoreNotConnectedError):
                await store.list_collections()
            with pytest.raises(StoreNotConnectedError):
                _ = store.native

    async def test_disconnecting_twice_does_nothing(self) -> None:
        """The second time is silent. Check that ``close()`` of the driver is called once only."""
        async with self.opened() as store:
            await store.disconnect()
            await store.disconnect()

    async def test_a_store_connects_again(self) -> None:
        """A handle from before works with the new connection. Check that collections keep nothing of the old one."""
        async with self.opened() as store:
            things = store.collection("things")
            await things.insert_one({"_id": 1})
            await store.disconnect()
            await store.connect()
            await things.insert_one({"_id": 2})
            assert await things.find_one({"_id": 2}) == {"_id": 2}

    async def test_many_connects_at_once_make_one_connection(self) -> None:
        """Concurrent callers share the connection. Check that ``connect`` of the spec has no state between calls."""
        async with self.opened() as store:
            await store.disconnect()
            await asyncio.gather(*(store.connect() for _ in range(5)))
            driver = store.driver
            await asyncio.gather(*(store.connect() for _ in range(5)))
            assert store.driver is driver

    async def test_a_cancelled_connect_can_be_repeated(self) -> None:
        """What was begun is released. Check that ``connect`` of the spec closes what it opened when it is cancelled."""
        async with self.opened() as store:
            await store.disconnect()
            attempt = asyncio.ensure_future(store.connect())
            await asyncio.sleep(0)
            attempt.cancel()
            with suppress(asyncio.CancelledError):
                await attempt
            await store.connect()
            assert await store.list_collections() == []

    async def test_a_healthy_store_says_so(self, store: DocumentStore) -> None:
        """The check names the backend. Check ``ping()`` of the driver."""
        health = await store.health_check()
        assert health.status is HealthStatus.HEALTHY, health.error
        assert (health.details or {})["backend"] == self.harness.spec.name

    async def test_a_closed_store_is_unhealthy(self) -> None:
        """The check does not raise. Check that it is the portable one."""
        async with self.opened() as store:
            await store.disconnect()
            health = await store.health_check()
            assert health.status is HealthStatus.UNHEALTHY
            assert health.error == StoreNotConnectedError().code

    async def test_a_server_that_is_not_there_is_a_connection_error(self) -> None:
        """Connecting, or the first request, says so. Check ``classify()`` for errors of the network."""
        config = self.hooks.unreachable()
        if config is None:
            pytest.skip("the harness has no unreachable() configuration")
        store = DocumentStore(self.harness.spec, config)
        with pytest.raises(NoSQLError) as caught:
            async with asyncio.timeout(self.hooks.settle_seconds):
                async with store:
                    await store.collection("things").find_one({"_id": 1})
        assert isinstance(caught.value, NoSQLConnectionError | TimeoutError)
        assert caught.value.__cause__ is not None
        assert caught.value.retryable

    async def test_the_native_handle_is_there(self, store: DocumentStore) -> None:
        """``store.native`` is the SDK's own. Check ``native`` of the driver."""
        assert store.native is not None

    async def test_a_collection_appears_with_its_first_document(self, store: DocumentStore) -> None:
        """The list is sorted. Check ``list_collections()`` of the driver."""
        for name in ("zebras", "apes"):
            await store.collection(name).insert_one({"_id": 1})
        assert await store.list_collections() == ["apes", "zebras"]

    async def test_a_dropped_collection_is_gone_with_its_documents(self, store: DocumentStore) -> None:
        """Another one stays. Check ``drop_collection()`` of the driver."""
        for name in ("kept", "gone"):
            await store.collection(name).insert_many([{"_id": 1}, {"_id": 2}])
        await store.drop_collection("gone")
        assert await store.list_collections() == ["kept"]
        assert await store.collection("gone").count_documents() == 0
        assert await store.collection("kept").count_documents() == 2

    async def test_dropping_what_is_not_there_does_nothing(self, store: DocumentStore) -> None:
        """It is no error. Check ``drop_collection()`` of the driver for a missing collection."""
        await store.drop_collection("never")

    async def test_a_dropped_collection_can_be_used_again(self, things: Collection, store: DocumentStore) -> None:
        """The same id can be inserted again. Check that dropping leaves no trace of old documents."""
        await things.insert_one({"_id": 1, "a": 1})
        await store.drop_collection("things")
        await things.insert_one({"_id": 1, "a": 2})
        assert await things.find_one({"_id": 1}) == {"_id": 1, "a": 2}

    @pytest.mark.parametrize("name", ["with-dash", "with.dot", "under_score", "UPPER", "ünïcode", "a" * 60])
    async def test_collections_have_such_names(self, store: DocumentStore, name: str) -> None:
        """A name comes back as it was given. Check how the backend escapes names of tables or folders."""
        await store.collection(name).insert_one({"_id": name})
        assert await store.list_collections() == [name]
        assert await store.collection(name).find_one({}) == {"_id": name}

    @pytest.mark.parametrize("name", ["", "$system", "nul\0"], ids=["empty", "dollar", "nul"])
    async def test_collections_do_not_have_such_names(self, store: DocumentStore, name: str) -> None:
        """They are refused before anything is sent. Check that the store is the portable one."""
        with pytest.raises(DocumentValidationError):
            store.collection(name)

    async def test_no_text_of_a_store_shows_its_secrets(self, store: DocumentStore) -> None:
        """Neither the store nor its configuration. Check that secrets are ``SecretStr`` and URLs are masked."""
        for name, value in store.config.model_dump().items():
            reveal = getattr(value, "get_secret_value", None)
            for hidden in _secrets_of(reveal() if reveal is not None else None):
                assert hidden not in repr(store), name
                assert hidden not in repr(store.config), name


def _secrets_of(value: object) -> list[str]:
    """What a text may not show of a secret setting: all of it, or of a URL what stands before its hosts.

    Args:
        value: What the setting holds.

    Returns:
        The parts that are secret, none if a URL names no user.
    """
    if not isinstance(value, str) or not value:
        return []
    scheme, is_url, rest = value.partition("://")
    if not is_url:
        return [value]
    user, names_user, _ = rest.split("/", 1)[0].rpartition("@")
    return [f"{scheme}://{user}@", *user.split(":", 1)[1:]] if names_user else []
