"""Cached repositories, streams of events, audit entries, scopes and tenants of a request, on every database."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio
from lexigram.sql.context import RequestContextManager, create_db_context, create_task_with_context
from lexigram.sql.exceptions import (
    DeadlockError,
    DuplicateKeyError,
    OptimisticLockError,
    ProtocolValidationError,
    SerializationError,
    TenantScopingError,
)
from lexigram.sql.logs import MemoryQueryLogger
from lexigram.sql.providers import DatabaseService
from lexigram.sql.query import AsyncQueryBuilder
from lexigram.sql.repositories import (
    ActiveScope,
    AppendLogRepository,
    AuditRepositoryMixin,
    CachedRepository,
    GenericRepository,
    OrderingScope,
    SoftDeleteScope,
    TableAuditLogger,
    TenantScope,
    apply_scopes,
    cacheable,
    tenant_scope,
    timed,
)
from lexigram.sql.transactions.manager import SimpleTransactionManager, transaction, transactional
from sql.place import Opener, Place


@dataclass
class Item:
    """Somebody's, perhaps active."""

    id: int | None = None
    name: str = ""
    is_active: bool = True
    tenant_id: str | None = None


Items = GenericRepository[Item, int]


class MemoryCache:
    """Keeps what it is given, and counts."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}

    async def get(self, key: str, /) -> Any | None:
        """What is kept."""
        return self.kept.get(key)

    async def set(self, key: str, value: Any, /, ttl: int | None = None) -> None:
        """Keep it, for good."""
        assert ttl is None or ttl > 0
        self.kept[key] = value


@pytest_asyncio.fixture
async def db(open_db: Opener, place: Place) -> DatabaseService:
    """Return a database with the tables of these tests."""
    opened: DatabaseService = await open_db(query_logger=MemoryQueryLogger())
    stamp = place["TIMESTAMP | TIMESTAMPTZ | DATETIME(6)"]
    await opened.execute(
        f"CREATE TABLE item (id {place.key}, name VARCHAR(50) NOT NULL UNIQUE, is_active BOOLEAN,"
        f" tenant_id VARCHAR(20), deleted_at {stamp})"
    )
    await opened.execute(
        "CREATE TABLE events (position"
        f" {place['INTEGER PRIMARY KEY AUTOINCREMENT | BIGSERIAL PRIMARY KEY | BIGINT AUTO_INCREMENT PRIMARY KEY']},"
        " stream_id VARCHAR(100) NOT NULL, version INTEGER NOT NULL, data TEXT NOT NULL, UNIQUE (stream_id, version))"
    )
    await opened.execute(
        "CREATE TABLE audit (id CHAR(32) PRIMARY KEY, action VARCHAR(20), entity_type VARCHAR(50),"
        " entity_id VARCHAR(50), user_id VARCHAR(50), tenant_id VARCHAR(50), request_id VARCHAR(50),"
        f" changes {place['JSON | JSONB | JSON']}, at {stamp})"
    )
    return opened


# Caches


async def test_reads_are_kept_until_something_is_written(db: DatabaseService) -> None:
    """Also reads that found nothing; and in a transaction nothing is taken from the cache."""
    inner = Items(db, "item", Item)
    cached: Any = CachedRepository(inner, MemoryCache())
    assert await cached.get(1) is None
    made = await cached.create(Item(name="a"))
    assert await cached.get(made.id) == made
    await db.execute("UPDATE item SET name = 'round it' WHERE id = ?", [made.id])
    assert (await cached.get(made.id)).name == "a"
    async with db.transaction():
        assert (await cached.get(made.id)).name == "round it"
    await cached.bulk_create([Item(name="b"), Item(name="c")])
    assert [one.name for one in await cached.find_many(sort_by="id")] == ["round it", "b", "c"]
    assert (await cached.count(), await cached.exists(name="c")) == (3, True)
    assert await cached.delete(made.id)
    assert await cached.count() == 2


class Shop:
    """Reads through its own cache."""

    def __init__(self, db: DatabaseService) -> None:
        self.provider = db
        self.items = Items(db, "item", Item)
        self.cache = MemoryCache()
        self.asked = 0

    @cacheable(ttl=60, key_prefix="shop")
    async def named(self, name: str) -> Item | None:
        """The item, asked for once."""
        self.asked += 1
        return await self.items.find_one(name=name)


async def test_callers_at_the_same_time_ask_once(db: DatabaseService) -> None:
    """And None is kept as well; a guarded repository keeps nothing."""
    shop = Shop(db)
    await shop.items.create(Item(name="a"))
    found = await asyncio.gather(*(shop.named("a") for _ in range(5)))
    assert (found, shop.asked) == ([Item(1, "a")] * 5, 1)
    assert [await shop.named("none") for _ in range(2)] == [None, None]
    assert shop.asked == 2
    async with db.transaction():
        await shop.named("a")
    assert shop.asked == 3
    shop.multi_tenant = True  # type: ignore[attr-defined] - as a guarded repository has it
    with pytest.raises(ProtocolValidationError):
        await shop.named("a")


async def test_a_method_is_timed_whether_it_returns_or_not(db: DatabaseService) -> None:
    """With the function's own name."""
    told: list[tuple[str, bool]] = []
    items = Items(db, "item", Item)
    create = timed("create", report=lambda name, seconds, returned: told.append((name, returned and seconds > 0)))(
        items.create
    )
    await create(Item(name="a"))
    with pytest.raises(DuplicateKeyError):
        await create(Item(name="a"))
    assert told == [("create", True), ("create", False)]


