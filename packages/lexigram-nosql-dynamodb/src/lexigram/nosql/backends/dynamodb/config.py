"""The ``dynamodb:`` section of the configuration.

Names and defaults of the first six settings are those that Lexigram documents. Credentials that are not given come from
where the SDK looks for them: environment, shared files and profiles, web identity, containers, instances (boto3 guide,
"Credentials"). Settings of the SDK that are not set stay the SDK's own, which may come from its configuration files.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import urlsplit

from lexigram.config.secrets import Secret
from lexigram.nosql.backend import BackendConfig
from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

__all__ = ["BillingMode", "DynamoDBConfig", "ExistingTable", "Layout", "RetryMode", "TableCreation"]

Layout = Literal["table-per-collection", "single-table"]
BillingMode = Literal["PAY_PER_REQUEST", "PROVISIONED"]
TableCreation = Literal["create", "require"]
IdempotentWrites = Literal["recent", "transaction"]
RetryMode = Literal["standard", "adaptive", "legacy"]

_TABLE_NAME = re.compile(r"[A-Za-z0-9_.-]{3,255}")
_RESERVED = "_lx"


class ExistingTable(BaseModel):
    """A table of somebody else's that a collection stands for. Its key schema is asked of the service.

    Attributes:
        table: Its name, or its ARN in another account.
        id_attributes: Which key attributes hold the ``_id``, partition key first. One is the ``_id`` itself; two make
            it a document, ``{"<partition>": …, "<sort>": …}``. Missing: all that the table's key has.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: str = Field(min_length=1)
    id_attributes: tuple[str, ...] = Field(default=(), max_length=2)


