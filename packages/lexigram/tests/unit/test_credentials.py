"""Credentials: every form, looked up each time, never shown."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any

import pytest
from lexigram.config import BaseConfig, ConfigValidationError, LexigramConfig, Secret
from lexigram.credentials import Credential, SecretReference
from lexigram.exceptions import ConfigurationError, CredentialError, SecretNotFoundError
from pydantic import SecretBytes, SecretStr


class Store:
    """Secrets in a dictionary, as a service would keep them."""

    name = "vault"

    def __init__(self, **secrets: str) -> None:
        self.secrets = secrets

    async def get_secret(self, key: str) -> str | None:
        return self.secrets.get(key)

    async def set_secret(self, key: str, value: str) -> None:
        self.secrets[key] = value

    async def delete_secret(self, key: str) -> bool:
        return self.secrets.pop(key, None) is not None


class Resolver:
    """The same, as a configuration's resolver."""

    def __init__(self, **secrets: str) -> None:
        self.secrets = secrets

    def resolve(self, name: str) -> str:
        if name not in self.secrets:
            raise SecretNotFoundError(name=name)
        return self.secrets[name]


async def _later() -> str:
    await asyncio.sleep(0)
    return "hunter2"


class Awaitable:
    """An awaitable that can be awaited again, with a new value each time."""

    def __init__(self) -> None:
        self.count = 0

    def __await__(self) -> Any:
        self.count += 1
        yield from asyncio.sleep(0).__await__()
        return f"hunter{self.count}"


@pytest.mark.parametrize(
    "source",
    [
        "hunter2",
        b"hunter2",
        SecretStr("hunter2"),
        SecretBytes(b"hunter2"),
        lambda: "hunter2",
        lambda: SecretStr("hunter2"),
        _later,
        lambda: _later(),
        Credential("hunter2"),
    ],
    ids=[
        "text",
        "bytes",
        "secret",
        "secret-bytes",
        "function",
        "secret-function",
        "async",
        "lambda-async",
        "credential",
    ],
)
async def test_every_form_gives_the_secret(source: Any) -> None:
    """And none shows it."""
    credential = Credential(source)

    assert await credential.reveal() == "hunter2"
    assert (await credential.get()).get_secret_value() == "hunter2"
    assert "hunter2" not in f"{credential!r} {credential}"


async def test_a_function_is_asked_each_time() -> None:
    """So a new secret is there at the next look."""
    tokens = iter(["one", "two"])
    credential = Credential(lambda: next(tokens))

    assert [await credential.reveal(), await credential.reveal()] == ["one", "two"]


async def test_a_coroutine_is_awaited_once_and_an_awaitable_each_time() -> None:
    """Two who ask at the same time share the one result of a coroutine."""
    once = Credential(_later())
    assert await asyncio.gather(once.reveal(), once.reveal()) == ["hunter2", "hunter2"]
    assert await once.reveal() == "hunter2"

    again = Credential(Awaitable())
    assert [await again.reveal(), await again.reveal()] == ["hunter1", "hunter2"]


async def test_a_reference_is_looked_up_in_order_each_time() -> None:
    """A store that is asked asynchronously, and a resolver."""
    store, resolver = Store(), Resolver(DB="from the resolver")
    credential = Credential(SecretReference("DB"))
    assert await credential.reveal([store, resolver]) == "from the resolver"

    await store.set_secret("DB", "from the store")
    assert await credential.reveal([store, resolver]) == "from the store"


async def test_a_reference_that_nobody_knows_names_where_it_was_looked_for() -> None:
    """And says the name, which is no secret."""
    with pytest.raises(SecretNotFoundError, match="no secret called 'DB'; looked in: vault, Resolver"):
        await Credential(SecretReference("DB")).get([Store(), Resolver()])


