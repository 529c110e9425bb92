"""Every setting reaches the client, of either SDK; nothing secret comes back out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from dns import rrset
from lexigram.contracts.exceptions.config import ConfigurationError
from lexigram.nosql.backend import BackendConfig
from lexigram.nosql.backends.mongodb import MongoDBConfig, MongoDBDocumentStore
from lexigram.nosql.backends.mongodb.client import open_client
from lexigram.nosql.config import NoSQLConfig
from lexigram.nosql.exceptions import NoSQLConnectionError
from pydantic import ValidationError
from pymongo import AsyncMongoClient
from pymongo.asynchronous import srv_resolver as asynchronous_resolver
from pymongo.synchronous import srv_resolver as synchronous_resolver

Kind = Literal["motor", "pymongo"]
CERTIFICATES = Path(__file__).parent / "certificates"
ON_TLS = {"tls": True, "tls_ca_file": str(CERTIFICATES / "ca.pem")}


@pytest.fixture(params=["motor", "pymongo"])
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    return chosen


def core_of(native: Any) -> Any:
    """PyMongo's client, which motor wraps."""
    return native if isinstance(native, AsyncMongoClient) else native.delegate


async def options_of(**settings: Any) -> Any:
    """The options of the real client that a configuration makes."""
    client = await asyncio.to_thread(open_client, MongoDBConfig(**settings))
    try:
        return core_of(client.native).options
    finally:
        await client.close()


