"""Running an application as a program: start, work until told to stop, stop.

SIGINT (Ctrl-C) and SIGTERM stop it in order: what is under way is cancelled, providers are shut down in reverse. A
second signal finds the operating system's usual treatment again, so that a program that hangs while it stops can be
ended.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar, overload

if TYPE_CHECKING:
    from lexigram._app import Application

__all__ = ["run_application", "serve"]

R = TypeVar("R")

_logger = logging.getLogger(__name__)

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@overload
def run_application(app: Application) -> None: ...
@overload
def run_application(app: Application, main: Callable[[Application], Awaitable[R]]) -> R | None: ...
def run_application(app: Application, main: Callable[[Application], Awaitable[Any]] | None = None) -> Any:
    """Run an application as a program, from code that is not async.

    Args:
        app: The application.
        main: What to do while it runs; it stops when this is done. Without it, it runs until a signal comes or
            ``app.request_stop()`` is called.

    Returns:
        What *main* returned; None if it was stopped before.

    Raises:
        LexigramError: The application could not be started; or whatever *main* raised.
    """
    return asyncio.run(serve(app, main))


async def serve(app: Application, main: Callable[[Application], Awaitable[Any]] | None = None) -> Any:
    """The same as :func:`run_application`, from async code.

    Signals are listened to in the main thread only; in others, Python has no say in them.
    """
    work = asyncio.create_task(_work(app, main), name=f"run {app.name}")
    received: list[signal.Signals] = []

    def on_signal(number: signal.Signals) -> None:
        received.append(number)
        forget()
        _logger.info("%s received; %s stops", number.name, app.name)
        app.request_stop(number.name)
        work.cancel()

    forget = _listen(on_signal)
    try:
        return await work
    except asyncio.CancelledError:
        if not received or _cancelled_from_outside():
            raise
        return None
    finally:
        forget()
        await app.stop()


async def _work(app: Application, main: Callable[[Application], Awaitable[Any]] | None) -> Any:
    await app.start()
    if main is not None:
        return await main(app)
    await app.wait_for_stop_request()
    return None


def _cancelled_from_outside() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _listen(on_signal: Callable[[signal.Signals], None]) -> Callable[[], None]:
    """Call *on_signal* when a signal comes; returns what ends that."""
    loop = asyncio.get_running_loop()
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    try:
        for number in _SIGNALS:
            loop.add_signal_handler(number, on_signal, number)
    except NotImplementedError:  # pragma: no cover - loops of Windows
        return _listen_plainly(loop, on_signal)

    def forget() -> None:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)

    return forget


def _listen_plainly(
    loop: asyncio.AbstractEventLoop, on_signal: Callable[[signal.Signals], None]
) -> Callable[[], None]:  # pragma: no cover - loops of Windows
    """The same where the loop cannot: the handler runs between two instructions and wakes the loop."""

    def handle(number: int, _frame: object) -> None:
        loop.call_soon_threadsafe(on_signal, signal.Signals(number))

    before = {number: signal.signal(number, handle) for number in _SIGNALS}

    def forget() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    return forget