@pytest.mark.allow_blocking("the test writes the secret")
async def test_references_are_looked_up_in_the_environment_then_in_mounted_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As the references of configuration files are."""
    monkeypatch.setenv("LEX_SECRETS_DIR", str(tmp_path))
    monkeypatch.delenv("DB_URL", raising=False)
    (tmp_path / "DB_URL").write_text("from a file\n")
    credential = Credential(SecretReference("DB_URL"))
    assert await credential.reveal() == "from a file"

    monkeypatch.setenv("DB_URL", "from the environment")
    assert await credential.reveal() == "from the environment"


async def test_a_function_that_fails_is_named_by_its_error_only() -> None:
    """Its text may hold the secret; it is the cause."""

    def read() -> str:
        raise OSError("token hunter2 refused")

    with pytest.raises(CredentialError, match="looking up a credential failed: OSError") as caught:
        await Credential(read).get()

    assert "hunter2" not in str(caught.value)
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize("given", [3, None, ["x"]], ids=["number", "nothing", "list"])
async def test_what_is_no_text_is_refused(given: Any) -> None:
    """Both as a source, and as what a function returns."""
    with pytest.raises(CredentialError, match=f"cannot be made of {type(given).__name__}"):
        Credential(given)
    with pytest.raises(CredentialError, match=f"gave {type(given).__name__} and not text"):
        await Credential(lambda: given).get()


async def test_bytes_that_are_no_text_are_refused_without_showing_them() -> None:
    """The cause would hold them."""
    with pytest.raises(CredentialError, match="is not UTF-8 text") as caught:
        await Credential(b"\xff\xfe").get()

    assert caught.value.__cause__ is None


def test_credentials_of_the_same_source_are_equal() -> None:
    """So configurations can be compared."""
    assert Credential("a") == Credential("a")
    assert hash(Credential("a")) == hash(Credential("a"))
    assert Credential("a") != Credential("b")
    assert Credential(SecretReference("a")) != Credential("a")


# --- in configurations


class Service(BaseConfig):
    """A model with a credential."""

    config_section = "service"

    url: Annotated[Credential | None, Secret()] = None


def written(folder: Path, text: str) -> Path:
    """A configuration file."""
    path = folder / "application.toml"
    path.write_text(text)
    return path


@pytest.mark.allow_blocking("the test reads a file")
async def test_a_secret_inside_a_text_is_read_again(tmp_path: Path) -> None:
    """What stands around it stays, and a second read sees the new one."""
    secrets = Resolver(PW="old")
    path = written(tmp_path, '[service]\nurl = "mongodb://ada:${secret:PW}@db"')
    service = Service.from_toml(path, secrets=secrets)
    assert service.url is not None
    assert await service.url.reveal() == "mongodb://ada:old@db"

    secrets.secrets["PW"] = "new"
    assert await service.url.reveal() == "mongodb://ada:new@db"

    del secrets.secrets["PW"]
    with pytest.raises(SecretNotFoundError, match="'PW'"):
        await service.url.reveal()


@pytest.mark.allow_blocking("the test reads a file")
async def test_a_secret_from_a_variable_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment counts as it is then, not as it was when the file was read."""
    monkeypatch.setenv("PW", "old")
    service = Service.from_toml(written(tmp_path, '[service]\nurl = "${secret:PW}"'))
    assert service.url is not None

    monkeypatch.setenv("PW", "new")
    assert await service.url.reveal() == "new"


@pytest.mark.allow_blocking("the test reads a file")
async def test_a_reference_as_a_whole_is_not_looked_up_while_reading(tmp_path: Path) -> None:
    """The secret may come later."""
    service = Service.from_toml(written(tmp_path, '[service]\nurl = { secret = "MONGO_URL" }'), secrets=Resolver())
    assert service.url == Credential(SecretReference("MONGO_URL"))

    assert await service.url.reveal([Resolver(MONGO_URL="mongodb://db")]) == "mongodb://db"


@pytest.mark.allow_blocking("the test reads a file")
def test_a_credential_is_masked_wherever_a_configuration_is_shown(tmp_path: Path) -> None:
    """As a text, as data for display, and as JSON."""
    path = written(tmp_path, '[service]\nurl = "mongodb://ada:hunter2@db"')
    service = Service.from_toml(path)

    for text in (repr(service), str(service.to_dict()), service.model_dump_json(), str(service.model_dump())):
        assert "hunter2" not in text
    whole = LexigramConfig.from_toml(path)
    assert "hunter2" not in f"{whole!r} {whole.to_dict()}"


@pytest.mark.parametrize(
    "given", [{"secret": ""}, {"secrets": "X"}, {"secret": "X", "more": 1}], ids=["empty", "typo", "more"]
)
def test_a_reference_that_is_not_well_formed_says_how_to_write_it(given: Any) -> None:
    """With its key."""
    with pytest.raises(ConfigValidationError, match=r'url.*a reference is written \{ secret = "NAME" \}'):
        Service.from_dict({"url": given})


def test_a_value_of_another_kind_is_refused_without_showing_it() -> None:
    """A list may hold secrets."""
    with pytest.raises(ConfigurationError) as caught:
        Service.from_dict({"url": ["hunter2"]})

    assert "hunter2" not in str(caught.value)
    assert "cannot be made of list" in str(caught.value)
