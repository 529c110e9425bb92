"""Named connections: settings, starting all or none, finding by name, credentials that change.

One file, since the tests share the vault and its server at its top.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from lexigram.config import ConfigurationError
from lexigram.contracts.core.health import HealthStatus
from lexigram.credentials import Credential
from lexigram.exceptions import PluginNotFoundError, SecretNotFoundError
from lexigram.nosql.backend import API, BACKENDS, BackendConfig, BackendSpec
from lexigram.nosql.backends.memory.driver import MemoryDriver
from lexigram.nosql.backends.memory.spec import SPEC as MEMORY
from lexigram.nosql.backends.memory.spec import MemoryConfig
from lexigram.nosql.connections import (
    Connection,
    ConnectionManager,
    ConnectionRegistry,
    ConnectionSettings,
    DatabaseSettings,
    StoreConnection,
)
from lexigram.nosql.exceptions import (
    AuthenticationFailedError,
    ConnectionDisabledError,
    NoSQLConnectionError,
    NoSQLError,
    StoreNotConnectedError,
    UnknownConnectionError,
)
from lexigram.services import ServiceState, ServiceTimeoutError
from pydantic import SecretStr

pytestmark = pytest.mark.allow_blocking("connections look for plugins when they are made")


class VaultConfig(BackendConfig):
    """Settings of a third party's backend."""

    uri: str = "vault://nobody@nowhere"
    database: str = "main"
    pool: int = 5


class Server:
    """A database server of a third party: it has a password, and may be slow or away.

    Attributes:
        password: What a URL must hold to be let in.
        away: Names of databases that cannot be reached.
        gates: Databases that answer only when their gate opens.
        log: Every connect and close, with the database's name.
        open: The drivers that are connected.
    """

    def __init__(self) -> None:
        self.password = "old"
        self.away: set[str] = set()
        self.gates: dict[str, asyncio.Event] = {}
        self.log: list[str] = []
        self.reached: dict[str, asyncio.Event] = {}
        self.open: list[VaultDriver] = []

    async def connect(self, config: VaultConfig) -> VaultDriver:
        self.log.append(f"connect {config.database}")
        self.reached.setdefault(config.database, asyncio.Event()).set()
        if config.database in self.gates:
            await self.gates[config.database].wait()
        if config.database in self.away:
            raise OSError(f"no route to {config.uri}")
        self.check(config)
        driver = VaultDriver(self, config)
        self.open.append(driver)
        return driver

    def check(self, config: VaultConfig) -> None:
        if f":{self.password}@" not in config.uri:
            raise AuthenticationFailedError("the vault refused the credentials")


class VaultDriver(MemoryDriver):
    """A connection to the server; each operation shows the password again."""

    def __init__(self, server: Server, config: VaultConfig) -> None:
        super().__init__(MemoryConfig())
        self.server = server
        self.vault = config
        self.held: asyncio.Event | None = None
        self.reading = asyncio.Event()

    @property
    def native(self) -> Any:
        return self

    async def ping(self) -> Mapping[str, Any]:
        self.server.check(self.vault)
        return {"database": self.vault.database}

    async def list_collections(self) -> list[str]:
        self.server.check(self.vault)
        return await super().list_collections()

    def collection(self, name: str) -> Any:
        inner, outer = super().collection(name), self

        class Checked(type(inner)):  # type: ignore[misc]
            async def insert(self, *arguments: Any, **options: Any) -> Any:
                outer.server.check(outer.vault)
                if outer.held is not None:
                    outer.reading.set()
                    await outer.held.wait()
                assert outer in outer.server.open, "the connection was closed under an operation"
                return await super().insert(*arguments, **options)

        inner.__class__ = Checked
        return inner

    async def close(self) -> None:
        self.server.log.append(f"close {self.vault.database}")
        self.server.open.remove(self)


@pytest.fixture
def server() -> Iterator[Server]:
    """The server, and its backend under the name ``vault``."""
    running = Server()
    spec = BackendSpec(
        name="vault",
        api=API,
        config=VaultConfig,
        capabilities=MEMORY.capabilities,
        connect=running.connect,
        distribution="acme-vault",
    )
    undo = BACKENDS.register("vault", spec)
    yield running
    undo()