Reader = Callable[[Any], Any]
CASES: list[tuple[str, Any, dict[str, Any], Reader, Any]] = [
    ("max_pool_size", 7, {}, lambda o: o.pool_options.max_pool_size, 7),
    ("min_pool_size", 3, {}, lambda o: o.pool_options.min_pool_size, 3),
    ("server_selection_timeout_ms", 1500, {}, lambda o: o.server_selection_timeout, 1.5),
    ("connect_timeout_ms", 1700, {}, lambda o: o.pool_options.connect_timeout, 1.7),
    ("socket_timeout_ms", 1900, {}, lambda o: o.pool_options.socket_timeout, 1.9),
    ("retry_writes", False, {}, lambda o: o.retry_writes, False),
    ("retry_reads", False, {}, lambda o: o.retry_reads, False),
    ("read_preference", "secondaryPreferred", {}, lambda o: o.read_preference.mongos_mode, "secondaryPreferred"),
    ("write_concern_w", 2, {}, lambda o: o.write_concern.document, {"w": 2}),
    (
        "auth_source",
        "users",
        {"username": "ada", "password": "x"},
        lambda o: o.pool_options._credentials.source,
        "users",
    ),
    ("username", "ada", {"password": "x"}, lambda o: o.pool_options._credentials.username, "ada"),
    ("password", "pa:ss", {"username": "ada"}, lambda o: o.pool_options._credentials.password, "pa:ss"),
    (
        "auth_mechanism",
        "SCRAM-SHA-256",
        {"username": "ada", "password": "x"},
        lambda o: o.pool_options._credentials.mechanism,
        "SCRAM-SHA-256",
    ),
    (
        "auth_mechanism_properties",
        {"AWS_SESSION_TOKEN": "token"},
        {"auth_mechanism": "MONGODB-AWS", "username": "ada", "password": "x"},
        lambda o: o.pool_options._credentials.mechanism_properties.aws_session_token,
        "token",
    ),
    ("tls", True, {}, lambda o: o.pool_options._ssl_context is not None, True),
    ("tls_ca_file", ON_TLS["tls_ca_file"], {"tls": True}, lambda o: authorities(o), ["Lexigram tests"]),
    (
        "tls_certificate_key_file",
        str(CERTIFICATES / "client.pem"),
        {**ON_TLS, "tls_certificate_key_file_password": "opensesame"},
        lambda o: o._options["tlscertificatekeyfile"],
        str(CERTIFICATES / "client.pem"),
    ),
    (
        "tls_certificate_key_file_password",
        "opensesame",
        {**ON_TLS, "tls_certificate_key_file": str(CERTIFICATES / "client.pem")},
        lambda o: o._options["tlscertificatekeyfilepassword"],
        "opensesame",
    ),
    (
        "tls_crl_file",
        str(CERTIFICATES / "crl.pem"),
        ON_TLS,
        lambda o: o.pool_options._ssl_context.cert_store_stats()["crl"],
        1,
    ),
    (
        "tls_allow_invalid_certificates",
        True,
        ON_TLS,
        lambda o: o.pool_options._ssl_context.verify_mode.name,
        "CERT_NONE",
    ),
    ("tls_allow_invalid_hostnames", True, ON_TLS, lambda o: o.pool_options.tls_allow_invalid_hostnames, True),
    (
        "tls_disable_ocsp_endpoint_check",
        True,
        ON_TLS,
        lambda o: o._options["tlsdisableocspendpointcheck"],
        True,
    ),
    ("compressors", ["zlib"], {}, lambda o: o.pool_options._compression_settings.compressors, ["zlib"]),
    (
        "zlib_compression_level",
        3,
        {"compressors": ["zlib"]},
        lambda o: o.pool_options._compression_settings.zlib_compression_level,
        3,
    ),
    ("app_name", "shop", {}, lambda o: o.pool_options.appname, "shop"),
    ("replica_set", "rs7", {}, lambda o: o.replica_set_name, "rs7"),
    ("direct_connection", True, {}, lambda o: o.direct_connection, True),
    ("load_balanced", True, {}, lambda o: o.load_balanced, True),
    (
        "read_preference_tags",
        [{"dc": "east"}, {}],
        {"read_preference": "nearest"},
        lambda o: o.read_preference.tag_sets,
        [{"dc": "east"}, {}],
    ),
    (
        "max_staleness_seconds",
        120,
        {"read_preference": "nearest"},
        lambda o: o.read_preference.max_staleness,
        120,
    ),
    ("read_concern_level", "majority", {}, lambda o: o.read_concern.level, "majority"),
    ("write_concern_j", True, {}, lambda o: o.write_concern.document, {"w": "majority", "j": True}),
    ("write_concern_timeout_ms", 250, {}, lambda o: o.write_concern.document, {"w": "majority", "wtimeout": 250}),
    ("timeout_ms", 4000, {}, lambda o: o.timeout, 4.0),
    ("max_idle_time_ms", 60_000, {}, lambda o: o.pool_options.max_idle_time_seconds, 60),
    ("max_connecting", 4, {}, lambda o: o.pool_options.max_connecting, 4),
    ("wait_queue_timeout_ms", 300, {}, lambda o: o.pool_options.wait_queue_timeout, 0.3),
    ("heartbeat_frequency_ms", 700, {}, lambda o: o.heartbeat_frequency, 0.7),
    ("local_threshold_ms", 5, {}, lambda o: o.local_threshold_ms, 5),
    ("server_api", "1", {}, lambda o: o.pool_options.server_api.version, "1"),
    ("server_api_strict", True, {"server_api": "1"}, lambda o: o.pool_options.server_api.strict, True),
    (
        "server_api_deprecation_errors",
        True,
        {"server_api": "1"},
        lambda o: o.pool_options.server_api.deprecation_errors,
        True,
    ),
]


def authorities(options: Any) -> list[str]:
    found = options.pool_options._ssl_context.get_ca_certs()
    return [value for entry in found for ((name, value),) in entry["subject"] if name == "commonName"]


@pytest.mark.parametrize(("setting", "value", "others", "read", "expected"), CASES, ids=[case[0] for case in CASES])
async def test_a_setting_reaches_the_client(
    setting: str, value: Any, others: dict[str, Any], read: Reader, expected: Any, kind: Kind
) -> None:
    """What the client itself says it was told."""
    options = await options_of(client=kind, **{setting: value}, **others)

    assert read(options) == expected


async def test_the_service_and_the_hosts_of_a_dns_record_reach_the_client(kind: Kind) -> None:
    """``mongodb+srv`` is looked up when the client is first used, so nothing is asked here."""
    config = MongoDBConfig(client=kind, uri="mongodb+srv://db.example.com", srv_service_name="docs", srv_max_hosts=2)
    client = await asyncio.to_thread(open_client, config)
    settings = core_of(client.native)._topology_settings

    assert (settings._srv_service_name, settings._srv_max_hosts) == ("docs", 2)
    await client.close()


