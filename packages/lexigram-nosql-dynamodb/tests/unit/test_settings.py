"""Every setting reaches the SDK's client; nothing secret comes back out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lexigram.nosql.backends.dynamodb import DynamoDBConfig, DynamoDBDocumentStore
from lexigram.nosql.backends.dynamodb.client import DynamoClient
from lexigram.nosql.backends.dynamodb.wire.direct import Direct
from lexigram.nosql.config import NoSQLConfig
from pydantic import ValidationError

KEYS = {"access_key": "AKIA-VISIBLE", "secret_key": "hush-secret", "session_token": "hush-token"}
OF_OURS = frozenset(
    {
        "batch_attempts",
        "batch_concurrency",
        "billing_mode",
        "consistent_reads",
        "empty_values",
        "existing_tables",
        "feed_poll_seconds",
        "idempotent_writes",
        "layout",
        "max_transaction_items",
        "memory_limit_bytes",
        "operation_timeout",
        "page_token_secret",
        "pk_field",
        "read_capacity_units",
        "scan_policy",
        "scan_segments",
        "schema_lease_seconds",
        "table_creation",
        "table_name",
        "table_wait_seconds",
        "write_attempts",
        "write_capacity_units",
    }
)
"""Settings of the backend itself, which the tests of what they do look after."""


@pytest.fixture(autouse=True)
def _nothing_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_REGION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


async def read(settings: dict[str, Any], look: Callable[[Any], Any]) -> Any:
    """What a real client has of a configuration."""
    client = DynamoClient(DynamoDBConfig(**{**KEYS, **settings}))
    await client.open()
    try:
        return look(client.native)
    finally:
        await client.close()


def _connections(native: Any) -> Any:
    return native._endpoint.http_session


CASES: list[tuple[str, Any, dict[str, Any], Callable[[Any], Any], Any]] = [
    ("region", "eu-west-3", {}, lambda c: (c.meta.region_name, c._request_signer.region_name), ("eu-west-3",) * 2),
    ("endpoint_url", "http://localhost:8000", {}, lambda c: c.meta.endpoint_url, "http://localhost:8000"),
    ("access_key", "AK", {}, lambda c: c._request_signer._credentials.access_key, "AK"),
    ("secret_key", "SK", {}, lambda c: c._request_signer._credentials.secret_key, "SK"),
    ("session_token", "ST", {}, lambda c: c._request_signer._credentials.token, "ST"),
    ("retry_mode", "standard", {}, lambda c: c.meta.config.retries["mode"], "standard"),
    ("max_attempts", 7, {}, lambda c: c.meta.config.retries["total_max_attempts"], 7),
    ("connect_timeout", 1.5, {}, lambda c: _connections(c)._timeout.sock_connect, 1.5),
    ("read_timeout", 2.5, {}, lambda c: _connections(c)._timeout.sock_read, 2.5),
    ("max_pool_connections", 3, {}, lambda c: _connections(c)._max_pool_connections, 3),
    ("keepalive_timeout", 4.0, {}, lambda c: _connections(c)._connector_args["keepalive_timeout"], 4.0),
    ("verify_tls", False, {}, lambda c: _connections(c)._verify, False),
    ("ca_bundle", "/etc/ssl/own.pem", {}, lambda c: _connections(c)._verify, "/etc/ssl/own.pem"),
    ("client_certificate", "/own.pem", {}, lambda c: _connections(c)._cert_file, "/own.pem"),
    (
        "proxies",
        {"https": "http://proxy:3128"},
        {},
        lambda c: _connections(c)._proxy_config.proxy_url_for("https://dynamodb.us-east-1.amazonaws.com"),
        "http://proxy:3128",
    ),
    ("use_dualstack_endpoint", True, {}, lambda c: c.meta.config.use_dualstack_endpoint, True),
    ("use_fips_endpoint", True, {}, lambda c: c.meta.config.use_fips_endpoint, True),
    ("account_id_endpoint_mode", "disabled", {}, lambda c: c.meta.config.account_id_endpoint_mode, "disabled"),
    ("app_name", "shop", {}, lambda c: "app/shop" in c._user_agent_creator.to_string(), True),
]


@pytest.mark.parametrize(("name", "value", "others", "look", "expected"), CASES, ids=[case[0] for case in CASES])
async def test_a_setting_reaches_the_client(
    name: str, value: Any, others: dict[str, Any], look: Callable[[Any], Any], expected: Any
) -> None:
    assert await read({name: value, **others}, look) == expected


def test_every_setting_is_looked_after() -> None:
    assert {case[0] for case in CASES} | OF_OURS | {"profile"} == set(DynamoDBConfig.model_fields)


@pytest.fixture
def profile(tmp_path: Path) -> str:
    (tmp_path / "config").write_text("[profile shop]\nmax_attempts = 4\nretry_mode = standard\n", encoding="utf-8")
    keys = "[shop]\naws_access_key_id = PK\naws_secret_access_key = PS\n"
    (tmp_path / "credentials").write_text(keys, encoding="utf-8")
    return "shop"


async def test_a_profile_gives_credentials_and_retries(profile: str) -> None:
    client = DynamoClient(DynamoDBConfig(profile=profile))
    await client.open()
    try:
        assert client.native._request_signer._credentials.access_key == "PK"
        assert client.native.meta.config.retries["total_max_attempts"] == 4
    finally:
        await client.close()


async def test_credentials_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "EK")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "ES")
    client = DynamoClient(DynamoDBConfig())
    await client.open()
    try:
        assert client.native._request_signer._credentials.access_key == "EK"
    finally:
        await client.close()


@pytest.mark.parametrize(
    ("settings", "place"),
    [
        ({}, "https://dynamodb.us-east-1.amazonaws.com/"),
        ({"region": "cn-north-1"}, "https://dynamodb.cn-north-1.amazonaws.com.cn/"),
        ({"use_fips_endpoint": True}, "https://dynamodb-fips.us-east-1.amazonaws.com/"),
        ({"use_dualstack_endpoint": True}, "https://dynamodb.us-east-1.api.aws/"),
        ({"endpoint_url": "http://[::1]:8000"}, "http://[::1]:8000/"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_requests_go_where_the_sdk_says(settings: dict[str, Any], place: str) -> None:
    async def find(native: Any) -> str:
        credentials = await native._request_signer._credentials.get_frozen_credentials()
        direct = Direct(native, None)  # type: ignore[arg-type] # no body is written here
        return (await direct._find_place(credentials)).connections._text

    client = DynamoClient(DynamoDBConfig(**KEYS, **settings))
    await client.open()
    try:
        assert await find(client.native) == place
    finally:
        await client.close()


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"access_key": "a"}, "go together"),
        ({"secret_key": "a"}, "go together"),
        ({"session_token": "a"}, "session_token needs"),
        ({"profile": "a", "access_key": "b", "secret_key": "c"}, "either a profile or"),
        ({"endpoint_url": "localhost:8000"}, "http://"),
        ({"endpoint_url": "http://user:hush-secret@localhost"}, "no credentials"),
        ({"table_name": "a"}, "3 to 255"),
        ({"table_name": "a b c"}, "3 to 255"),
        ({"pk_field": "_lxid"}, "are kept"),
        ({"verify_tls": False, "ca_bundle": "x"}, "no use"),
        ({"app_name": "two words"}, "app_name"),
        ({"scan_segments": 0}, "scan_segments"),
        ({"layout": "both"}, "layout"),
        ({"unheard_of": 1}, "unheard_of"),
    ],
    ids=str,
)
def test_settings_that_make_no_sense_are_refused(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises((ValidationError, ValueError), match=complaint) as caught:
        DynamoDBConfig(**settings)
    assert "hush-secret" not in str(caught.value)


async def test_nothing_shows_a_secret(caplog: pytest.LogCaptureFixture) -> None:
    config = DynamoDBConfig(**KEYS, proxies={"https": "http://me:hush-proxy@proxy:3128"})
    with caplog.at_level(logging.INFO):
        client = DynamoClient(config)
        await client.open()
        shown = [repr(config), str(config), repr(client), repr(DynamoDBDocumentStore(config))]
        await client.close()
    for text in [*shown, *caplog.messages]:
        assert "hush-" not in text


def test_a_section_of_the_configuration_is_read() -> None:
    config = NoSQLConfig.from_dict(
        {"driver": "dynamodb", "dynamodb": {"region": "eu-central-1", "table_name": "shop", "scan_segments": 2}}
    )
    spec, section = config.backend()
    assert spec.name == "dynamodb"
    assert isinstance(section, DynamoDBConfig)
    assert (section.region, section.table_name, section.scan_segments) == ("eu-central-1", "shop", 2)