def settings(*names: str, url: Any = "vault://ada:old@db", **more: Any) -> DatabaseSettings:
    """Settings with a connection to the server for each name."""
    documents = {
        name: {"backend": "vault", "provider": {"url": url, "database_name": name}, **more.pop(name, {})}
        for name in names
    }
    return DatabaseSettings.from_dict({"documents": documents, **more})


class Secrets:
    """Secrets that change, as a service keeps them."""

    name = "service"

    def __init__(self, **known: str) -> None:
        self.known = known
        self.asked = 0

    async def get_secret(self, key: str) -> str | None:
        self.asked += 1
        return self.known.get(key)

    async def set_secret(self, key: str, value: str) -> None:
        self.known[key] = value

    async def delete_secret(self, key: str) -> bool:
        return self.known.pop(key, None) is not None


# --- settings


TOML = """
[default.database]
default_document_connection = "main"
kvstore = { cache = { backend = "redis" } }

[default.database.documents.main]
enabled = true
backend = "vault"

[default.database.documents.main.provider]
url = "vault://ada:${secret:VAULT_PASSWORD}@db"
database_name = "shop"
pool = 7

[default.database.documents.logs]
enabled = false
backend = "mongo"

[testing.database.documents.main]
backend = "local"
"""


def written(folder: Path, text: str = TOML) -> Path:
    """A settings file."""
    path = folder / "settings.toml"
    path.write_text(text)
    return path


