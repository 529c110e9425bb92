"""Whose rows a repository reaches: policies and tenants hold in every statement, and stay with their task."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import pytest
from lexigram.sql.exceptions import (
    CursorError,
    DataQueryError,
    DuplicateKeyError,
    EntityNotFoundError,
    NoSecurityPolicyError,
    TenantScopingError,
)
from lexigram.sql.providers import DatabaseService
from lexigram.sql.repositories import GenericRepository, RowLevelSecurityPolicy, ScopeColumn, tenant_scope


@dataclass
class Order:
    id: int | None = None
    code: str = ""
    amount: int = 0
    tenant_id: str | None = None


Orders = GenericRepository[Order, int]
Scope = Callable[[Any], AbstractContextManager[None]]


@pytest.fixture
async def db() -> AsyncIterator[DatabaseService]:
    async with DatabaseService() as database:
        await database.execute(
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, code TEXT UNIQUE, amount INTEGER, tenant_id TEXT NOT NULL,"
            " deleted_at TIMESTAMP)"
        )
        await database.execute("INSERT INTO orders VALUES (1, 'a1', 1, 'a', NULL), (2, 'b1', 2, 'b', NULL)")
        yield database


@pytest.fixture
def policy() -> RowLevelSecurityPolicy:
    return RowLevelSecurityPolicy(columns=[ScopeColumn("tenant_id")])


@pytest.fixture
def guarded(db: DatabaseService, policy: RowLevelSecurityPolicy) -> Orders:
    return GenericRepository[Order, int](db, "orders", Order, soft_delete_enabled=True, rls_policy=policy)


@pytest.fixture
def tenants(db: DatabaseService) -> Orders:
    return GenericRepository[Order, int](db, "orders", Order, soft_delete_enabled=True, multi_tenant=True)


@pytest.fixture(params=["policy", "tenant"])
def orders(request: pytest.FixtureRequest, guarded: Orders, tenants: Orders) -> Orders:
    return guarded if request.param == "policy" else tenants


@pytest.fixture
def scope(orders: Orders, policy: RowLevelSecurityPolicy) -> Scope:
    if orders.multi_tenant:
        return orders.with_tenant_scope
    return lambda tenant: policy.activate(tenant_id=tenant)


async def streamed(orders: Orders) -> list[Order]:
    return [order async for order in orders.stream()]


READS: dict[str, tuple[Callable[[Orders], Awaitable[Any]], Any]] = {
    "get": (lambda o: o.get(2), None),
    "find_by_id": (lambda o: o.find_by_id(2, include_deleted=True), None),
    "find_many": (lambda o: o.find_many(), [1]),
    "find_any": (lambda o: o.find_many([], tenant_id="b"), []),
    "find_one": (lambda o: o.find_one(code="b1"), None),
    "list": (lambda o: o.list(), [1]),
    "count": (lambda o: o.count(), 1),
    "exists": (lambda o: o.exists(id=2), False),
    "aggregate": (lambda o: o.aggregate(count=True), {"count": 1}),
    "paginate": (lambda o: o.paginate(), 1),
    "paginate_cursor": (lambda o: o.paginate_cursor(include_total=True), 1),
    "stream": (streamed, [1]),
}
WRITES: dict[str, Callable[[Orders], Awaitable[Any]]] = {
    "create": lambda o: o.create(Order(code="n")),
    "update": lambda o: o.update(Order(2, "b1", 99)),
    "save": lambda o: o.save(Order(2, "b1", 99)),
    "upsert": lambda o: o.upsert(Order(code="b1", amount=99), ["code"]),
    "upsert_key": lambda o: o.upsert(Order(2, "x", amount=99)),
    "delete": lambda o: o.delete(2),
    "delete_by_id": lambda o: o.delete_by_id(2),
    "soft_delete": lambda o: o.soft_delete(2),
    "restore": lambda o: o.restore(2),
    "bulk_create": lambda o: o.bulk_create([Order(code="n")]),
    "bulk_update": lambda o: o.bulk_update([Order(2, "b1", 99)]),
    "bulk_delete": lambda o: o.bulk_delete([2]),
    "delete_many": lambda o: o.delete_many([2]),
    "save_many": lambda o: o.save_many([Order(2, "b1", 99)]),
    "find_or_create": lambda o: o.find_or_create(code="n"),
    "update_or_create": lambda o: o.update_or_create({"amount": 99}, code="n"),
}


def summary(found: Any) -> Any:
    """What a read returned, shorter."""
    if isinstance(found, dict) and "total" in found:
        assert len(found["data"]) == found["total"]
        return found["total"]
    if hasattr(found, "total_count"):
        assert len(found.items) == found.total_count
        return found.total_count
    return [order.id for order in found] if isinstance(found, list) else found


@pytest.mark.parametrize("name", READS)
async def test_reading_finds_the_own_rows_only(orders: Orders, scope: Scope, name: str) -> None:
    read, expected = READS[name]
    with scope("a"):
        assert summary(await read(orders)) == expected


@pytest.mark.parametrize("name", WRITES)
async def test_writing_never_reaches_the_rows_of_others(
    db: DatabaseService, orders: Orders, scope: Scope, name: str
) -> None:
    with scope("a"):
        try:
            await WRITES[name](orders)
        except (EntityNotFoundError, DuplicateKeyError):
            assert name in {"update", "save", "upsert", "upsert_key", "save_many"}
    assert await db.fetch("SELECT code, amount, deleted_at FROM orders WHERE tenant_id = 'b'") == [
        {"code": "b1", "amount": 2, "deleted_at": None}
    ]
    assert await db.fetch_value("SELECT count(*) FROM orders WHERE tenant_id NOT IN ('a', 'b')") == 0


@pytest.mark.parametrize("name", [*READS, *WRITES])
async def test_nothing_runs_for_nobody(db: DatabaseService, orders: Orders, name: str) -> None:
    run: Callable[[Orders], Awaitable[Any]] = READS[name][0] if name in READS else WRITES[name]
    refused = TenantScopingError if orders.multi_tenant else NoSecurityPolicyError
    with pytest.raises(refused) as caught:
        await run(orders)
    assert (caught.value.table, bool(caught.value.operation)) == ("orders", True)
    assert await db.fetch_value("SELECT sum(amount) FROM orders") == 3


@pytest.mark.parametrize("nobody", [None, "", "  "])
@pytest.mark.parametrize("name", [*READS, *WRITES])
async def test_an_empty_tenant_finds_nothing_and_writes_nothing(
    db: DatabaseService, guarded: Orders, policy: RowLevelSecurityPolicy, name: str, nobody: str | None
) -> None:
    with policy.activate(tenant_id=nobody):
        if name in READS:
            assert summary(await READS[name][0](guarded)) in (None, [], 0, False, {"count": 0})
        else:
            with pytest.raises(TenantScopingError, match="denied"):
                await WRITES[name](guarded)
    assert await db.fetch_value("SELECT sum(amount) FROM orders") == 3


async def test_new_rows_belong_to_who_is_asking(orders: Orders, scope: Scope, db: DatabaseService) -> None:
    with scope("a"):
        made = await orders.create(Order(code="n"))
        assert made.tenant_id == "a"
        await orders.bulk_create([Order(code="m"), Order(50, "k")])
        for write in (orders.create, orders.upsert, orders.save):
            with pytest.raises(TenantScopingError, match="another's"):
                await write(Order(code="z", tenant_id="b"))
        assert (await orders.upsert(Order(code="n", amount=5), ["code"])).id == made.id
        assert await orders.count(tenant_id="a") == await orders.count() == 4
    assert await db.fetch_value("SELECT count(*) FROM orders WHERE tenant_id = 'b'") == 1


async def test_tasks_at_the_same_time_keep_their_own_scope(orders: Orders, scope: Scope) -> None:
    async def ask(tenant: str) -> set[str | None]:
        seen: set[str | None] = set()
        with scope(tenant):
            for _ in range(20):
                seen |= {order.tenant_id for order in await orders.find_many()}
                await asyncio.sleep(0)
        return seen

    assert await asyncio.gather(*(ask("ab"[n % 2]) for n in range(10))) == [{"a"}, {"b"}] * 5
    with pytest.raises(TenantScopingError):
        await orders.count()


async def test_a_cursor_of_one_tenant_is_no_use_to_another(orders: Orders, scope: Scope) -> None:
    with scope("a"):
        await orders.create(Order(code="n"))
        cursor = (await orders.paginate_cursor(limit=1)).next_cursor
    with scope("b"), pytest.raises(CursorError, match="another query"):
        await orders.paginate_cursor(limit=1, cursor=cursor)


async def test_an_administrator_sees_one_table_and_leaves_a_trace(
    db: DatabaseService, guarded: Orders, policy: RowLevelSecurityPolicy, caplog: pytest.LogCaptureFixture
) -> None:
    other = GenericRepository[Order, int](db, "others", Order, rls_policy=policy)
    with caplog.at_level(logging.WARNING), guarded.with_admin_scope("monthly report"):
        assert await guarded.count() == 2
        assert policy.is_admin_bypass_active("orders")
        with pytest.raises(NoSecurityPolicyError):
            await other.count()
    assert "monthly report" in caplog.text
    assert not policy.is_admin_bypass_active("orders")
    with pytest.raises(DataQueryError, match="reason"), policy.admin_bypass(reason=" ", table="orders"):
        pass


async def test_a_scope_can_be_looked_at(policy: RowLevelSecurityPolicy) -> None:
    assert policy.current_scope is None
    with policy.activate(tenant_id="a"):
        assert policy.current_scope == {"tenant_id": "a"}
        with policy.activate(tenant_id="b"):
            assert policy.require_scope(table="t", operation="read") == {"tenant_id": "b"}
        assert policy.current_scope == {"tenant_id": "a"}
    with pytest.raises(DataQueryError, match="did you mean 'tenant_id'"), policy.activate(tenant="a"):
        pass
    with pytest.raises(DataQueryError, match="needs tenant_id"), policy.activate():
        pass
    with pytest.raises(DataQueryError, match="needs columns"):
        RowLevelSecurityPolicy([])


async def test_a_blank_tenant_is_no_tenant(tenants: Orders) -> None:
    with tenant_scope(" "), pytest.raises(TenantScopingError):
        await tenants.count()
