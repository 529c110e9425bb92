"""What several tests share: stores, the toy backend, a store in memory that outlives a command, the command itself."""

from __future__ import annotations

import importlib
import io
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from lexigram.cli import main
from lexigram.nosql.backend import API, BACKENDS, BackendSpec
from lexigram.nosql.backends.memory import InMemoryDocumentStore
from lexigram.nosql.backends.memory.driver import MemoryDriver
from lexigram.nosql.backends.memory.spec import SPEC as MEMORY
from lexigram.nosql.backends.memory.spec import MemoryConfig
from lexigram.nosql.collection import Collection
from lexigram.nosql.store import DocumentStore
from lexigram.nosql.testing.able import AbleDocumentStore
from lexigram.nosql.testing.minimal import MinimalDocumentStore

TOY = Path(__file__).parent / "toy_backend"

# Its tests are its author's: they run where it is installed, see conformance/test_installed_backend.py.
collect_ignore = ["toy_backend"]


@pytest.fixture
async def memory() -> AsyncIterator[InMemoryDocumentStore]:
    """A store in memory, connected."""
    async with InMemoryDocumentStore() as store:
        yield store


@pytest.fixture(
    params=[InMemoryDocumentStore, MinimalDocumentStore, AbleDocumentStore], ids=["memory", "minimal", "able"]
)
async def store(request: pytest.FixtureRequest) -> AsyncIterator[DocumentStore]:
    """A connected store: on the memory driver, on the one with required methods only, on the one with all abilities."""
    async with request.param() as store:
        yield store


@pytest.fixture
def things(store: DocumentStore) -> Collection:
    """An empty collection of that store."""
    return store.collection("things")


@pytest.fixture
def kept(memory: InMemoryDocumentStore) -> Collection:
    """An empty collection in memory."""
    return memory.collection("things")


@pytest.fixture
def toy_backend() -> Path:
    """The folder of the toy backend's distribution."""
    return TOY


@pytest.fixture
def jsonfiles(monkeypatch: pytest.MonkeyPatch) -> Iterator[BackendSpec]:
    """The backend that keeps documents in files, registered by code."""
    monkeypatch.syspath_prepend(TOY / "src")
    spec: BackendSpec = importlib.import_module("lexigram_jsonfiles").SPEC
    undo = BACKENDS.register("jsonfiles", spec)
    yield spec
    undo()


class HeldDriver(MemoryDriver):
    """A database in memory that stays when a command closes it."""

    async def close(self) -> None:
        """Keep everything."""


@pytest.fixture
def held() -> Iterator[HeldDriver]:
    """A backend ``held`` in memory whose documents stay from one command to the next."""
    driver = HeldDriver(MemoryConfig())

    async def connect(config: Any) -> Any:
        return driver

    spec = BackendSpec(
        name="held",
        api=API,
        config=MemoryConfig,
        capabilities=MEMORY.capabilities,
        connect=connect,
        distribution="lexigram-nosql-core",
    )
    undo = BACKENDS.register("held", spec)
    yield driver
    undo()


@dataclass(slots=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str = ""
    err: str = ""

    @property
    def text(self) -> str:
        """All that was said, without the frames and breaks of a terminal."""
        return " ".join(f"{self.out} {self.err}".replace("│", " ").split())


@dataclass(slots=True)
class Command:
    """Runs ``lexigram nosql`` in this process, in a folder of its own."""

    folder: Path
    capture: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch
    options: list[str] = field(default_factory=list)

    def __call__(self, *arguments: str | Path, stdin: bytes | io.BufferedIOBase | None = None) -> Outcome:
        """Run a command to its end."""
        self.capture.readouterr()
        if stdin is not None:
            stream = io.BytesIO(stdin) if isinstance(stdin, bytes) else stdin
            self.patch.setattr(sys, "stdin", io.TextIOWrapper(stream))  # type: ignore[type-var]
        with pytest.raises(SystemExit) as ended:
            main(["nosql", *map(str, arguments), *self.options])
        said = self.capture.readouterr()
        return Outcome(int(ended.value.code or 0), said.out, said.err)

    def configure(self, nosql: str) -> None:
        """Write ``application.yaml`` with this section."""
        (self.folder / "application.yaml").write_text(f"nosql:\n{nosql}", encoding="utf-8")


@pytest.fixture
def command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Outcome]:
    """``lexigram nosql``, run in an empty folder."""
    for name in ("LEX_CONFIG", "LEX_PROFILE", "LEX_NOSQL_MIGRATIONS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return Command(tmp_path, capsys, monkeypatch)


@pytest.fixture
def documents_of(held: HeldDriver) -> Callable[[str], Mapping[Any, Any]]:
    """The documents of a collection in the held database, by ``_id``."""
    return lambda name: {document["_id"]: document for document in held.native.get(name, ())}