# Events


async def test_streams_of_events_grow_in_order(db: DatabaseService) -> None:
    """Whoever appends at the same time."""
    log = AppendLogRepository[dict[str, int]](db, "events", json.dumps, json.loads)
    assert await log.append("a", [{"n": 1}, {"n": 2}], expected_version=0) == 2
    with pytest.raises(OptimisticLockError):
        await log.append("a", [{"n": 3}], expected_version=1)
    await asyncio.gather(*(log.append("b", [{"n": number}]) for number in range(6)))
    results = await asyncio.gather(
        *(log.append("c", [{"n": number}] * 2, expected_version=0) for number in range(5)), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["OptimisticLockError"] * 4 + ["int"]
    assert [await log.get_stream_version(name) for name in "abcd"] == [2, 6, 2, 0]
    assert sorted(event["n"] for event in await log.read("b")) == list(range(6))
    assert (await log.read("a", from_version=1), await log.count()) == ([{"n": 2}], 10)
    async with db.transaction():
        await log.append("a", [{"n": 9}])
        assert await log.read("a", from_version=2) == [{"n": 9}]
    assert (await log.delete_stream("a"), await log.delete_stream("a")) == (True, False)


# Audit


class AuditedItems(AuditRepositoryMixin, GenericRepository[Item, int]):
    """Tells of its changes."""


async def entries(db: DatabaseService) -> list[tuple[Any, ...]]:
    rows = await db.fetch("SELECT action, entity_id, user_id FROM audit ORDER BY at, entity_id")
    return [tuple(row.values()) for row in rows]


async def test_every_change_is_logged_once_with_who_made_it(db: DatabaseService) -> None:
    """And none that changed nothing."""
    context = create_db_context()
    items = AuditedItems(
        db, "item", Item, soft_delete_enabled=True, audit_logger=TableAuditLogger(db, "audit", ["name"]), db_ctx=context
    )
    async with RequestContextManager(context, user_id="ada", request_id="r-1", tenant_id="acme"):
        made = await items.create(Item(name="a"))
        made.is_active = False
        await items.save(made)
        await items.delete(made)
        await items.restore(1)
        await items.delete_by_id(1)
        assert not await items.delete_by_id(1)
    many = await items.bulk_create([Item(name="b"), Item(name="c")])
    await items.bulk_update(many)
    await items.delete_many([one.id for one in many])
    await items.upsert(Item(name="d"))
    logged = await entries(db)
    assert [(action, who) for action, _, who in logged] == [
        *[(action, "ada") for action in ("create", "update", "soft_delete", "restore", "delete")],
        *[(action, None) for action in ("create",) * 2 + ("update",) * 2 + ("soft_delete",) * 2 + ("upsert",)],
    ]
    first = await db.fetch_one("SELECT * FROM audit WHERE action = 'create' AND user_id = 'ada'")
    assert first is not None
    changes = first["changes"] if isinstance(first["changes"], dict) else json.loads(first["changes"])
    facts = (changes["name"], first["entity_type"], first["entity_id"], first["tenant_id"])
    assert facts == ("***", "Item", "1", "acme")


async def test_a_change_and_its_entry_are_made_together_or_not_at_all(db: DatabaseService) -> None:
    """Whichever of the two fails, and with a transaction around them."""
    items = AuditedItems(db, "item", Item, audit_logger=TableAuditLogger(db, "audit"))
    await items.create(Item(name="a"))
    with pytest.raises(DuplicateKeyError):
        await items.create(Item(name="a"))

    async def halfway() -> None:
        async with db.transaction():
            await items.create(Item(name="b"))
            raise LookupError

    with pytest.raises(LookupError):
        await halfway()
    assert len(await entries(db)) == 1
    broken = AuditedItems(db, "item", Item, audit_logger=TableAuditLogger(db, "nowhere"))
    with pytest.raises(Exception, match="nowhere"):
        await broken.create(Item(name="c"))
    assert await items.count() == 1
    with pytest.raises(ProtocolValidationError):
        AuditedItems(db, "item", Item, audit_logger=print)  # type: ignore[arg-type] - it is the subject


# Scopes and tenants


async def test_scopes_narrow_and_order_queries_of_both_kinds(db: DatabaseService) -> None:
    """Builders and repositories."""
    items = Items(db, "item", Item)
    await items.bulk_create(
        Item(name=f"n{number}", is_active=number % 2 == 0, tenant_id="ab"[number % 3 > 0]) for number in range(6)
    )
    await db.execute("UPDATE item SET deleted_at = '2026-01-01 00:00:00' WHERE name = 'n4'")
    scopes = (ActiveScope(), TenantScope("b"), SoftDeleteScope(), OrderingScope("name", "desc"))
    rows = await apply_scopes(AsyncQueryBuilder("item").select("name"), *scopes).fetch(db)
    assert [row["name"] for row in rows] == ["n2"]
    table = GenericRepository[Item, int](db, "item", Item)
    assert [one.name for one in await table.find_many(ActiveScope(), TenantScope("b"), sort_by="name")] == ["n2", "n4"]
    gone = await SoftDeleteScope(deleted=True).apply(AsyncQueryBuilder("item").select("name")).fetch(db)
    assert gone == [{"name": "n4"}]
    with pytest.raises(TenantScopingError):
        TenantScope(" ")


async def test_the_tenant_of_a_request_is_that_of_its_repositories(db: DatabaseService) -> None:
    """A scope of their own comes first; outside of both they are refused; query logs know who it was."""
    context = create_db_context()
    items = Items(db, "item", Item, multi_tenant=True, db_ctx=context)
    with pytest.raises(TenantScopingError):
        await items.find_many()

    async def work(tenant: str) -> list[str | None]:
        await items.create(Item(name=tenant))
        return [one.tenant_id for one in await items.find_many()]

    tasks = [create_task_with_context(work(name), db_ctx=context, tenant_id=name, user_id="ada") for name in ("a", "b")]
    assert await asyncio.gather(*tasks) == [["a"], ["b"]]
    with RequestContextManager(context, tenant_id="a", user_id="bob", request_id="r-7"):
        assert [one.name for one in await items.find_many()] == ["a"]
        with tenant_scope("b"):
            assert [one.name for one in await items.find_many()] == ["b"]
        with tenant_scope(None), pytest.raises(TenantScopingError):
            await items.find_many()
        with RequestContextManager(context), pytest.raises(TenantScopingError):
            await items.find_many()
    token = context.set_tenant_from_scope({"state": {"tenant": "b"}})
    assert [one.name for one in await items.find_many()] == ["b"]
    context.reset_tenant(token)
    assert context.tenant_id is None
    logger = db._loggers[0]  # type: ignore[attr-defined] - the fixture's
    assert {(entry.user_id, entry.request_id) for entry in logger.get_entries()} >= {("ada", None), ("bob", "r-7")}


# Transactions by other names


async def test_a_manager_and_a_decorator_open_the_same_transactions(db: DatabaseService) -> None:
    """Which roll back, nest, and are run again when another one was first."""
    items = Items(db, "item", Item)
    manager = SimpleTransactionManager(db)
    assert manager.get_current_connection() is None

    async def halfway() -> None:
        async with transaction(manager):
            assert manager.get_current_connection() is not None
            await items.create(Item(name="a"))
            raise LookupError

    with pytest.raises(LookupError):
        await halfway()
    attempts = 0

    @transactional(db, retries=2, backoff_factor=0.001)
    async def write(name: str, failures: int) -> int | None:
        nonlocal attempts
        attempts += 1
        made = await items.create(Item(name=name))
        if attempts <= failures:
            raise SerializationError("another one was first")
        return made.id

    assert await write("b", 2)
    assert attempts == 3
    with pytest.raises(SerializationError):
        await write("c", 99)
    assert attempts == 6
    async with db.transaction():
        attempts = 0
        with pytest.raises((SerializationError, DeadlockError)):
            await write("d", 99)
        assert attempts == 1
    assert [one.name for one in await items.find_many()] == ["b"]
