"""A server is looked for in a fixed order, only where tests need it, and what is missing says how to get it."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from servers import Kind, MissingServerError, Product, Server
from servers.containers import engine
from servers.finding import find, needed

VARIABLE = "LEXIGRAM_TEST_NOTHING_URI"


class Ways:
    """A kind whose ways work or not, and what was started and stopped."""

    def __init__(self, *works: str) -> None:
        self._works = works
        self.events: list[str] = []
        self.kind = Kind(
            name="nothing",
            variable=VARIABLE,
            folders=frozenset({"here"}),
            image="nothing:1",
            container=lambda: self._way("docker"),
            process=lambda: self._way("process"),
            ask=self._ask,
            install="Install it",
        )

    @contextmanager
    def _way(self, name: str) -> Iterator[str]:
        if name not in self._works:
            raise MissingServerError(f"no {name}")
        self.events.append(f"start {name}")
        try:
            yield f"{name}://"
        finally:
            self.events.append(f"stop {name}")

    def _ask(self, endpoint: str) -> Product:
        if endpoint == "mute://":
            raise MissingServerError("nothing answers")
        return Product("Nothing", endpoint)


@pytest.mark.parametrize(
    ("works", "choice", "way"),
    [
        (("docker", "process"), "auto", "docker"),
        (("process",), "auto", "process"),
        (("docker", "process"), "process", "process"),
        (("docker",), "docker", "docker"),
    ],
)
def test_the_first_way_that_works_is_taken_and_stopped(
    works: tuple[str, ...], choice: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One server runs, the one of the way that comes first."""
    monkeypatch.delenv(VARIABLE, raising=False)
    ways = Ways(*works)

    with ExitStack() as stack:
        assert find(ways.kind, choice, stack) == Server(f"{way}://", Product("Nothing", f"{way}://"), way)
        assert ways.events == [f"start {way}"]
    assert ways.events == [f"start {way}", f"stop {way}"]


def test_a_given_endpoint_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is started then, and nothing else is tried where it does not answer."""
    ways = Ways("docker", "process")
    monkeypatch.setenv(VARIABLE, "given://")
    with ExitStack() as stack:
        assert find(ways.kind, "auto", stack).way == "env"
    monkeypatch.setenv(VARIABLE, "mute://")
    with ExitStack() as stack, pytest.raises(MissingServerError, match="Tried env: nothing answers"):
        find(ways.kind, "auto", stack)

    assert ways.events == []


@pytest.mark.parametrize("choice", ["docker", "process", "env"])
def test_a_way_that_is_asked_for_is_the_only_one(choice: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it misses is told, with what to do."""
    monkeypatch.delenv(VARIABLE, raising=False)
    ways = Ways(*{"docker", "process"} - {choice})

    with ExitStack() as stack, pytest.raises(MissingServerError, match=rf"Tried {choice}: .*\. Install it$"):
        find(ways.kind, choice, stack)
    assert ways.events == []


@pytest.mark.parametrize("below", [".", "here", "here/test_x.py::test_y", "../root/here", ".."])
def test_a_kind_is_needed_where_its_folder_is_named(below: str, tmp_path: Path) -> None:
    """By itself, by a test in it, or by a folder above."""
    root = tmp_path / "root"
    (root / "here").mkdir(parents=True)

    assert [kind.name for kind in needed([Ways().kind], [below], root, root)] == ["nothing"]


@pytest.mark.parametrize("below", ["there", "there/test_x.py", "../packages"])
def test_no_server_is_started_for_other_folders(below: str, tmp_path: Path) -> None:
    """A run of one backend's tests does not wait for the servers of the others."""
    root = tmp_path / "root"
    for folder in ("here", "there"):
        (root / folder).mkdir(parents=True)

    assert needed([Ways().kind], [below], root, root) == []


def test_an_engine_that_does_not_answer_leaves_no_socket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It would be told as unclosed in whatever test runs when it is collected."""
    pytest.importorskip("testcontainers", reason="without it no engine is asked")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/nobody.sock")

    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        with pytest.raises(MissingServerError, match="no Docker engine answers"), engine("nothing:1"):
            pytest.fail("there is an engine")
        gc.collect()

    assert [str(warning.message) for warning in told if warning.category is ResourceWarning] == []
