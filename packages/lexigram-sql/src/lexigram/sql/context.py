"""Who a statement runs for: the request, its user and its tenant, as they follow a task.

::

    context = create_db_context()
    users = GenericRepository(db, "users", User, multi_tenant=True, db_ctx=context)

    with RequestContextManager(context, request_id="r-17", user_id="ada", tenant_id="acme"):
        await users.find_many()          # the rows of acme

The values stand in the application's own :class:`~lexigram.context.Context`, so a task that is started inside the block
has them, and no other has.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Generator, Iterable, Mapping, MutableMapping
from contextlib import AbstractContextManager, contextmanager
from types import TracebackType
from typing import Any, Final, ParamSpec, Self, TypeVar, cast

from lexigram.context import Context, ContextKey

__all__ = [
    "REQUEST_ID",
    "TENANT_ID",
    "USER",
    "USER_ID",
    "DbContext",
    "RequestContextManager",
    "create_db_context",
    "create_task_with_context",
    "run_in_threadpool_with_context",
]

P = ParamSpec("P")
R = TypeVar("R")

REQUEST_ID: Final[ContextKey[Any]] = ContextKey("request_id", default=None, logged=True)
USER_ID: Final[ContextKey[Any]] = ContextKey("user_id", default=None, logged=True)
TENANT_ID: Final[ContextKey[Any]] = ContextKey("tenant_id", default=None, logged=True)
USER: Final[ContextKey[Any]] = ContextKey("user", default=None)
_TRACE_ID: Final[ContextKey[Any]] = ContextKey("trace_id", default=None, logged=True)


class DbContext:
    """Reads and binds the values that the database layer is told of. Implements ``DatabaseContextProtocol``.

    Args:
        tenant_key: The key of the tenant; the application's own where it has one.
        user_key: The key of the user's id.
        request_key: The key of the request's id.
        extra_keys: Further keys that :meth:`values` shows.
    """

    def __init__(
        self,
        tenant_key: ContextKey[Any] = TENANT_ID,
        user_key: ContextKey[Any] = USER_ID,
        request_key: ContextKey[Any] = REQUEST_ID,
        extra_keys: Iterable[ContextKey[Any]] = (),
    ) -> None:
        self._tenant = tenant_key
        self._user = user_key
        self._request = request_key
        self._extra = tuple(extra_keys)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._tenant.name!r}, {self._user.name!r}, {self._request.name!r}>"

    @property
    def tenant_id(self) -> Any:
        """Whose rows the task works on; None for nobody's."""
        return self._tenant.get(None)

    @property
    def user_id(self) -> Any:
        """Who the task works for; None when that is not known."""
        return self._user.get(None)

    @property
    def request_id(self) -> Any:
        """The request that is served; None outside of one."""
        return self._request.get(None)

    def values(self) -> dict[str, Any]:
        """All that is bound, by name."""
        keys = (self._request, self._user, self._tenant, *self._extra)
        return {key.name: key.get(None) for key in keys if key.get(None) is not None}

    def log_context(self) -> dict[str, str | None]:
        """What entries of query logs say of who a statement runs for; see ``DatabaseService.set_context``."""
        found = {"user_id": self.user_id, "request_id": self.request_id, "trace_id": _TRACE_ID.get(None)}
        return {name: None if value is None else str(value) for name, value in found.items()}

    @contextmanager
    def bound(self, **values: Any) -> Generator[Self]:
        """Bind values inside the block: ``tenant_id``, ``user_id``, ``request_id``, and extra keys by their names.

        Raises:
            LookupError: There is no such key.
        """
        keys = {"tenant_id": self._tenant, "user_id": self._user, "request_id": self._request, "user": USER}
        keys |= {key.name: key for key in self._extra}
        context = Context.current()
        for name, value in values.items():
            if name not in keys:
                raise LookupError(f"this context has no {name!r}; it has {', '.join(keys)}")
            context = context.bind(keys[name], value)
        with context.active():
            yield self

    def set_tenant_from_scope(self, scope: MutableMapping[str, Any], /) -> AbstractContextManager[Any] | None:
        """Take the tenant from an ASGI scope (``scope["state"]["tenant"]``, else ``scope["tenant"]``).

        Returns:
            What :meth:`reset_tenant` takes; None when there is no tenant.
        """
        state = cast("Any", scope.get("state") or {})
        tenant = state.get("tenant") if hasattr(state, "get") else getattr(state, "tenant", None)
        tenant = scope.get("tenant") if tenant is None else tenant
        if tenant is None:
            return None
        block = self._tenant.bound(tenant)
        block.__enter__()
        return block

    def reset_tenant(self, token: Any | None, /) -> None:
        """Go back to the tenant of before."""
        if token is not None:
            token.__exit__(None, None, None)


def create_db_context(
    *, core_ctx: Context | None = None, extra_keys: Iterable[ContextKey[Any] | str] = ()
) -> DbContext:
    """A context of the documented keys.

    Args:
        core_ctx: Values of the application; its keys called ``tenant_id``, ``user_id`` and ``request_id`` are used
            instead of ours.
        extra_keys: Further keys, or names for new ones.
    """
    values: Mapping[ContextKey[Any], Any] = {} if core_ctx is None else core_ctx
    named = {key.name: key for key in values}
    return DbContext(
        named.get("tenant_id", TENANT_ID),
        named.get("user_id", USER_ID),
        named.get("request_id", REQUEST_ID),
        [ContextKey(key, default=None) if isinstance(key, str) else key for key in extra_keys],
    )


class RequestContextManager:
    """Binds what is known of a request inside a block, ``with`` or ``async with``.

    Args:
        db_ctx: Where to.
        request_id: The request's id.
        user_id: The user's id.
        tenant_id: The tenant.
        user: The user.
        **extra: Values of the context's extra keys.
    """

    def __init__(
        self,
        db_ctx: DbContext,
        *,
        request_id: Any = None,
        user_id: Any = None,
        tenant_id: Any = None,
        user: Any = None,
        **extra: Any,
    ) -> None:
        given = {"request_id": request_id, "user_id": user_id, "tenant_id": tenant_id, "user": user}
        # What is not given must not be inherited from an outer request.
        self._db_ctx = db_ctx
        self._values = {**given, **extra}
        self._block: AbstractContextManager[DbContext] | None = None

    def __enter__(self) -> DbContext:
        self._block = self._db_ctx.bound(**self._values)
        return self._block.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        block, self._block = self._block, None
        if block is not None:
            block.__exit__(kind, error, trace)

    async def __aenter__(self) -> DbContext:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, trace)


def create_task_with_context(
    work: Coroutine[Any, Any, R], *, db_ctx: DbContext | None = None, name: str | None = None, **values: Any
) -> asyncio.Task[R]:
    """Start a task that has what is bound here, and further values; the transaction of this task is not its own.

    Args:
        work: What it does.
        db_ctx: Where the further values are bound; the usual keys when None.
        name: The task's name.
        **values: As :meth:`DbContext.bound` takes them.
    """
    context = DbContext() if db_ctx is None else db_ctx

    async def run() -> R:
        with context.bound(**values):
            return await work

    return asyncio.get_running_loop().create_task(run(), name=name)


async def run_in_threadpool_with_context(function: Callable[P, R], /, *args: P.args, **keywords: P.kwargs) -> R:
    """Run a function that blocks on a thread, with all that is bound here.

    Args:
        function: The function; its values are found by the same keys.
        *args: Its arguments.
        **keywords: Its arguments by name.
    """
    return await asyncio.to_thread(function, *args, **keywords)
