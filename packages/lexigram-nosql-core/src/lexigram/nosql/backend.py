"""How a backend introduces itself: a small frozen object, importable without its SDK.

A distribution registers its :class:`BackendSpec` under the entry point group ``lexigram.nosql.backends``; the entry's
name is what ``driver:`` says in the configuration::

    [project.entry-points."lexigram.nosql.backends"]
    couchdb = "lexigram_couchdb.spec:SPEC"

Nothing is imported until a name is asked for, and nothing falls back to another backend.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal, Self

from lexigram.config import BaseConfig, ConfigurationError, Source, SourceKind
from lexigram.config.tree import Leaf, Node, Section, from_plain
from lexigram.nosql.driver import Driver
from lexigram.plugins import PluginGroup
from pydantic import Field, SecretStr

__all__ = ["API", "BACKENDS", "BackendConfig", "BackendSpec", "Capabilities", "IndexFile", "ScanPolicy"]

API = 1
"""Number of the driver contract. A backend written against another one is refused when it is loaded."""

_USUAL_NAMES: Mapping[str, Sequence[str]] = {
    "url": ("uri", "url"),
    "database_name": ("database", "database_name"),
}

ScanPolicy = Literal["allow", "warn", "deny"]


class BackendConfig(BaseConfig):
    """Settings that every backend's section has.

    Attributes:
        scan_policy: What happens to a filtered or sorted request that reads a whole collection: ``allow``, ``warn``
            (one log line for each kind of request) or ``deny`` (an error that names an index that would serve).
        operation_timeout: Seconds an operation may take when the call does not say; None for no limit.
        write_attempts: How often an update by read and conditional replace is tried while others change the same
            document.
        memory_limit_bytes: Most that one sort or aggregation may hold, in bytes.
        page_token_secret: Key that signs page tokens. Made at random for each store when missing, so tokens then end
            with the process.
    """

    connection_settings: ClassVar[Mapping[str, str | None]] = {}
    """What a named connection's ``url`` and ``database_name`` are called in this section, where that is none of the
    usual names (``uri``, ``url``; ``database``, ``database_name``); None where the backend has no use for it."""

    scan_policy: ScanPolicy = "warn"
    operation_timeout: float | None = Field(default=None, gt=0)
    write_attempts: int = Field(default=10, ge=1)
    memory_limit_bytes: int = Field(default=104_857_600, ge=1)
    page_token_secret: SecretStr | None = None

    @classmethod
    def connection_setting(cls, name: Literal["url", "database_name"]) -> str | None:
        """The setting that a named connection's ``url`` or ``database_name`` becomes.

        Returns:
            Its name; None where the backend has no use for it, so that it need not be looked up.

        Raises:
            ConfigurationError: The backend has no such setting.
        """
        if name in cls.connection_settings:
            return cls.connection_settings[name]
        for usual in _USUAL_NAMES[name]:
            if usual in cls.model_fields:
                return usual
        raise ConfigurationError(
            f"{cls.__name__} has no setting for `{name}`",
            key=name,
            hint=f"Leave it out, and give the backend's own settings: {', '.join(sorted(cls.model_fields))}.",
        )

    @classmethod
    def from_connection(
        cls,
        url: str | SecretStr | None,
        database_name: str | None = None,
        options: Mapping[str, Any] | None = None,
        *,
        where: Sequence[str] = (),
    ) -> Self:
        """The section that a named connection means.

        Args:
            url: Where the database is, with its credentials.
            database_name: The database there.
            options: Further settings, under their names here.
            where: Where the connection stands in the configuration, for messages.

        Returns:
            The section. Backends override this where a URL means more than one setting.

        Raises:
            ConfigurationError: The backend has no setting for what was given, one is given twice, or a value does not
                fit; secrets are not shown.
        """
        given = dict(options or {})
        named: tuple[tuple[Literal["url", "database_name"], Any], ...] = (
            ("url", url),
            ("database_name", database_name),
        )
        for name, value in named:
            if value is None or (setting := cls.connection_setting(name)) is None:
                continue
            if setting in given:
                raise ConfigurationError(
                    f"`{name}` and `{setting}` are both given and mean the same",
                    key=".".join((*where, setting)),
                    hint="Leave one of them out.",
                )
            given[setting] = value
        secret = Source(SourceKind.CODE, secrets=("the connection's settings",))
        plain = Source(SourceKind.CODE)
        entries: dict[str, Node] = {}
        for key, value in given.items():
            if isinstance(value, SecretStr):
                entries[key] = Leaf(value.get_secret_value(), secret)
            else:
                entries[key] = from_plain(value, plain, (*where, key))
        return cls._from_tree(Section(entries, plain), tuple(where))


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a backend can do that another may not. Everything else is the same on all.

    Attributes:
        transactions: Multi-document transactions.
        change_streams: ``watch()``.
        indexes: ``create_index()`` and its relatives.
        unique_indexes: Indexes with ``unique``.
        sparse_indexes: Indexes with ``sparse``.
        partial_indexes: Indexes with ``partial_filter``.
        ttl_indexes: Indexes with ``expire_after_seconds``.
        text_search: ``$text`` filters.
        collations: ``collation`` on reads and indexes.
        wildcard_indexes: Indexes on ``$**``, all fields, or on all fields below one.
        native_aggregation: The server runs pipelines, whole or their first stages.
        max_document_bytes: Largest document, as the backend counts; None for no limit but memory. A larger one is
            refused before it is sent: by the encoder where that validates, else by the store.
        max_nesting: Deepest nesting of documents and arrays.
        max_transaction_writes: Most documents that one transaction may write; None for no limit.
        random_ids: Ids should not grow with time, since that makes hot spots.
        encoder_validates: The driver's encoder refuses ints outside 64 bits, text without a UTF-8 form and NUL in names
            before it sends anything, and its errors are classified as
            :class:`~lexigram.nosql.exceptions.DocumentValidationError`; so documents need not be walked before.
    """

    transactions: bool = False
    change_streams: bool = False
    indexes: bool = False
    unique_indexes: bool = False
    sparse_indexes: bool = False
    partial_indexes: bool = False
    ttl_indexes: bool = False
    text_search: bool = False
    collations: bool = False
    wildcard_indexes: bool = False
    native_aggregation: bool = False
    max_document_bytes: int | None = None
    max_nesting: int = 100
    max_transaction_writes: int | None = None
    random_ids: bool = False
    encoder_validates: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The capabilities by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, slots=True)
