"""The ``mongodb:`` section of the configuration.

Names and defaults of the first twelve settings are those that Lexigram documents; the others are MongoDB's options by
their own names (manual, "Connection Strings"; PyMongo, ``MongoClient``), and stay MongoDB's defaults where they are not
set. What the connection string says itself is not overruled by a default: ``mongodb://db/?w=1`` keeps ``w=1`` unless
``write_concern_w`` is set as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, TypeGuard

from lexigram.config.secrets import MASK, Secret, mask_url
from lexigram.nosql.backend import BackendConfig
from pydantic import Field, SecretStr, SerializationInfo, field_serializer, field_validator, model_validator

__all__ = ["Compressor", "MongoDBConfig", "ReadConcernLevel", "ReadPreferenceMode"]

ReadPreferenceMode = Literal["primary", "primaryPreferred", "secondary", "secondaryPreferred", "nearest"]
ReadConcernLevel = Literal["local", "available", "majority", "linearizable", "snapshot"]
Compressor = Literal["zstd", "snappy", "zlib"]

_FORBIDDEN_IN_NAMES = frozenset('/\\. "$\0')


def _is_mapping(given: Any) -> TypeGuard[Mapping[Any, Any]]:
    return isinstance(given, Mapping)


class MongoDBConfig(BackendConfig):
    """How to reach a MongoDB deployment, and how to behave there.

    Times are in milliseconds where the name ends in ``_ms``.

    Attributes:
        uri: Connection string: ``mongodb://`` with one host or several, or ``mongodb+srv://``. Its password is masked
            wherever the configuration is shown, and in what ``model_dump`` gives, where it is a ``SecretStr``.
        database: Name of the database.
        max_pool_size: Most connections to each server; 1 or more.
        min_pool_size: Connections to each server that are kept open; as many as a smaller ``max_pool_size`` allows.
        server_selection_timeout_ms: How long to look for a server that can do what is asked; 1000 or more.
        connect_timeout_ms: How long opening a connection may take; 1000 or more.
        socket_timeout_ms: How long one answer may take; 1000 or more.
        retry_writes: Let the SDK repeat a write once after a network error. Writes are numbered, so none counts twice.
        retry_reads: Let the SDK repeat a read once after a network error.
        read_preference: Which members of a replica set are read from. Transactions, and reads on which a write
            depends, always use the primary.
        write_concern_w: How many members must have a write before it is acknowledged: a number, ``majority`` or the
            name of a set of tags. 0 does not wait for an answer at all.
        auth_source: The database that knows the user.
        client: The SDK: ``motor``, or ``pymongo`` for PyMongo's own ``AsyncMongoClient``, its successor.
        username: User, where the connection string names none.
        password: Its password.
        auth_mechanism: Such as ``SCRAM-SHA-256``, ``MONGODB-X509`` or ``MONGODB-AWS``; chosen by the server if missing.
        auth_mechanism_properties: Properties of the mechanism, by name.
        tls: Whether to use TLS.
        tls_ca_file: PEM file of the authorities that are trusted; the system's if missing.
        tls_certificate_key_file: PEM file with the client's certificate and key.
        tls_certificate_key_file_password: Password of that key.
        tls_crl_file: PEM file of revoked certificates.
        tls_allow_invalid_certificates: Accept any certificate. Only for tests.
        tls_allow_invalid_hostnames: Accept a certificate of another host. Only for tests.
        tls_disable_ocsp_endpoint_check: Do not ask the certificate's authority whether it has been revoked.
        compressors: How messages may be compressed, the favourite first.
        zlib_compression_level: -1 for zlib's own default, 0 for none, up to 9.
        app_name: What the server's log and profiler call this client; at most 128 bytes.
        replica_set: Name that the deployment must have.
        direct_connection: True to talk to the given host only, whatever set it belongs to.
        load_balanced: True behind a load balancer.
        srv_service_name: Name of the service in DNS, for ``mongodb+srv``.
        srv_max_hosts: Most hosts to use of those in DNS; 0 for all.
        read_preference_tags: Tag sets of the members to read from, the favourite first.
        max_staleness_seconds: How far a secondary may be behind; 90 or more, -1 for any.
        read_concern_level: What a read may see; the server's default if missing.
        write_concern_j: Whether a write must be in the journal before it is acknowledged.
        write_concern_timeout_ms: How long to wait for ``write_concern_w``; missing for ever.
        timeout_ms: How long one operation may take in all, retries included. A call's own time limit, and
            ``operation_timeout``, come before it.
        max_idle_time_ms: How long an unused connection is kept; missing for ever.
        max_connecting: How many connections may be opened at the same time.
        wait_queue_timeout_ms: How long an operation waits for a free connection.
        heartbeat_frequency_ms: How often servers are asked how they are; 500 or more.
        local_threshold_ms: How much farther than the nearest a server may be to be used.
        server_api: Version of the stable API to keep to; missing for none.
        server_api_strict: Refuse what is not in that version.
        server_api_deprecation_errors: Refuse what is deprecated in that version.
        feed_resume_seconds: How long a change feed tries to come back after its connection was lost.
    """

    uri: str = Field(default="mongodb://localhost:27017", min_length=1)
    database: str = Field(default="lexigram", min_length=1, max_length=63)
    max_pool_size: int = Field(default=100, ge=1)
    min_pool_size: int = Field(default=10, ge=0)
    server_selection_timeout_ms: int = Field(default=5000, ge=1000)
    connect_timeout_ms: int = Field(default=10_000, ge=1000)
    socket_timeout_ms: int = Field(default=30_000, ge=1000)
    retry_writes: bool = True
    retry_reads: bool = True
    read_preference: ReadPreferenceMode = "primaryPreferred"
    write_concern_w: Annotated[int, Field(ge=0)] | str = "majority"
    auth_source: str = "admin"

    client: Literal["motor", "pymongo"] = "motor"
    username: str | None = None
    password: SecretStr | None = None
    auth_mechanism: str | None = None
    auth_mechanism_properties: Annotated[dict[str, str], Secret()] = Field(default_factory=dict[str, str])
    tls: bool | None = None
    tls_ca_file: str | None = None
    tls_certificate_key_file: str | None = None
    tls_certificate_key_file_password: SecretStr | None = None
    tls_crl_file: str | None = None
    tls_allow_invalid_certificates: bool | None = None
    tls_allow_invalid_hostnames: bool | None = None
    tls_disable_ocsp_endpoint_check: bool | None = None
    compressors: list[Compressor] = Field(default_factory=list[Compressor])
    zlib_compression_level: int | None = Field(default=None, ge=-1, le=9)
    app_name: str | None = Field(default="lexigram", max_length=128)
    replica_set: str | None = None
    direct_connection: bool | None = None
    load_balanced: bool | None = None
    srv_service_name: str | None = None
    srv_max_hosts: int | None = Field(default=None, ge=0)
    read_preference_tags: list[dict[str, str]] = Field(default_factory=list[dict[str, str]])
    max_staleness_seconds: int | None = Field(default=None, ge=-1)
    read_concern_level: ReadConcernLevel | None = None
    write_concern_j: bool | None = None
    write_concern_timeout_ms: int | None = Field(default=None, ge=0)
    timeout_ms: int | None = Field(default=None, ge=1)
    max_idle_time_ms: int | None = Field(default=None, ge=0)
    max_connecting: int = Field(default=2, ge=1)
    wait_queue_timeout_ms: int = Field(default=10_000, ge=1)
    heartbeat_frequency_ms: int = Field(default=10_000, ge=500)
    local_threshold_ms: int = Field(default=15, ge=0)
    server_api: Literal["1"] | None = None
    server_api_strict: bool | None = None
    server_api_deprecation_errors: bool | None = None
    feed_resume_seconds: float = Field(default=60.0, ge=0)

    @field_validator("uri", mode="before")
    @classmethod
    def _opened_text(cls, given: Any) -> Any:
        return given.get_secret_value() if isinstance(given, SecretStr) else given

    @field_validator("auth_mechanism_properties", mode="before")
    @classmethod
    def _opened_texts(cls, given: Any) -> Any:
        return {name: cls._opened_text(value) for name, value in given.items()} if _is_mapping(given) else given

    @field_serializer("uri")
    def _dumped_text(self, uri: str, info: SerializationInfo) -> str | SecretStr:
        # As SecretStr has it: what is dumped shows no secret, and makes the same configuration again.
        return mask_url(uri) if info.mode_is_json() else SecretStr(uri)

    @field_serializer("auth_mechanism_properties")
    def _dumped_texts(self, named: dict[str, str], info: SerializationInfo) -> dict[str, Any]:
        return {name: MASK if info.mode_is_json() else SecretStr(value) for name, value in named.items()}

    @field_validator("uri")
    @classmethod
    def _is_mongodb(cls, uri: str) -> str:
        if not uri.startswith(("mongodb://", "mongodb+srv://")):
            raise ValueError("a connection string begins with mongodb:// or mongodb+srv://")
        return uri

    @field_validator("database")
    @classmethod
    def _is_database_name(cls, database: str) -> str:
        wrong = sorted(_FORBIDDEN_IN_NAMES.intersection(database))
        if wrong:
            raise ValueError(f"the name of a database cannot hold {wrong[0]!r}")
        return database

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        # The default gives way to a small pool; see client_options().
        if self.min_pool_size > self.max_pool_size and "min_pool_size" in self.model_fields_set:
            raise ValueError(f"min_pool_size is {self.min_pool_size}, more than max_pool_size, {self.max_pool_size}")
        if self.server_api is None and (self.server_api_strict or self.server_api_deprecation_errors):
            raise ValueError("server_api_strict and server_api_deprecation_errors need server_api")
        if self.password is not None and self.username is None and "@" not in self.uri:
            raise ValueError("password needs username")
        if self.write_concern_w == 0 and self.write_concern_j:
            raise ValueError("write_concern_w 0 waits for no answer, so write_concern_j cannot be true")
        return self