async def test_a_dns_name_becomes_hosts_and_options(monkeypatch: pytest.MonkeyPatch, kind: Kind) -> None:
    """``mongodb+srv``: hosts from one record, ``authSource`` and ``replicaSet`` from another, TLS by itself."""

    def record(qname: str, kind: str) -> Any:
        if kind == "TXT":
            return rrset.from_text(qname, 60, "IN", "TXT", '"authSource=users&replicaSet=rs"')
        return rrset.from_text(qname, 60, "IN", "SRV", "0 0 1111 one.example.com.", "0 0 2222 two.example.com.")

    class Answer(list[Any]):
        def __init__(self, qname: str, kind: str) -> None:
            super().__init__(record(qname, kind))
            self.rrset = record(qname, kind)

    async def resolved(qname: str, kind: str, **_: Any) -> Answer:
        return Answer(qname, kind)

    monkeypatch.setattr(asynchronous_resolver, "_resolve", resolved)
    monkeypatch.setattr(synchronous_resolver, "_resolve", lambda qname, kind, **_: Answer(qname, kind))
    config = MongoDBConfig(client=kind, uri="mongodb+srv://ada:x@db.example.com", username="ada", password="x")
    client = await asyncio.to_thread(open_client, config)
    core = core_of(client.native)
    resolving = core._resolve_srv()
    if resolving is not None:
        await resolving

    assert core._topology_settings.seeds == {("one.example.com", 1111), ("two.example.com", 2222)}
    assert core.options.replica_set_name == "rs"
    assert core.options.pool_options._credentials.source == "users"
    assert core.options.pool_options._ssl_context is not None
    await client.close()


def test_no_setting_is_forgotten_here() -> None:
    """A new setting needs a case above, or a test of what it does."""
    elsewhere = {"uri", "database", "client", "srv_service_name", "srv_max_hosts", "feed_resume_seconds"}
    own = set(MongoDBConfig.model_fields) - set(BackendConfig.model_fields)

    assert own == {case[0] for case in CASES} | elsewhere


async def test_the_documented_defaults_reach_the_client(kind: Kind) -> None:
    """Also those that MongoDB would choose otherwise."""
    options = await options_of(client=kind)
    pool = options.pool_options

    assert (pool.max_pool_size, pool.min_pool_size) == (100, 10)
    assert (options.server_selection_timeout, pool.connect_timeout, pool.socket_timeout) == (5.0, 10.0, 30.0)
    assert (options.retry_writes, options.retry_reads) == (True, True)
    assert options.read_preference.mongos_mode == "primaryPreferred"
    assert options.write_concern.document == {"w": "majority"}
    assert pool.appname == "lexigram"


async def test_the_connection_string_comes_before_a_default(kind: Kind) -> None:
    """What somebody wrote is not overruled by what nobody wrote."""
    options = await options_of(
        client=kind, uri="mongodb://db/?w=1&readPreference=secondary&maxPoolSize=5&retryWrites=false&appName=shop"
    )

    assert options.write_concern.document == {"w": 1}
    assert options.read_preference.mongos_mode == "secondary"
    assert options.pool_options.max_pool_size == 5
    assert not options.retry_writes
    assert options.pool_options.appname == "shop"


async def test_a_setting_comes_before_the_connection_string(kind: Kind) -> None:
    """The section of the configuration is the more special place."""
    options = await options_of(client=kind, uri="mongodb://db/?w=1", write_concern_w=3)

    assert options.write_concern.document == {"w": 3}


@pytest.mark.parametrize(
    ("uri", "source"),
    [
        ("mongodb://ada:x@db", "admin"),
        ("mongodb://ada:x@db/shop", "shop"),
        ("mongodb://ada:x@db/shop?authSource=users", "users"),
        ("mongodb://ada@db/?authMechanism=MONGODB-X509&tls=true", "$external"),
    ],
)
async def test_users_are_looked_for_where_the_connection_string_says(uri: str, source: str, kind: Kind) -> None:
    """``admin`` only where neither a database nor an option nor the mechanism says otherwise."""
    options = await options_of(client=kind, uri=uri)

    assert options.pool_options._credentials.source == source


