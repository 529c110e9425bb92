"""Every setting reaches the client, and nothing secret comes back out."""

from __future__ import annotations

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import google.auth
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth.credentials import AnonymousCredentials
from grpc import StatusCode, aio
from lexigram.contracts.exceptions.config import ConfigurationError
from lexigram.nosql.backends.firestore import FirestoreBackend, FirestoreConfig, FirestoreDocumentStore
from lexigram.nosql.backends.firestore.client import Client, open_channel
from lexigram.nosql.backends.firestore.credentials import load_credentials, make_sdk_client
from lexigram.nosql.backends.firestore.driver import FirestoreDriver
from lexigram.nosql.config import NoSQLConfig
from lexigram.nosql.exceptions import (
    AuthenticationFailedError,
    DocumentValidationError,
    NoSQLConnectionError,
    NoSQLTimeoutError,
    ThrottledError,
)
from pydantic import ValidationError


@pytest.fixture(scope="module")
def account() -> dict[str, str]:
    """A service account with a key of its own."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return {
        "type": "service_account",
        "project_id": "shop",
        "private_key_id": "k1",
        "private_key": key.decode(),
        "client_email": "ada@shop.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": "https://oauth2.googleapis.com/token",
    }


def config(service: Any, **settings: Any) -> FirestoreConfig:
    given = {"project_id": "shop", "emulator_host": service.place, "retry_initial_ms": 1, "retry_max_ms": 2}
    return FirestoreConfig(**{**given, **settings})


def test_the_documented_settings_have_their_names_and_defaults() -> None:
    made = FirestoreConfig(project_id="shop")
    assert (made.project_id, made.credentials_json, made.database_id) == ("shop", None, "(default)")


# --- credentials


def test_credentials_are_a_path_a_text_or_a_mapping(account: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "key.json"
    file.write_text(json.dumps(account))
    for given in (str(file), json.dumps(account), account):
        loaded = load_credentials(FirestoreConfig(project_id="shop", credentials_json=given))  # type: ignore[arg-type]  # a validator takes mappings
        assert loaded.service_account_email == account["client_email"]
        assert loaded.requires_scopes is False


def test_without_credentials_the_environments_own_are_used(
    account: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "key.json"
    file.write_text(json.dumps(account))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(file))
    monkeypatch.delenv("FIRESTORE_EMULATOR_HOST", raising=False)
    loaded = load_credentials(FirestoreConfig(project_id="shop", quota_project_id="payer"))
    assert loaded.service_account_email == account["client_email"]
    assert loaded.quota_project_id == "payer"
    for empty in ("", "  "):
        assert FirestoreConfig(project_id="shop", credentials_json=empty).credentials_json is None  # type: ignore[arg-type]  # as from an empty variable


def test_the_emulator_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(google.auth, "default", pytest.fail)
    assert isinstance(load_credentials(FirestoreConfig(project_id="a", emulator_host="h:1")), AnonymousCredentials)
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", "h:1")
    assert isinstance(load_credentials(FirestoreConfig(project_id="a")), AnonymousCredentials)


BROKEN = [
    "{",
    "[1]",
    '{"type": "service_account"}',
    '{"type": "service_account", "private_key": "top-secret"}',
    "/none",
]


@pytest.mark.parametrize("given", BROKEN)
def test_credentials_that_cannot_be_used_say_so_and_show_nothing(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FIRESTORE_EMULATOR_HOST", raising=False)
    store = FirestoreDocumentStore(FirestoreConfig(project_id="shop", credentials_json=given))  # type: ignore[arg-type]  # as above
    with pytest.raises(NoSQLConnectionError) as caught:
        asyncio.run(store.connect())
    assert isinstance(caught.value, AuthenticationFailedError)
    shown = f"{caught.value!r} {caught.value} {caught.value.__cause__!r} {caught.value.hint}"
    assert "top-secret" not in shown


def test_credentials_are_masked_everywhere(account: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    made = FirestoreConfig(project_id="shop", credentials_json=account)  # type: ignore[arg-type]  # as above
    store = FirestoreDocumentStore(made)
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("lexigram").info("%s %r %r", made, made, store)
    for shown in (repr(made), str(made), str(made.model_dump()), repr(store), caplog.text, made.model_dump_json()):
        assert "PRIVATE KEY" not in shown
        assert account["private_key"][60:90] not in shown
        assert "ada@shop" not in shown


# --- where


async def test_database_and_project_are_in_every_request(service: Any) -> None:
    async with FirestoreDocumentStore(config(service, database_id="eu")) as store:
        things = store.collection("things")
        await things.insert_one({"_id": "a"})
        await things.find_one({"_id": "a"})
        await things.find({"n": 1}).to_list()
    assert {method for method, _, _, _ in service.calls} == {"ListDocuments", "Commit", "GetDocument", "RunQuery"}
    for _, request, metadata, _ in service.calls:
        assert "projects/shop/databases/eu" in str(request)
        assert metadata["google-cloud-resource-prefix"] == "projects/shop/databases/eu"
        assert metadata["x-goog-request-params"] == "project_id=shop&database_id=eu"
        assert metadata["authorization"] == "Bearer owner"


async def test_the_emulator_may_be_named_by_the_environment(service: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", service.place)
    async with FirestoreBackend(config=FirestoreConfig(project_id="shop")) as store:
        assert (await store.health_check()).details["emulator"] == service.place
    assert service.calls


class _Opened(Exception):
    pass


async def test_endpoint_credentials_and_channel_options_reach_the_channel(
    account: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FIRESTORE_EMULATOR_HOST", raising=False)
    given: dict[str, Any] = {}

    def secure_channel(target: str, credentials: Any, *args: Any, **kwargs: Any) -> Any:
        given.update(target=target, credentials=credentials, options=dict(kwargs["options"]))
        raise _Opened

    monkeypatch.setattr(aio, "secure_channel", secure_channel)
    made = FirestoreConfig(
        project_id="shop",
        credentials_json=account,  # type: ignore[arg-type]  # as above
        endpoint="eur3-firestore.googleapis.com",
        keepalive_ms=12_000,
        retry_max_ms=7_000,
    )
    loaded = await asyncio.to_thread(load_credentials, made)
    with pytest.raises(_Opened):
        open_channel(made, loaded)
    assert given["target"] == "eur3-firestore.googleapis.com:443"
    assert given["credentials"] is not None
    assert given["options"]["grpc.keepalive_time_ms"] == 12_000
    assert given["options"]["grpc.max_reconnect_backoff_ms"] == 7_000
    with pytest.raises(_Opened):
        open_channel(made.model_copy(update={"endpoint": None, "keepalive_ms": None}), loaded)
    assert given["target"] == "firestore.googleapis.com:443"
    assert "grpc.keepalive_time_ms" not in given["options"]


async def test_the_sdks_own_client_has_the_same_address(account: dict[str, str]) -> None:
    made = FirestoreConfig(
        project_id="shop",
        database_id="eu",
        endpoint="e:1",
        quota_project_id="payer",
        credentials_json=account,  # type: ignore[arg-type]  # as above
    )
    client = make_sdk_client(made, await asyncio.to_thread(load_credentials, made))
    assert (client.project, client._database, client._target) == ("shop", "eu", "e:1")
    assert client._client_options.quota_project_id == "payer"
    on_emulator = FirestoreConfig(project_id="shop", emulator_host="h:1")
    assert make_sdk_client(on_emulator, await asyncio.to_thread(load_credentials, on_emulator))._target == "h:1"


async def test_the_native_client_is_closed_with_the_store(service: Any) -> None:
    async with FirestoreDocumentStore(config(service)) as store:
        native = store.native
        assert native is store.native
        assert native.project == "shop"
        await native.collection("things").document("a").set({"n": 1})
        channel = native._firestore_api.transport.grpc_channel
    with pytest.raises(aio.UsageError):
        await channel.unary_unary("/x")(b"")


# --- time and repetition


async def test_time_limits_are_those_of_requests(service: Any) -> None:
    async with FirestoreDocumentStore(config(service, timeout_ms=9_000, query_timeout_ms=90_000)) as store:
        things = store.collection("things")
        await things.find_one({"_id": "a"})
        await things.find({"n": 1}).to_list()
        await things.find_one({"_id": "a"}, timeout=3)
    limits = [(method, left) for method, _, _, left in service.calls][-3:]
    assert [method for method, _ in limits] == ["GetDocument", "RunQuery", "GetDocument"]
    assert 8 < limits[0][1] <= 9.1
    assert 80 < limits[1][1] <= 90.1
    assert 2 < limits[2][1] <= 3.3


async def test_a_request_that_takes_too_long_ends(service: Any) -> None:
    async with FirestoreDocumentStore(config(service, timeout_ms=100)) as store:
        service.hold.add("GetDocument")
        with pytest.raises(NoSQLTimeoutError):
            await store.collection("things").find_one({"_id": "a"})


async def test_connecting_takes_no_longer_than_it_may(service: Any) -> None:
    service.hold.add("ListDocuments")
    with pytest.raises(NoSQLTimeoutError):
        await FirestoreDocumentStore(config(service, connect_timeout_ms=100)).connect()
    assert service.calls[0][3] <= 0.5


@pytest.mark.parametrize("code", [StatusCode.UNAVAILABLE, StatusCode.RESOURCE_EXHAUSTED, StatusCode.INTERNAL])
async def test_reads_are_repeated_as_often_as_said(service: Any, code: StatusCode) -> None:
    async with FirestoreDocumentStore(config(service, retry_attempts=3)) as store:
        service.calls.clear()
        things = store.collection("things")
        for method, read in {
            "GetDocument": lambda: things.find_one({"_id": "a"}),
            "RunQuery": lambda: things.find({"n": 1}).to_list(),
            "BatchGetDocuments": lambda: things.find({"_id": {"$in": ["a", "b"]}}).to_list(),
        }.items():
            service.faults[method] = [code] * 2
            await read()
            assert len(service.sent(method)) == 3
            service.faults[method] = [code] * 9
            with pytest.raises((NoSQLConnectionError, ThrottledError)):
                await read()
            service.faults.clear()


async def test_one_attempt_is_one_request(service: Any) -> None:
    async with FirestoreDocumentStore(config(service, retry_attempts=1)) as store:
        service.faults["GetDocument"] = [StatusCode.UNAVAILABLE]
        with pytest.raises(NoSQLConnectionError):
            await store.collection("things").find_one({"_id": "a"})
    assert len(service.sent("GetDocument")) == 1


async def test_what_cannot_succeed_is_not_repeated(service: Any) -> None:
    async with FirestoreDocumentStore(config(service)) as store:
        service.faults["GetDocument"] = [StatusCode.PERMISSION_DENIED] * 2
        with pytest.raises(AuthenticationFailedError):
            await store.collection("things").find_one({"_id": "a"})
    assert len(service.sent("GetDocument")) == 1


async def test_waits_grow_up_to_the_longest(service: Any) -> None:
    waits = {"retry_initial_ms": 40, "retry_max_ms": 60, "retry_multiplier": 10.0, "retry_attempts": 4}
    async with FirestoreDocumentStore(config(service, **waits)) as store:
        service.faults["GetDocument"] = [StatusCode.UNAVAILABLE] * 3
        loop = asyncio.get_running_loop()
        start = loop.time()
        await store.collection("things").find_one({"_id": "a"})
        # Each wait is a random part of the second half: 20 to 40 ms, then 30 to 60 ms.
        assert loop.time() - start >= 0.02 + 2 * 0.02


async def test_commits_that_contend_are_repeated_as_often_as_said(service: Any) -> None:
    async with FirestoreDocumentStore(config(service, commit_attempts=3)) as store:
        things = store.collection("things")
        service.faults["Commit"] = [StatusCode.ABORTED] * 2
        await things.insert_one({"_id": "a"})
        assert len(service.sent("Commit")) == 3
        service.faults["Commit"] = [StatusCode.ABORTED] * 9
        outcome = await things.attempt.insert_one({"_id": "b"})
        assert outcome.is_err()
    assert len(service.sent("Commit")) == 6


async def test_batches_are_cut_at_the_most_writes(service: Any) -> None:
    async with FirestoreDocumentStore(config(service, max_writes=4)) as store:
        await store.collection("things").insert_many([{"_id": str(number)} for number in range(10)])
    assert [len(request.writes) for request in service.sent("Commit")] == [4, 4, 2]


async def test_what_is_known_of_indexes_is_refreshed_before_writes(service: Any) -> None:
    for refresh, asked in ((0, 4), (3_600_000, 1)):
        service.calls.clear()
        async with FirestoreDocumentStore(config(service, index_refresh_ms=refresh)) as store:
            for number in range(3):
                await store.collection("things").insert_one({"_id": str(number)})
        assert len(service.sent("ListDocuments")) == asked


async def test_field_hints_are_kept_by_writes(service: Any) -> None:
    hints = {"things": {"n": "required int"}}
    async with FirestoreDocumentStore(config(service, fields=hints)) as store:
        with pytest.raises(DocumentValidationError, match="required int"):
            await store.collection("things").insert_one({"n": "one"})
        await store.collection("others").insert_one({"n": "one"})
    assert len(service.sent("Commit")) == 1


# --- what is refused, and where settings come from


@pytest.mark.parametrize(
    "settings",
    [
        {"project_id": ""},
        {"project_id": "a/b"},
        {"project_id": " a"},
        {"emulator_host": "http://h:1"},
        {"endpoint": "e:1", "emulator_host": "h:1"},
        {"database_id": ""},
        {"timeout_ms": 0},
        {"retry_attempts": 0},
        {"retry_initial_ms": 9_000},
        {"max_writes": 501},
        {"fields": {"things": {"n": "number or something"}}},
        {"unknown": 1},
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises((ValidationError, ConfigurationError, ValueError)):
        FirestoreConfig(**{"project_id": "shop", **settings})


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("shop", ("shop", "(default)", None)),
        ("firestore://shop", ("shop", "(default)", None)),
        ("firestore://shop/eu", ("shop", "eu", None)),
        ("firestore://h:8080/shop?emulator=true", ("shop", "(default)", "h:8080")),
        ("firestore://h:8080/shop/eu?emulator=true", ("shop", "eu", "h:8080")),
    ],
)
def test_a_url_names_project_database_and_emulator(url: str, expected: tuple[str, str, str | None]) -> None:
    made = FirestoreConfig.from_connection(url)
    assert (made.project_id, made.database_id, made.emulator_host) == expected


@pytest.mark.parametrize("url", ["mongodb://shop", "firestore://", "firestore://u:pw@shop", "firestore://a/b/c"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        FirestoreConfig.from_connection(url)
    assert "pw" not in str(caught.value)


def test_a_database_is_named_once() -> None:
    assert FirestoreConfig.from_connection("shop", "eu").database_id == "eu"
    with pytest.raises(ConfigurationError):
        FirestoreConfig.from_connection("firestore://shop/eu", "us")


def test_the_section_of_the_configuration_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    section = {"driver": "firestore", "firestore": {"project_id": "shop", "fields": {"things": {"n": "int"}}}}
    found = NoSQLConfig.from_dict(section)
    assert found.driver == "firestore"
    assert isinstance(found.firestore, FirestoreConfig)
    assert found.firestore.fields == {"things": {"n": "int"}}


# --- the event loop


def test_another_event_loop_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    async def made() -> FirestoreDriver:
        return FirestoreDriver(FirestoreConfig(project_id="shop", emulator_host="127.0.0.1:1"), None)

    async def used(driver: FirestoreDriver) -> None:
        client: Client = driver.client
        with pytest.raises(NoSQLConnectionError, match="another event loop"):
            await client.get(f"{client.root}/things/a", None)
        with pytest.raises(NoSQLConnectionError, match="another event loop"):
            await driver.begin()

    first = asyncio.new_event_loop()
    try:
        driver = first.run_until_complete(made())
        asyncio.run(used(driver))
        first.run_until_complete(driver.close())
    finally:
        first.close()
