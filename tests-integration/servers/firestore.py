"""Firestore: Google's emulator, in a container of Google's or as a process of the gcloud installation."""

from __future__ import annotations

import http.client
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from servers.containers import engine
from servers.kind import Kind, MissingServerError, Product
from servers.processes import Process, free_port, program, running, until
from servers.restartable import Restartable

__all__ = ["FIRESTORE", "restartable_firestore"]

_IMAGE: Final = "gcr.io/google.com/cloudsdktool/google-cloud-cli:emulators"
_PORT: Final = 8080
_FOLDER: Final = "platform/cloud-firestore-emulator"
_JAR: Final = "cloud-firestore-emulator.jar"
_MAIN: Final = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"
_NOTHING: Final = (OSError, http.client.HTTPException)


def _says(place: str) -> str:
    """What the emulator answers to a browser."""
    connection = http.client.HTTPConnection(place, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read(100).decode(errors="replace").strip()
    finally:
        connection.close()


def _wait(place: str, check: Callable[[], None] = lambda: None) -> None:
    def ask() -> None:
        if _says(place) != "Ok":
            raise ConnectionError(place)

    until(ask, _NOTHING, check)


def _ask(place: str) -> Product:
    _wait(place)
    installed = _installation()
    version = (installed / "VERSION").read_text().strip() if installed is not None else "of unknown version"
    return Product("Firestore emulator", version)


def _installation() -> Path | None:
    """The folder of the Google Cloud CLI, with the emulator in it."""
    found = shutil.which("gcloud")
    if found is None:
        return None
    beside = Path(found).resolve().parents[1]
    if (beside / _FOLDER / _JAR).is_file():
        return beside
    told = subprocess.run(
        [found, "info", "--format=value(installation.sdk_root)"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    root = Path(told.stdout.strip())
    return root if told.returncode == 0 and (root / _FOLDER / _JAR).is_file() else None


@contextmanager
def _container() -> Iterator[str]:
    with engine(_IMAGE):
        from testcontainers.core.container import DockerContainer

        container = DockerContainer(_IMAGE).with_exposed_ports(_PORT)
        container.with_command(f"gcloud emulators firestore start --host-port=0.0.0.0:{_PORT}")
    try:
        with engine(_IMAGE):
            container.start()
            place = f"{container.get_container_host_ip()}:{container.get_exposed_port(_PORT)}"
        _wait(place)
        yield place
    finally:
        container.stop()


@contextmanager
def restartable_firestore() -> Iterator[Restartable]:
    """Start an emulator for one test. What it holds is gone when it is killed, since it keeps everything in memory.

    Yields:
        The emulator, answering; its ``url`` is ``host:port``.

    Raises:
        MissingServerError: The emulator or Java is not installed, or it does not start.
    """
    java, installed = program("java"), _installation()
    if java is None or installed is None:
        raise MissingServerError(f"{'java' if java is None else 'the Firestore emulator of gcloud'} is not installed")
    port = free_port()
    place = f"127.0.0.1:{port}"
    # What the wrapper script does, without a shell between, so that one process is all there is to stop.
    command = [
        java,
        "-Duser.language=en",
        "-Xmx512m",
        "-XX:+UseSerialGC",
        "-cp",
        str(installed / _FOLDER / _JAR),
        _MAIN,
        "start",
        "--host=127.0.0.1",
        f"--port={port}",
    ]
    with running(Process(command, lambda check: _wait(place, check))) as process:
        yield Restartable(place, process)


@contextmanager
def _process() -> Iterator[str]:
    with restartable_firestore() as server:
        yield server.url


FIRESTORE: Final = Kind(
    name="firestore",
    variable="LEXIGRAM_TEST_FIRESTORE_HOST",
    folders=frozenset({"firestore", "swap"}),
    image=_IMAGE,
    container=_container,
    process=_process,
    ask=_ask,
    install="Set LEXIGRAM_TEST_FIRESTORE_HOST, start a Docker engine, or install google-cloud-cli-firestore-emulator",
)
"""Whatever speaks Firestore's protocol without credentials."""