async def test_several_hosts_reach_the_client(kind: Kind) -> None:
    """All of them are asked which is the primary."""
    config = MongoDBConfig(client=kind, uri="mongodb://one:1111,two:2222/?replicaSet=rs")
    client = await asyncio.to_thread(open_client, config)

    assert core_of(client.native)._topology_settings.seeds == {("one", 1111), ("two", 2222)}
    await client.close()


async def test_a_small_pool_keeps_fewer_connections_open(kind: Kind) -> None:
    """The default of 10 gives way; ten that were asked for do not."""
    options = await options_of(client=kind, max_pool_size=2)

    assert options.pool_options.min_pool_size == 2
    with pytest.raises(ValidationError, match="min_pool_size is 5"):
        MongoDBConfig(max_pool_size=2, min_pool_size=5)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"uri": "postgres://db"}, "mongodb://"),
        ({"database": "a/b"}, "cannot hold '/'"),
        ({"max_pool_size": 0}, "greater than or equal to 1"),
        ({"server_selection_timeout_ms": 999}, "1000"),
        ({"connect_timeout_ms": 999}, "1000"),
        ({"socket_timeout_ms": 999}, "1000"),
        ({"read_preference": "fastest"}, "primaryPreferred"),
        ({"server_api_strict": True}, "need server_api"),
        ({"password": "x"}, "password needs username"),
        ({"write_concern_w": 0, "write_concern_j": True}, "waits for no answer"),
        ({"compressors": ["rar"]}, "zstd"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else None,
)
def test_a_wrong_setting_is_refused_before_anything_is_opened(settings: dict[str, Any], message: str) -> None:
    """With what is wrong about it."""
    with pytest.raises(ValidationError, match=message):
        MongoDBConfig(**settings)


def test_an_unknown_setting_is_refused_with_the_one_that_was_meant() -> None:
    """As everywhere in the configuration."""
    with pytest.raises(ConfigurationError, match="max_pool_size"):
        MongoDBConfig.from_dict({"max_poolsize": 5})


def test_the_section_is_found_by_the_driver_s_name() -> None:
    """``driver: mongodb`` with a ``mongodb:`` section."""
    spec, config = NoSQLConfig.from_dict({"driver": "mongodb", "mongodb": {"database": "shop"}}).backend()

    assert spec.name == "mongodb"
    assert isinstance(config, MongoDBConfig)
    assert config.database == "shop"


def test_no_text_form_shows_a_secret() -> None:
    """Of the configuration and of a store."""
    config = MongoDBConfig(
        uri="mongodb://ada:open%20sesame@db/shop",
        password="other",
        username="ada",
        tls_certificate_key_file_password="third",
        auth_mechanism_properties={"AWS_SESSION_TOKEN": "fourth"},
    )
    shown = f"{config!r} {config} {config.to_dict()} {MongoDBDocumentStore(config)!r}"

    for secret in ("sesame", "other", "third", "fourth"):
        assert secret not in shown
    assert "db/shop" in shown


@pytest.mark.parametrize(
    "uri",
    [
        "mongodb://ada:open@sesame@db",
        "mongodb://ada:open/sesame@db",
        "mongodb://ada:open:sesame@db",
        "mongodb://ada:opensesame@db:port",
    ],
)
async def test_a_wrong_connection_string_is_told_without_its_password(
    uri: str, kind: Kind, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither in the error nor in what caused it nor in the log."""
    store = MongoDBDocumentStore(MongoDBConfig(uri=uri, client=kind))

    with caplog.at_level(logging.DEBUG), pytest.raises(NoSQLConnectionError) as caught:
        await store.connect()

    told: list[BaseException] = [caught.value]
    while (
        cause := told[-1].__cause__ or (None if told[-1].__suppress_context__ else told[-1].__context__)
    ) is not None:
        told.append(cause)
    text = " ".join(f"{error} {error!r} {vars(error)}" for error in told) + caplog.text
    assert "sesame" not in text
    assert not caught.value.retryable