class IndexFile:
    """A file from which a service's own tools make indexes.

    Attributes:
        name: What the tools call it.
        text: What is in it.
        seen: For how many different needs of queries that were seen it holds indexes.
    """

    name: str
    text: str
    seen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendSpec:
    """What a backend is.

    Attributes:
        name: The name that ``driver:`` uses.
        api: The driver contract it was written for (:data:`API`).
        config: Model of its section in the configuration.
        capabilities: What it offers.
        connect: Opens a connection; imports the SDK.
        distribution: The pip name that provides it.
        document_size: Counts the bytes of a document as the backend does, for ``max_document_bytes``; its size in BSON
            when missing.
        index_file: For a service whose own tools make the indexes: given the backend's section, and the text of the
            tools' file where there is one, the file that holds the indexes for the queries that were seen as well.
        rebuild_indexes: For a backend that keeps indexes itself, beside others that write past it: given a connected
            store, a collection and perhaps the name of one index, makes its indexes right. One report for each index,
            plain data, in which ``index`` is its name.
    """

    name: str
    api: int
    config: type[BackendConfig]
    capabilities: Capabilities
    connect: Callable[[Any], Awaitable[Driver]]
    distribution: str
    document_size: Callable[[Mapping[str, Any]], int] | None = None
    index_file: Callable[[Any, str | None], IndexFile] | None = None
    rebuild_indexes: Callable[[Any, str, str | None], Awaitable[Sequence[Mapping[str, Any]]]] | None = None


def _refusal(spec: BackendSpec) -> str | None:
    """Why a backend cannot be used with this core, or None."""
    if spec.api == API:
        return None
    newer = "lexigram-nosql-core" if spec.api > API else spec.distribution
    return f"it was written for driver contract {spec.api}, this core offers {API}; upgrade {newer}"


BACKENDS: PluginGroup[BackendSpec] = PluginGroup(
    "lexigram.nosql.backends",
    BackendSpec,
    install_hints={
        "mongodb": "lexigram-nosql-mongodb",
        "dynamodb": "lexigram-nosql-dynamodb",
        "firestore": "lexigram-nosql-firestore",
        "memory": "lexigram-nosql-core",
    },
    check=_refusal,
)
"""All backends by name: those installed, and those registered with ``BACKENDS.register``."""