async def test_the_documented_file_makes_a_connection(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """URL with a secret, the database's name and a setting of the backend reach it."""
    monkeypatch.setenv("VAULT_PASSWORD", "old")
    async with ConnectionManager.from_settings(written(tmp_path)) as manager:
        driver = await manager.get_database()
        assert (driver.vault.uri, driver.vault.database, driver.vault.pool) == ("vault://ada:old@db", "shop", 7)
        assert manager.default_name == "main"
        assert [(each["name"], each["backend"], each["enabled"], each["ready"]) for each in manager.describe()] == [
            ("main", "vault", True, True),
            ("logs", "mongo", False, False),
        ]
    assert server.open == []


async def test_another_environment_may_put_a_connection_in_memory(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where it led before is not looked at, nor what only the other backend knows; a slip is still one."""
    monkeypatch.setenv("VAULT_PASSWORD", "old")
    async with ConnectionManager.from_settings(written(tmp_path), environment="testing") as manager:
        await manager.store().collection("things").insert_one({"_id": 1})
        assert await manager.get_database() == {"things": [{"_id": 1}]}
    assert server.log == []

    given = {"main": {"backend": "local", "provider": {"change_histroy": 5}}}
    with pytest.raises(ConfigurationError, match="change_histroy: unknown key; did you mean 'change_history'"):
        await ConnectionManager(DatabaseSettings.from_dict({"documents": given})).start()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[default.database]\ndefault_document_connection = "mian"\n[default.database.documents.main]\nbackend="local"',
         r"names 'mian', which is no connection; did you mean 'main'\?; there are: main"),
        ('[default.database]\ndocumnets = {}', r"database\.documnets: unknown key; did you mean 'documents'\?"),
        ("[default.database.documents.main]\nenabled = true", r"database\.documents\.main\.backend: is missing"),
        ('[default.database.documents.main]\nbackend = "local"\nenabeld = true', "did you mean 'enabled'"),
        ('[default.database.documents.main]\nbackend = "local"\nstart_timeout = 0', r"start_timeout: must be greater"),
    ],
    ids=["default", "section", "backend", "key", "bound"],
)  # fmt: skip
def test_settings_that_do_not_fit_are_refused_with_their_place(tmp_path: Path, text: str, message: str) -> None:
    """As every part of a configuration."""
    with pytest.raises(ConfigurationError, match=message):
        ConnectionManager.from_settings(written(tmp_path, text))


def test_a_backend_that_is_not_installed_is_named_with_those_that_are() -> None:
    """At once, not at the first use."""
    with pytest.raises(PluginNotFoundError, match="no 'couch' in group"):
        ConnectionManager(DatabaseSettings.from_dict({"documents": {"main": {"backend": "couch"}}}))


def test_a_backend_that_is_switched_off_need_not_be_installed() -> None:
    """It is there by name only."""
    manager = ConnectionManager(
        DatabaseSettings.from_dict({"documents": {"main": {"backend": "couch", "enabled": False}}})
    )

    assert (manager.names, dict(manager.connections)) == (("main",), {})


async def test_settings_of_the_backend_are_checked_with_their_place(server: Server) -> None:
    """Unknown ones, and ones that are given twice."""
    wrong = settings("main")
    wrong.documents["main"].provider.__pydantic_extra__ = {"poool": 3}
    with pytest.raises(ConfigurationError, match=r"database\.documents\.main\.provider\.poool: unknown key; did you"):
        await ConnectionManager(wrong).start()

    wrong.documents["main"].provider.__pydantic_extra__ = {"uri": "vault://x"}
    with pytest.raises(ConfigurationError, match="`url` and `uri` are both given") as caught:
        await ConnectionManager(wrong).start()
    assert caught.value.key == "database.documents.main.provider.uri"


async def test_a_backend_without_a_url_says_which_settings_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is dropped silently."""

    class Plain(BackendConfig):
        folder: str = "x"

    with pytest.raises(ConfigurationError, match="Plain has no setting for `url`") as caught:
        Plain.from_connection("file:///x")
    assert caught.value.hint is not None
    assert "folder" in caught.value.hint


def test_a_backend_may_say_what_a_url_is_called_there() -> None:
    """By a mapping, for names that are not the usual ones."""

    class Regional(BackendConfig):
        connection_settings = {"url": "endpoint_url", "database_name": None}  # noqa: RUF012 - as a backend writes it
        endpoint_url: str | None = None
        region: str = "eu"

    made = Regional.from_connection(SecretStr("http://localhost"), "ignored", {"region": "us"})

    assert (made.endpoint_url, made.region) == ("http://localhost", "us")


def test_a_wrong_url_is_not_shown() -> None:
    """It holds credentials."""

    class Numbered(BackendConfig):
        uri: int

    with pytest.raises(ConfigurationError) as caught:
        Numbered.from_connection(SecretStr("vault://ada:hunter2@db"), where=("database",))

    assert "hunter2" not in str(caught.value)
    assert caught.value.key == "database.uri"


# --- finding


async def test_an_unknown_name_lists_the_known_ones(server: Server) -> None:
    """With the one that was probably meant."""
    manager = ConnectionManager(settings("main", "logs", default_document_connection="main"))

    with pytest.raises(
        UnknownConnectionError, match=r"no connection 'log'; did you mean 'logs'\?; there are: main, logs"
    ):
        manager.get("log")
    with pytest.raises(UnknownConnectionError, match="no connection is the default one; the settings name none"):
        ConnectionManager().get()


def test_the_default_connection_is_the_one_named_or_the_only_one_or_default(server: Server) -> None:
    """Otherwise asking without a name is an error."""
    assert ConnectionManager(settings("a", "b", default_document_connection="b")).get().name == "b"
    assert ConnectionManager(settings("only")).get().name == "only"
    assert ConnectionManager(settings("a", "default")).get().name == "default"
    with pytest.raises(UnknownConnectionError, match="no connection is the default one; there are: a, b"):
        ConnectionManager(settings("a", "b")).get()


async def test_a_connection_that_is_switched_off_is_an_error_that_says_so(server: Server) -> None:
    """And where to switch it on."""
    manager = ConnectionManager(settings("main", "logs", logs={"enabled": False}, default_document_connection="main"))

    with pytest.raises(ConnectionDisabledError, match="'logs' is switched off") as caught:
        manager.get("logs")
    assert isinstance(caught.value, RuntimeError)
    assert caught.value.hint == "Set database.documents.logs.enabled to true."
    async with manager:
        assert server.log == ["connect main"]


async def test_the_handle_of_a_connection_that_is_not_started_is_an_error(server: Server) -> None:
    """It says what to do; after the stop as well."""
    manager = ConnectionManager(settings("main"))
    with pytest.raises(StoreNotConnectedError, match="the connection 'main' is created"):
        await manager.get_database()

    async with manager:
        pass
    with pytest.raises(StoreNotConnectedError, match="is stopped"):
        await manager.get_database()


async def test_any_number_may_ask_for_the_handle_while_it_starts(server: Server) -> None:
    """They wait, and get the same one."""
    server.gates["main"] = asyncio.Event()
    manager = ConnectionManager(settings("main"))
    starting = asyncio.create_task(manager.start())
    server.reached["main"] = asyncio.Event()
    await server.reached["main"].wait()
    asking = [asyncio.create_task(manager.get_database()) for _ in range(5)]
    await asyncio.sleep(0)
    assert not any(task.done() for task in asking)

    server.gates["main"].set()
    await starting

    assert {id(found) for found in await asyncio.gather(*asking)} == {id(server.open[0])}
    await manager.stop()


async def test_two_connections_are_two_databases(server: Server) -> None:
    """Each store has its connection's name."""
    async with ConnectionManager(settings("a", "b")) as manager:
        await manager.store("a").collection("things").insert_one({"_id": 1})

        assert await manager.store("b").collection("things").count_documents() == 0
        assert (manager.store("a").name, manager.store("b").name) == ("a", "b")
        assert await manager.get_database("b") is server.open[1]


# --- starting and stopping


async def test_connections_open_at_the_same_time_and_close_in_reverse(server: Server) -> None:
    """None waits for another."""
    server.gates = {name: asyncio.Event() for name in "abc"}
    server.reached = {name: asyncio.Event() for name in "abc"}
    manager = ConnectionManager(settings("a", "b", "c"))
    starting = asyncio.create_task(manager.start())
    await asyncio.gather(*(reached.wait() for reached in server.reached.values()))
    assert not manager.is_ready()

    for gate in server.gates.values():
        gate.set()
    await starting
    assert manager.is_ready()

    await manager.stop()
    assert server.log[3:] == ["close c", "close b", "close a"]


async def test_one_failing_of_three_closes_the_others(server: Server) -> None:
    """The error names the connection, keeps the cause, and does not show the URL."""
    server.away.add("b")
    server.gates["b"] = asyncio.Event()
    manager = ConnectionManager(settings("a", "b", "c"))
    starting = asyncio.create_task(manager.start())
    await manager.get("a").wait_ready()
    await manager.get("c").wait_ready()

    server.gates["b"].set()
    with pytest.raises(NoSQLConnectionError, match="connecting the document store 'b' failed: OSError") as caught:
        await starting

    assert caught.value.__notes__ == ["while starting the service 'b'"]
    assert isinstance(caught.value.__cause__, OSError)
    assert "old" not in str(caught.value)
    assert server.open == []
    assert {manager.get(name).state for name in "abc"} == {ServiceState.STOPPED, ServiceState.FAILED}


async def test_a_start_that_is_cancelled_closes_what_was_open(server: Server) -> None:
    """One was ready, one was on the way."""
    server.gates["b"] = asyncio.Event()
    manager = ConnectionManager(settings("a", "b"))
    starting = asyncio.create_task(manager.start())
    await manager.get("a").wait_ready()

    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting

    assert (server.open, manager.is_ready()) == ([], False)


async def test_a_start_that_failed_may_be_repeated(server: Server) -> None:
    """The server is back."""
    server.away.add("main")
    manager = ConnectionManager(settings("main"))
    with pytest.raises(NoSQLConnectionError):
        await manager.start()

    server.away.clear()
    async with manager:
        assert manager.is_ready()


async def test_starting_twice_opens_once(server: Server) -> None:
    """One after the other, and at the same time."""
    manager = ConnectionManager(settings("main"))
    await asyncio.gather(manager.start(), manager.start())
    await manager.start()

    assert server.log == ["connect main"]
    await manager.stop()
    await manager.stop()
    assert server.log == ["connect main", "close main"]


async def test_waiting_has_a_limit(server: Server) -> None:
    """A manager that nobody starts is never ready."""
    manager = ConnectionManager(settings("main"))
    with pytest.raises(ServiceTimeoutError, match=r"not ready within 0\.01 s; not ready: main"):
        await manager.wait_ready(timeout=0.01)

    waiting = asyncio.create_task(manager.wait_ready(timeout=30))
    async with manager:
        await waiting


async def test_a_connect_that_takes_too_long_fails_the_start(server: Server) -> None:
    """By the limit of its own settings."""
    server.gates["slow"] = asyncio.Event()
    manager = ConnectionManager(settings("quick", "slow", slow={"start_timeout": 0.01}))

    with pytest.raises(ServiceTimeoutError, match=r"'slow' did not start within 0\.01 s"):
        await manager.start()

    assert server.open == []


async def test_each_connection_has_its_health(server: Server) -> None:
    """The manager's is that of the worst."""
    manager = ConnectionManager(settings("a", "b", url="vault://ada:old@db"))
    assert (await manager.get("a").health()).status is HealthStatus.UNKNOWN
    async with manager:
        whole = await manager.health()
        assert whole.status is HealthStatus.HEALTHY
        assert whole.details["a"]["details"] == {"backend": "vault", "database": "a"}

        server.password = "changed"
        whole = await manager.health()
        assert whole.status is HealthStatus.UNHEALTHY
        assert (await manager.get("b").health()).error == "LEX_ERR_NOSQL_009"
        assert "old" not in str(whole.to_dict())


async def test_clearing_stops_everything_and_starts_anew(server: Server) -> None:
    """What a test stored is gone, and the old connections are not used again."""
    manager = ConnectionManager(DatabaseSettings.from_dict({"documents": {"main": {"backend": "local"}}}))
    await manager.start()
    before = manager.get()
    await manager.store().collection("things").insert_one({"_id": 1})

    await manager.clear()
    assert (before.is_ready(), manager.is_ready(), manager.get() is before) == (False, False, False)

    async with manager:
        assert await manager.store().collection("things").count_documents() == 0


async def test_a_store_may_be_opened_by_itself(server: Server) -> None:
    """It looks its settings up as well."""
    manager = ConnectionManager(settings("main"))
    async with manager.store() as store:
        assert await store.list_collections() == []


# --- factories


async def test_an_application_may_bring_a_connection_of_its_own() -> None:
    """It is started with the others, and has a handle but no store."""

    class Ledger(Connection):
        async def _open(self) -> None:
            self.handle = {"url": await (self.settings.provider.url or Credential("")).reveal()}

        async def _native(self) -> Any:
            return self.handle

    registry = ConnectionRegistry()
    undo = registry.register("ledger", Ledger)
    assert "ledger" in registry.names()
    given = {"main": {"backend": "ledger", "provider": {"url": "ledger://x"}}, "local": {"backend": "local"}}
    async with ConnectionManager(DatabaseSettings.from_dict({"documents": given}), registry=registry) as manager:
        assert await manager.get_database("main") == {"url": "ledger://x"}
        assert manager.store("local").backend == "memory"
        with pytest.raises(NoSQLError, match="'main' is a Ledger, which has no document store"):
            manager.store("main")

    with pytest.raises(ValueError, match="has a factory already"):
        registry.register("ledger", Ledger)
    undo()
    undo()
    assert "ledger" not in registry.names()


def test_short_names_mean_installed_backends() -> None:
    """``local`` is the memory store."""
    connection = ConnectionRegistry().create("x", ConnectionSettings(backend="local"))

    assert isinstance(connection, StoreConnection)
    assert connection.spec.name == "memory"


# --- credentials


@pytest.mark.parametrize(
    "url",
    [
        "vault://ada:old@db",
        SecretStr("vault://ada:old@db"),
        lambda: "vault://ada:old@db",
        {"secret": "URL"},
    ],
    ids=["text", "secret", "function", "reference"],
)
async def test_every_form_of_a_url_connects(server: Server, url: Any) -> None:
    """And is shown nowhere."""
    secrets = Secrets(URL="vault://ada:old@db")
    given = settings("main", url=url)
    async with ConnectionManager(given, secrets=[secrets]) as manager:
        assert server.open[0].vault.uri == "vault://ada:old@db"
        shown = f"{given!r} {given.to_dict()} {manager!r} {manager.describe()} {manager.get()!r} {manager.store()!r}"
        assert ":old@" not in shown


async def test_a_setting_of_the_backend_may_be_a_secret_too(server: Server) -> None:
    """Under the backend's own name."""
    given = DatabaseSettings.from_dict(
        {"documents": {"main": {"backend": "vault", "provider": {"uri": {"secret": "URL"}, "database": "shop"}}}}
    )
    async with ConnectionManager(given, secrets=[Secrets(URL="vault://ada:old@db")]):
        assert (server.open[0].vault.uri, server.open[0].vault.database) == ("vault://ada:old@db", "shop")


async def test_a_secret_that_is_missing_fails_the_start_with_its_name(server: Server) -> None:
    """And not before: it may come until then."""
    secrets = Secrets()
    manager = ConnectionManager(settings("main", url={"secret": "URL"}), secrets=[secrets])
    with pytest.raises(SecretNotFoundError, match="no secret called 'URL'; looked in: service"):
        await manager.start()

    await secrets.set_secret("URL", "vault://ada:old@db")
    async with manager:
        assert manager.is_ready()


async def test_a_connection_in_memory_needs_no_secret() -> None:
    """It has no use for a URL, so nobody looks."""
    secrets = Secrets()
    given = {"main": {"backend": "local", "provider": {"url": {"secret": "URL"}}}}
    async with ConnectionManager(DatabaseSettings.from_dict({"documents": given}), secrets=[secrets]) as manager:
        assert not await manager.get().renew()  # type: ignore[attr-defined]

    assert secrets.asked == 0


async def test_the_next_start_uses_the_new_secret(server: Server) -> None:
    """Nothing is kept from the last one."""
    secrets = Secrets(URL="vault://ada:old@db")
    manager = ConnectionManager(settings("main", url={"secret": "URL"}), secrets=[secrets])
    async with manager:
        pass

    server.password = secrets.known["URL"] = "new"
    secrets.known["URL"] = "vault://ada:new@db"
    async with manager:
        assert server.open[0].vault.uri == "vault://ada:new@db"


async def test_a_refused_connect_looks_once_more(server: Server) -> None:
    """The secret changed between the look-up and the connect."""
    server.password = "new"
    urls = iter(["vault://ada:old@db", "vault://ada:new@db"])
    async with ConnectionManager(settings("main", url=lambda: next(urls))) as manager:
        assert manager.is_ready()

    assert server.log == ["connect main", "connect main", "close main"]


async def test_a_refused_connect_is_not_tried_again_with_the_same_secret(server: Server) -> None:
    """Servers lock accounts for that."""
    server.password = "new"
    with pytest.raises(AuthenticationFailedError) as caught:
        await ConnectionManager(settings("main")).start()

    assert server.log == ["connect main"]
    assert "old" not in f"{caught.value} {caught.value.__notes__}"


async def test_a_refused_connect_is_tried_twice_at_most(server: Server) -> None:
    """However often the secret changes."""
    server.password = "never"
    numbers = iter(range(100))
    with pytest.raises(AuthenticationFailedError):
        await ConnectionManager(settings("main", url=lambda: f"vault://ada:{next(numbers)}@db")).start()

    assert server.log == ["connect main", "connect main"]


async def renewed(connection: Connection) -> None:
    """Wait for a renewal in the background."""
    assert isinstance(connection, StoreConnection)
    assert connection._renewing is not None
    await connection._renewing


async def test_an_operation_that_is_refused_renews_the_connection(server: Server) -> None:
    """It raises itself; those after it use the new connection, and many refusals make one renewal."""
    secrets = Secrets(URL="vault://ada:old@db")
    async with ConnectionManager(settings("main", url={"secret": "URL"}), secrets=[secrets]) as manager:
        things = manager.store().collection("things")
        await things.insert_one({"_id": 1})

        server.password = "new"
        secrets.known["URL"] = "vault://ada:new@db"
        outcomes = await asyncio.gather(*(things.insert_one({"_id": n}) for n in range(2, 7)), return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {AuthenticationFailedError}
        await renewed(manager.get())

        await things.insert_one({"_id": 7})
        assert [driver.vault.uri for driver in server.open] == ["vault://ada:new@db"]
        assert server.log == ["connect main", "connect main", "close main"]
        assert await manager.get_database() is server.open[0]


async def test_an_operation_that_is_refused_with_unchanged_credentials_keeps_the_connection(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says why nothing happens."""
    async with ConnectionManager(settings("main")) as manager:
        server.password = "new"
        with pytest.raises(AuthenticationFailedError):
            await manager.store().collection("things").insert_one({})
        await renewed(manager.get())

        assert server.log == ["connect main"]
    assert "was refused, and its credentials have not changed" in caplog.text


async def test_a_renewal_that_fails_keeps_the_old_connection_and_is_tried_at_the_next_refusal(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """The server was away when the secret changed."""
    secrets = Secrets(URL="vault://ada:old@db")
    async with ConnectionManager(settings("main", url={"secret": "URL"}), secrets=[secrets]) as manager:
        things = manager.store().collection("things")
        server.password, secrets.known["URL"] = "new", "vault://ada:new@db"
        server.away.add("main")
        with pytest.raises(AuthenticationFailedError):
            await things.insert_one({})
        await renewed(manager.get())
        assert "could not be opened anew" in caplog.text
        assert len(server.open) == 1

        server.away.clear()
        with pytest.raises(AuthenticationFailedError):
            await things.insert_one({})
        await renewed(manager.get())
        await things.insert_one({})


async def test_a_health_check_that_is_refused_renews_the_connection(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    """So an application without traffic comes back as well."""
    caplog.set_level(logging.INFO, "lexigram.nosql")
    secrets = Secrets(URL="vault://ada:old@db")
    async with ConnectionManager(settings("main", url={"secret": "URL"}), secrets=[secrets]) as manager:
        server.password, secrets.known["URL"] = "new", "vault://ada:new@db"
        assert (await manager.health()).status is HealthStatus.UNHEALTHY
        await renewed(manager.get())

        assert (await manager.health()).status is HealthStatus.HEALTHY
    assert "'main' was opened anew with changed credentials" in caplog.text
    assert ":new@" not in caplog.text


async def test_operations_on_the_old_connection_may_finish(server: Server) -> None:
    """It is closed when they have, and not before."""
    secrets = Secrets(URL="vault://ada:old@db")
    async with ConnectionManager(settings("main", url={"secret": "URL"}), secrets=[secrets]) as manager:
        connection = manager.get()
        assert isinstance(connection, StoreConnection)
        old = server.open[0]
        old.held = asyncio.Event()
        things = manager.store().collection("things")
        running = asyncio.create_task(things.insert_one({"_id": 1}))
        await old.reading.wait()

        server.password, secrets.known["URL"] = "new", "vault://ada:new@db"
        renewing = asyncio.create_task(connection.renew())
        server.reached["main"].clear()
        await server.reached["main"].wait()
        await things.insert_one({"_id": 2})
        assert old in server.open
        assert not renewing.done()

        old.held.set()
        assert (await running).document_id == "1"
        assert await renewing
        assert old not in server.open


async def test_an_old_connection_is_closed_after_its_time(server: Server, caplog: pytest.LogCaptureFixture) -> None:
    """An operation that hangs does not keep it open for ever."""
    secrets = Secrets(URL="vault://ada:old@db")
    given = settings("main", url={"secret": "URL"}, main={"drain_timeout": 0.01})
    async with ConnectionManager(given, secrets=[secrets]) as manager:
        connection = manager.get()
        assert isinstance(connection, StoreConnection)
        old = server.open[0]
        old.held = asyncio.Event()
        running = asyncio.create_task(manager.store().collection("things").insert_one({}))
        await old.reading.wait()

        server.password, secrets.known["URL"] = "new", "vault://ada:new@db"
        assert await connection.renew()
        assert old not in server.open
        assert "1 operations still ran when the old connection of 'main' was closed" in caplog.text
        running.cancel()
        await asyncio.wait([running])


async def test_stopping_ends_a_renewal(server: Server) -> None:
    """Nothing is open afterwards."""
    secrets = Secrets(URL="vault://ada:old@db")
    manager = ConnectionManager(settings("main", url={"secret": "URL"}), secrets=[secrets])
    await manager.start()
    server.password, secrets.known["URL"] = "new", "vault://ada:new@db"
    server.gates["main"] = asyncio.Event()
    server.reached["main"].clear()
    with pytest.raises(AuthenticationFailedError):
        await manager.store().collection("things").insert_one({})
    await server.reached["main"].wait()

    await manager.stop()

    assert server.open == []


async def test_a_transaction_on_a_replaced_connection_is_refused(server: Server) -> None:
    """Its writes are on a connection that is gone."""
    secrets = Secrets(URL="vault://ada:old@db")
    async with ConnectionManager(settings("main", url={"secret": "URL"}), secrets=[secrets]) as manager:
        connection, store = manager.get(), manager.store()
        assert isinstance(connection, StoreConnection)

        async def work() -> None:
            async with store.transaction():
                await store.collection("things").insert_one({"_id": 1})
                server.password, secrets.known["URL"] = "new", "vault://ada:new@db"
                assert await connection.renew()
                await store.collection("things").insert_one({"_id": 2})

        with pytest.raises(NoSQLError, match="disconnected since this transaction began"):
            await work()


async def test_the_portable_settings_hold_on_a_connection(server: Server) -> None:
    """Time limits and scan policy are the backend's section's."""
    given = settings("main")
    given.documents["main"].provider.__pydantic_extra__ = {"scan_policy": "deny", "operation_timeout": 3}
    async with ConnectionManager(given) as manager:
        store = manager.store()
        assert (store.config.operation_timeout, store.config.scan_policy) == (3, "deny")
        with pytest.raises(NoSQLError, match="scan_policy"):
            await store.collection("things").find({"a": 1}).to_list()
