"""Logging with facts by name, on the standard library's loggers.

::

    logger = get_logger(__name__, component="orders")
    logger.info("order %s placed", order.id, total=order.total)
    # INFO shop.orders: order o-1 placed component=orders total=12.5

Levels, handlers and formats are those of :mod:`logging`. The facts stand behind the message, and as a mapping in the
record's ``facts``, for formatters that write JSON. Values under names that speak of secrets, and passwords in URLs, are
masked. What is bound to a :class:`~lexigram.context.ContextKey` with ``logged`` is a fact of every entry.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, Self

from lexigram.context import Context

__all__ = ["Logger", "LoggerFactory", "get_logger"]


def get_logger(name: str, **values: Any) -> Logger:
    """A logger. Implements ``LoggerProtocol``.

    Args:
        name: Its name, usually ``__name__``.
        **values: Facts of each of its entries.
    """
    return Logger(logging.getLogger(name), values)


class Logger:
    """Writes entries with facts.

    Args:
        target: The standard library's logger.
        values: Facts of each entry.
    """

    __slots__ = ("_target", "_values")

    def __init__(self, target: logging.Logger, values: Mapping[str, Any] | None = None) -> None:
        self._target = target
        self._values = dict(values or {})

    @property
    def name(self) -> str:
        """The logger's name."""
        return self._target.name

    def bind(self, **values: Any) -> Self:
        """A logger that adds these facts to each entry."""
        return type(self)(self._target, {**self._values, **values})

    def debug(self, event: str, *args: Any, **values: Any) -> None:
        """Log what helps to find a fault."""
        self._log(logging.DEBUG, event, args, values)

    def info(self, event: str, *args: Any, **values: Any) -> None:
        """Log what happens in the normal course."""
        self._log(logging.INFO, event, args, values)

    def warning(self, event: str, *args: Any, **values: Any) -> None:
        """Log what works, but should be looked at."""
        self._log(logging.WARNING, event, args, values)

    def error(self, event: str, *args: Any, **values: Any) -> None:
        """Log what did not work."""
        self._log(logging.ERROR, event, args, values)

    def exception(self, event: str, *args: Any, **values: Any) -> None:
        """Log what did not work, with the exception being handled."""
        self._log(logging.ERROR, event, args, values, exc_info=True)

    def _log(
        self, level: int, event: str, args: tuple[Any, ...], values: Mapping[str, Any], *, exc_info: bool = False
    ) -> None:
        if not self._target.isEnabledFor(level):
            return
        bound = {key.name: value for key, value in Context.current().items() if key.logged}
        facts = _masked({**bound, **self._values, **values})
        message = event % args if args else event
        if facts:
            message = f"{message} {' '.join(f'{name}={value}' for name, value in facts.items())}"
        # Two frames up is whoever called info() or one of its like.
        self._target.log(level, "%s", message, exc_info=exc_info, stacklevel=3, extra={"facts": facts})

    def __repr__(self) -> str:
        return f"<Logger {self.name!r}>"


class LoggerFactory:
    """Makes loggers. Implements ``LoggerFactoryProtocol``."""

    def get_logger(self, name: str, **values: Any) -> Logger:
        """The logger of this name, adding these facts to each entry."""
        return get_logger(name, **values)


def _masked(values: Mapping[str, Any]) -> dict[str, Any]:
    if not values:
        return {}
    # Not before it is needed: the configuration's modules are far heavier than this one.
    from lexigram.config.display import shown

    return {name: shown(value, name) for name, value in values.items()}