class DynamoDBConfig(BackendConfig):
    """How to reach DynamoDB, and how to lay documents out there.

    Times are in seconds.

    Attributes:
        table_name: With ``layout: table-per-collection``, what the tables' names begin with. With ``layout:
            single-table``, the name of the table.
        region: The AWS region.
        access_key: Access key; the SDK's own chain of credentials if missing.
        secret_key: Its secret.
        endpoint_url: Another endpoint than AWS's own, such as DynamoDB Local's.
        pk_field: The attribute that holds the ``_id`` in tables that are made here.
        session_token: Token of temporary credentials.
        profile: Profile of the shared configuration files.
        layout: ``table-per-collection``, or ``single-table`` for all collections in one table.
        table_creation: ``create`` makes tables when they are first written to; ``require`` refuses to.
        billing_mode: How tables that are made here are paid for.
        read_capacity_units: Reads a second of a table or index, for ``PROVISIONED``.
        write_capacity_units: Writes a second of a table or index, for ``PROVISIONED``.
        existing_tables: Tables of somebody else's, by the collection that stands for them.
        consistent_reads: Read what was written last, at twice the cost, where the service can: not in global indexes.
        scan_segments: In how many parts a whole table is read at the same time.
        table_wait_seconds: How long to wait for a table or an index to become ready.
        schema_lease_seconds: For how long a process may go by the indexes that it knows before it asks again. Who
            declares an index waits for as long, so that by then every writer keeps it.
        batch_attempts: How often what a batch left unprocessed is sent again.
        batch_concurrency: How many requests of one batch, or segments of one scan, are under way at the same time.
        max_transaction_items: Most items of one transaction; inserts of many documents go by transactions as well. Less
            than the service's own 100 is of use only with servers that stand in for it.
        idempotent_writes: How a write of one document that the SDK repeats, because no answer came, counts once. With
            ``recent``, by the latest six revisions, which items keep: where more than that were written meanwhile, its
            outcome is told as unknown. With ``transaction``, by a token that the service keeps for ten minutes, at
            twice the write units; updates and deletions that return a document, or may leave it as it is, then read
            it first.
        feed_poll_seconds: How long a change feed waits before it reads a shard again that had nothing new.
        retry_mode: How the SDK repeats requests; the SDK's own default if missing.
        max_attempts: How often the SDK tries a request in all; the SDK's own default if missing.
        connect_timeout: How long opening a connection may take.
        read_timeout: How long the service may be silent in an answer.
        max_pool_connections: Most connections to the service.
        keepalive_timeout: How long an unused connection is kept.
        verify_tls: False accepts any certificate. Only for tests.
        ca_bundle: PEM file of the authorities that are trusted; the SDK's own if missing.
        client_certificate: PEM file with a certificate and key, for gateways that ask for one.
        proxies: URLs of proxies by scheme.
        use_dualstack_endpoint: Use endpoints that speak IPv6 too.
        use_fips_endpoint: Use endpoints with FIPS 140 cryptography.
        account_id_endpoint_mode: Whether requests go to the account's own endpoint.
        app_name: What the user agent calls this application.
        empty_values: ``native``; or ``marked`` for servers that refuse empty text and bytes, as DynamoDB Local did
            before May 2020: they are sent and stored as a mark.
    """

    connection_settings: ClassVar[Mapping[str, str | None]] = {"url": "endpoint_url", "database_name": "table_name"}

    table_name: str = "lexigram"
    region: str = Field(default="us-east-1", min_length=1)
    access_key: SecretStr | None = None
    secret_key: SecretStr | None = None
    endpoint_url: str | None = None
    pk_field: str = Field(default="_id", min_length=1, max_length=255)

    session_token: SecretStr | None = None
    profile: str | None = None
    layout: Layout = "table-per-collection"
    table_creation: TableCreation = "create"
    billing_mode: BillingMode = "PAY_PER_REQUEST"
    read_capacity_units: int = Field(default=5, ge=1)
    write_capacity_units: int = Field(default=5, ge=1)
    existing_tables: dict[str, ExistingTable] = Field(default_factory=dict[str, ExistingTable])
    consistent_reads: bool = False
    scan_segments: int = Field(default=4, ge=1, le=1_000_000)
    table_wait_seconds: float = Field(default=300.0, gt=0)
    schema_lease_seconds: float = Field(default=10.0, ge=0)
    batch_attempts: int = Field(default=10, ge=1)
    batch_concurrency: int = Field(default=4, ge=1)
    max_transaction_items: int = Field(default=100, ge=1, le=100)
    idempotent_writes: IdempotentWrites = "recent"
    feed_poll_seconds: float = Field(default=0.5, gt=0)
    retry_mode: RetryMode | None = None
    max_attempts: int | None = Field(default=None, ge=1)
    connect_timeout: float = Field(default=10.0, gt=0)
    read_timeout: float = Field(default=30.0, gt=0)
    max_pool_connections: int = Field(default=50, ge=1)
    keepalive_timeout: float = Field(default=12.0, gt=0)
    verify_tls: bool = True
    ca_bundle: str | None = None
    client_certificate: str | None = None
    proxies: Annotated[dict[str, str], Secret()] = Field(default_factory=dict[str, str])
    use_dualstack_endpoint: bool = False
    use_fips_endpoint: bool = False
    account_id_endpoint_mode: Literal["preferred", "required", "disabled"] | None = None
    app_name: str | None = Field(default=None, pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,50}$")
    empty_values: Literal["native", "marked"] = "native"

    @field_validator("endpoint_url")
    @classmethod
    def _is_url(cls, url: str | None) -> str | None:
        if url is not None:
            parts = urlsplit(url)
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise ValueError("an endpoint begins with http:// or https:// and a host")
            if parts.username or parts.password:
                raise ValueError("an endpoint holds no credentials: use access_key and secret_key")
        return url

    @field_validator("table_name")
    @classmethod
    def _is_table_name(cls, name: str) -> str:
        if not _TABLE_NAME.fullmatch(name):
            raise ValueError("a table's name has 3 to 255 of A-Z, a-z, 0-9, '_', '-' and '.'")
        return name

    @field_validator("pk_field")
    @classmethod
    def _is_not_ours(cls, name: str) -> str:
        if name.startswith((_RESERVED, "$")):
            raise ValueError("names that begin with '_lx' or '$' are kept for what the backend adds to items")
        return name

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if (self.access_key is None) != (self.secret_key is None):
            raise ValueError("access_key and secret_key go together")
        if self.session_token is not None and self.access_key is None:
            raise ValueError("session_token needs access_key and secret_key")
        if self.profile is not None and self.access_key is not None:
            raise ValueError("give either a profile or an access_key, not both")
        if not self.verify_tls and self.ca_bundle is not None:
            raise ValueError("ca_bundle has no use with verify_tls: false")
        return self
