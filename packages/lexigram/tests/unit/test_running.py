"""Running an application as a program, with real signals."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lexigram import Application, LexigramConfig, Provider, run_application, serve
from lexigram.contracts.core.di import ContainerResolverProtocol
from lexigram.contracts.exceptions.provider import ProviderError

CONFIG = LexigramConfig()

PROGRAM = """
    import asyncio, sys
    from lexigram import Application, LexigramConfig, Provider

    def say(text):
        print(text, flush=True)

    class Part(Provider):
        async def boot(self, container):
            say("booting")
            {boot}
            say("booted")

        async def shutdown(self):
            say("stopping")
            {shutdown}
            say("stopped")

    class First(Provider):
        priority = 0

        async def shutdown(self):
            say("first stopped")

    async def main(app):
        say("working")
        try:
            await asyncio.Event().wait()
        finally:
            say("cancelled")

    app = Application("program", LexigramConfig()).add_providers(First, Part)
    app.hooks.register_action("app.started", lambda payload: say("started"))
    print(app.run({main}))
"""


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Any]:
    """Starts programs; kills what is left of them."""
    running: list[subprocess.Popen[str]] = []

    def start(boot: str = "pass", shutdown: str = "pass", main: str = "") -> subprocess.Popen[str]:
        file = tmp_path / "program.py"
        file.write_text(textwrap.dedent(PROGRAM).format(boot=boot, shutdown=shutdown, main=main))
        process = subprocess.Popen(
            [sys.executable, "-W", "error", str(file)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        running.append(process)
        return process

    yield start
    for process in running:
        if process.poll() is None:
            process.kill()
        process.communicate()


def read_until(process: subprocess.Popen[str], line: str) -> list[str]:
    """Read lines up to the one wanted."""
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or lines[-1] != line:
        text = process.stdout.readline()
        assert text, f"it ended after {lines}: {process.communicate()[1]}"
        lines.append(text.strip())
    return lines


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_a_program_in_order(programs: Any, number: signal.Signals) -> None:
    """Providers are shut down in reverse and the program ends as if all was done."""
    process = programs()
    assert read_until(process, "started") == ["booting", "booted", "started"]

    process.send_signal(number)
    out, err = process.communicate(timeout=30)

    assert out.split("\n") == ["stopping", "stopped", "first stopped", "None", ""]
    assert err == ""
    assert process.returncode == 0


def test_a_signal_cancels_the_work(programs: Any) -> None:
    """What main is doing is cancelled before anything is shut down."""
    process = programs(main="main")
    read_until(process, "working")

    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=30)

    assert out.split() == ["cancelled", "stopping", "stopped", "first", "stopped", "None"]
    assert process.returncode == 0


def test_a_signal_while_starting_stops_what_has_started(programs: Any) -> None:
    """A provider that hangs while booting does not keep the program from ending."""
    process = programs(boot="await asyncio.Event().wait()")
    read_until(process, "booting")

    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=30)

    assert out.split("\n") == ["first stopped", "None", ""]
    assert process.returncode == 0


def test_a_second_signal_ends_a_program_that_hangs(programs: Any) -> None:
    """While it stops, signals have their usual effect again."""
    process = programs(shutdown="await asyncio.Event().wait()")
    read_until(process, "started")
    process.send_signal(signal.SIGTERM)
    read_until(process, "stopping")

    process.send_signal(signal.SIGTERM)

    assert process.wait(timeout=30) == -signal.SIGTERM


def test_a_second_interrupt_is_a_keyboard_interrupt(programs: Any) -> None:
    """Ctrl-C twice breaks off what hangs."""
    process = programs(shutdown="await asyncio.Event().wait()")
    read_until(process, "started")
    process.send_signal(signal.SIGINT)
    read_until(process, "stopping")

    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)

    assert "KeyboardInterrupt" in err
    assert process.returncode != 0


async def _work(app: Application) -> str:
    return f"{app.name} {app.state}"


def test_main_runs_while_the_application_does() -> None:
    """Its value is returned, and the application is stopped."""
    app = Application("program", CONFIG)

    assert app.run(_work) == "program running"
    assert app.state == "stopped"
    assert run_application(Application("other", CONFIG), _work) == "other running"


def test_an_application_can_ask_to_be_stopped() -> None:
    """request_stop() ends a program without main."""

    class Brief(Provider):
        async def boot(self, container: ContainerResolverProtocol) -> None:
            app.request_stop()

    app = Application("program", CONFIG).add_provider(Brief)

    run_application(app)
    assert app.state == "stopped"


def test_errors_end_the_program() -> None:
    """Those of the start and those of main come out, when everything is stopped."""

    class Broken(Provider):
        async def boot(self, container: ContainerResolverProtocol) -> None:
            raise OSError("broken")

    async def fail(app: Application) -> None:
        raise KeyError(app.name)

    with pytest.raises(ProviderError, match="Broken"):
        Application("program", CONFIG).add_provider(Broken).run()
    app = Application("program", CONFIG)
    with pytest.raises(KeyError):
        app.run(fail)
    assert app.state == "stopped"


async def test_serving_can_be_cancelled() -> None:
    """From async code, cancelling is how it is stopped; signals are listened to meanwhile."""
    started = asyncio.Event()
    app = Application("program", CONFIG)
    app.hooks.register_action("app.started", lambda payload: started.set())
    before = signal.getsignal(signal.SIGTERM)
    task = asyncio.create_task(serve(app))
    await started.wait()
    assert signal.getsignal(signal.SIGTERM) is not before
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task
    assert app.state == "stopped"
    assert signal.getsignal(signal.SIGTERM) == before


async def test_a_signal_reaches_serve() -> None:
    """The process stays; the application stops, and services learn why."""
    reasons: list[str | None] = []

    class Told:
        def on_application_shutdown(self, signal: str | None = None) -> None:
            reasons.append(signal)

    app = Application("program", CONFIG)
    app.container.singleton(Told, Told())
    app.hooks.register_action("app.started", lambda payload: os.kill(os.getpid(), signal.SIGTERM))

    assert await serve(app) is None
    assert reasons == ["SIGTERM"]
    assert app.state == "stopped"


def test_outside_the_main_thread_signals_are_left_alone() -> None:
    """Only the main thread may have a say in them."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(Application("program", CONFIG).run(_work)))
    thread.start()
    thread.join()

    assert results == ["program running"]
