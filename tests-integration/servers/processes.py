"""Servers as processes of this machine: started on a free port, stopped by their id."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from servers.kind import MissingServerError

__all__ = ["Process", "account", "free_port", "kept_port", "made_files", "own_folder", "program", "running", "until"]

_GRACE: Final = 10.0
"""Seconds that a process has to end by itself."""

_START: Final = 60.0
"""Seconds that a server has to start."""

_PAUSE: Final = 0.05
"""Seconds between two attempts to reach it."""

R = TypeVar("R")


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@contextmanager
def kept_port() -> Iterator[int]:
    """Keep a port for a server that sets SO_REUSEADDR, until it has ended for good.

    A port that is only looked up may be anyone's by the time that the server has made its files, or while it is down
    between two starts: the machine hands such ports out to every connection that begins. One that is bound, though
    nobody listens there, is not handed out, and may be bound once more by who allows the same.
    """
    with socket.socket() as holding:
        holding.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holding.bind(("127.0.0.1", 0))
        yield int(holding.getsockname()[1])


def program(name: str) -> str | None:
    """A program of this environment, or else of the machine.

    Args:
        name: Its file's name.

    Returns:
        Its path, or None where there is none.
    """
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.is_file() else shutil.which(name)


def account(name: str) -> str | None:
    """The account that a server runs under: servers of databases refuse to run as root.

    Args:
        name: The server's own account.

    Returns:
        The same where this is root, else None: the server then runs as who runs the tests.

    Raises:
        MissingServerError: This is root, and there is no such account.
    """
    if os.geteuid() != 0:
        return None
    try:
        pwd.getpwnam(name)
    except KeyError as error:
        raise MissingServerError(f"this is root, and there is no user {name} to run the server") from error
    return name


@contextmanager
def own_folder(name: str, user: str | None) -> Iterator[str]:
    """A folder for a server's files, gone in the end.

    Args:
        name: What the server is called.
        user: Whose it is; the caller's when None.
    """
    with tempfile.TemporaryDirectory(prefix=f"lexigram-{name}-") as folder:
        if user is not None:
            shutil.chown(folder, user, user)
        yield folder


def made_files(command: Sequence[str], folder: str, user: str | None) -> None:
    """Make the files of an empty server.

    Args:
        command: The program that makes them.
        folder: Where it runs, and keeps its temporary files: two at once would be in each other's way.
        user: Whose process it is; the caller's own when None.

    Raises:
        MissingServerError: It fails; says what it printed last.
    """
    made = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, "TMPDIR": folder},
        user=user,
        group=user,
        extra_groups=None if user is None else [],
    )
    if made.returncode:
        raise MissingServerError(f"{command[0]} failed: {(made.stderr or made.stdout)[-500:].strip()}")


def until(attempt: Callable[[], R], failures: tuple[type[Exception], ...], check: Callable[[], None]) -> R:
    """Try until it works; a server refuses connections while it starts, at once, so there is a pause between.

    Args:
        attempt: What is tried.
        failures: What it raises as long as the server starts.
        check: Raises when there is no use in trying again.

    Raises:
        MissingServerError: It did not work in time.
    """
    deadline = time.monotonic() + _START
    while True:
        check()
        try:
            return attempt()
        except failures as error:
            if time.monotonic() > deadline:
                raise MissingServerError(f"nothing answers: {type(error).__name__}") from error
        time.sleep(_PAUSE)


class Process:
    """A server's process, which may be killed and started again on the same port and storage.

    Its methods block; in a coroutine call them by ``asyncio.to_thread``.

    Args:
        command: The command line.
        wait: Returns once the server answers; is given a function that raises when the process has ended.
        user: Whose process it is; the caller's own when None.
        stopping: The signal that asks it to end.
        crashing: The signal that ends it as a crash would, with all that it started.
    """

    def __init__(
        self,
        command: Sequence[str],
        wait: Callable[[Callable[[], None]], object],
        *,
        user: str | None = None,
        stopping: signal.Signals = signal.SIGTERM,
        crashing: signal.Signals = signal.SIGKILL,
    ) -> None:
        self._command = list(command)
        self._wait = wait
        self._user = user
        self._stopping = stopping
        self._crashing = crashing
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The id of the process that runs."""
        if self._process is None:
            raise MissingServerError(f"{self._command[0]} does not run")
        return self._process.pid

    def start(self) -> None:
        """Start, and return when the server answers.

        Raises:
            MissingServerError: It ends, or does not answer in time; says what it printed last.
        """
        with tempfile.TemporaryFile() as output:
            # A group of its own: Ctrl-C is for pytest, which then stops this.
            process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=self._user,
                group=self._user,
                extra_groups=None if self._user is None else [],
            )
            self._process = process

            def check() -> None:
                if process.poll() is not None:
                    output.seek(0)
                    last = output.read()[-500:].decode(errors="replace").strip()
                    raise MissingServerError(f"{self._command[0]} ended with {process.returncode}: {last}")

            try:
                self._wait(check)
            except BaseException:
                self.kill()
                raise

    def stop(self) -> None:
        """Ask the process to end; kill it when it does not."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(self._stopping)
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def kill(self) -> None:
        """End the process without its leave, as a crash would."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(self._crashing)
        try:
            process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def restart(self) -> None:
        """Kill it and start it again."""
        self.kill()
        self.start()


@contextmanager
def running(process: Process) -> Iterator[Process]:
    """Start a process, and stop it in the end.

    Args:
        process: The process.

    Yields:
        The same, answering.
    """
    process.start()
    try:
        yield process
    finally:
        process.stop()
