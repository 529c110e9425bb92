"""Credentials that are looked up when they are needed, so that a new secret needs no restart.

::

    credential = Credential(read_token)             # or a text, a SecretStr, an async function, an awaitable
    await connect(password=await credential.reveal())

In a configuration, a field of type :class:`Credential` takes a text or a reference::

    [default.database.documents.main.provider]
    url = "mongodb://localhost"                     # as it is
    url = "mongodb://app:${secret:DB_PASSWORD}@db"  # with a secret in it, which is read again each time
    url = { secret = "MONGO_URL" }                  # a secret as a whole, not looked up before it is needed

References are looked up in the resolvers and stores that the user of the credential passes; by default in the
environment, then in the files that ``LEX_SECRETS_DIR`` or ``/run/secrets`` holds.
"""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

from pydantic import GetCoreSchemaHandler, SecretBytes, SecretStr
from pydantic_core import CoreSchema, core_schema

from lexigram.config.secrets import MASK, EnvironmentSecretResolver, MountedFileSecretResolver
from lexigram.config.tree import SecretText
from lexigram.contracts.exceptions.config import ConfigurationError
from lexigram.contracts.security.secrets import (
    CredentialError,
    SecretNotFoundError,
    SecretResolverProtocol,
    SecretStoreProtocol,
)

__all__ = ["Credential", "CredentialError", "CredentialSource", "SecretReference", "SecretSource", "default_secrets"]

SecretSource: TypeAlias = SecretResolverProtocol | SecretStoreProtocol
"""Where a reference is looked up."""

_Value: TypeAlias = str | bytes | SecretStr | SecretBytes


@dataclass(frozen=True, slots=True)
class SecretReference:
    """A secret by its name.

    Attributes:
        name: What resolvers and stores know it by.
    """

    name: str


CredentialSource: TypeAlias = _Value | SecretReference | Awaitable[_Value] | Callable[[], _Value | Awaitable[_Value]]
"""What a credential can be made of."""


def default_secrets() -> tuple[SecretSource, ...]:
    """Where references are looked up when nothing else is said."""
    return EnvironmentSecretResolver(), MountedFileSecretResolver(os.environ.get("LEX_SECRETS_DIR") or "/run/secrets")


class Credential:
    """A secret text, or the way to it.

    A function is called for each :meth:`get`, one that is not async in a thread; so what it returns may change. Text
    never changes, except the parts of a configuration file's text that came from ``${secret:NAME}``, which are read
    again. A coroutine can be awaited only once, so its result stays; pass the function instead.

    Args:
        source: The text, or the way to it.

    Raises:
        CredentialError: It is none of these.
    """

    __slots__ = ("_once", "_source")

    def __init__(self, source: CredentialSource | Credential) -> None:
        given: Any = source._source if isinstance(source, Credential) else source
        if not (isinstance(given, str | bytes | SecretStr | SecretBytes | SecretReference) or callable(given)) and not (
            inspect.isawaitable(given)
        ):
            raise CredentialError(
                f"a credential cannot be made of {type(given).__name__}",
                hint="Give a text, a SecretStr, a SecretReference, a function or an awaitable.",
            )
        self._source: Any = given
        self._once: asyncio.Future[_Value] | None = None

    async def get(self, secrets: Sequence[SecretSource] | None = None) -> SecretStr:
        """Look it up.

        Args:
            secrets: Where references are looked up, in order; see :func:`default_secrets`.

        Returns:
            The secret as of now.

        Raises:
            SecretNotFoundError: A reference's name is known nowhere.
            CredentialError: Looking it up failed, or gave something that is no text.
        """
        source: Any = self._source
        try:
            if isinstance(source, SecretReference):
                value = await _looked_up(source.name, default_secrets() if secrets is None else secrets)
            elif isinstance(source, SecretText) and source.again is not None:
                value = await asyncio.to_thread(source.again)
            elif callable(source):
                called = source() if _is_async(source) else await asyncio.to_thread(source)
                value = await called if inspect.isawaitable(called) else called
            elif inspect.iscoroutine(source):
                if self._once is None:
                    self._once = asyncio.ensure_future(source)
                value = await asyncio.shield(self._once)
            elif inspect.isawaitable(source):
                value = await source
            else:
                value = source
        except ConfigurationError:
            raise
        except Exception as error:
            raise CredentialError(
                f"looking up a credential failed: {type(error).__name__}",
                hint="See the cause; the function or service that gives the secret raised it.",
            ) from error
        return SecretStr(_text(value))

    async def reveal(self, secrets: Sequence[SecretSource] | None = None) -> str:
        """The same as :meth:`get`, as plain text."""
        return (await self.get(secrets)).get_secret_value()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Credential) and self._source == other._source

    def __hash__(self) -> int:
        return hash((Credential, self._source))

    def __repr__(self) -> str:
        if isinstance(self._source, SecretReference):
            return f"Credential({self._source!r})"
        return f"Credential({MASK!r})"

    __str__ = __repr__

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _validated, serialization=core_schema.plain_serializer_function_ser_schema(repr, when_used="json")
        )


def _validated(given: Any) -> Credential:
    """Read a credential from what a configuration holds."""
    if isinstance(given, Mapping):
        entries = cast("Mapping[str, Any]", given)
        name = entries.get("secret")
        if set(entries) != {"secret"} or not isinstance(name, str) or not name:
            raise ValueError('a reference is written { secret = "NAME" }')
        return Credential(SecretReference(name))
    try:
        return Credential(given)
    except CredentialError as error:
        raise ValueError(error.message) from error


def _is_async(function: Any) -> bool:
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004 - asked of what it is, not whether it is there


def _text(value: object) -> str:
    plain = value.get_secret_value() if isinstance(value, SecretStr | SecretBytes) else value
    if isinstance(plain, bytes):
        try:
            return plain.decode()
        except UnicodeDecodeError:
            # Without the cause: it holds the bytes of the secret.
            raise CredentialError("a credential is not UTF-8 text") from None
    if not isinstance(plain, str):
        raise CredentialError(f"looking up a credential gave {type(plain).__name__} and not text")
    return str(plain)


async def _looked_up(name: str, secrets: Sequence[SecretSource]) -> _Value:
    asked: list[str] = []
    for place in secrets:
        if isinstance(place, SecretStoreProtocol):
            found = await place.get_secret(name)
            if found is not None:
                return found
        else:
            try:
                return await asyncio.to_thread(place.resolve, name)
            except SecretNotFoundError:
                pass
        asked.append(str(getattr(place, "name", type(place).__name__)))
    raise SecretNotFoundError(
        f"no secret called {name!r}; looked in: {', '.join(asked) or 'nothing, there are no resolvers'}", name=name
    )
