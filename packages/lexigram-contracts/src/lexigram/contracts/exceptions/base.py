"""The root of every Lexigram error.

A service catches by class, branches on ``code`` (stable for ever, one per class) and reads the facts from
attributes; the text is for people. Errors survive pickling, so they may cross processes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Self

__all__ = ["LexigramError"]

_DOCS = "https://docs.lexigram.dev/reference/errors/"


class LexigramError(Exception):
    """Base of all errors that Lexigram raises.

    Args:
        message: What happened, for a person. Defaults to the class's first docstring line.
        details: Further facts, by name; shown by :meth:`format` and :meth:`to_dict`.
        cause: The error underneath; becomes ``__cause__``.
        hint: What to do about it, in one sentence.
        **context: More facts; merged into *details* and readable as attributes where the class has no such name.
    """

    _code: ClassVar[str] = "LEX_ERR_000"

    message: str
    details: dict[str, Any]
    hint: str | None
    __cause__: BaseException | None

    def __init__(
        self,
        message: str | None = None,
        details: Mapping[str, Any] | None = None,
        cause: BaseException | None = None,
        hint: str | None = None,
        **context: Any,
    ) -> None:
        if message is None:
            message = (type(self).__doc__ or type(self).__name__).strip().splitlines()[0]
        super().__init__(message)
        self.message = message
        self.details = {**(details or {}), **context}
        self.hint = hint
        if cause is not None:
            self.__cause__ = cause

    def __getattr__(self, name: str) -> Any:
        details = self.__dict__.get("details")
        if details is not None and name in details:
            return details[name]
        raise AttributeError(f"{type(self).__name__!r} has no attribute {name!r}")

    @property
    def code(self) -> str:
        """The stable code of this class, such as ``LEX_ERR_NOSQL_004``."""
        return self._code

    @property
    def cause(self) -> BaseException | None:
        """The error underneath, the same as ``__cause__``."""
        return self.__cause__

    @property
    def docs_url(self) -> str:
        """Where this code is explained."""
        return _DOCS + self.code

    def with_details(self, **details: Any) -> Self:
        """Add facts and return the error itself, for use in a ``raise`` statement."""
        self.details.update(details)
        return self

    def with_hint(self, hint: str) -> Self:
        """Set what to do about it and return the error itself."""
        self.hint = hint
        return self

    def with_cause(self, cause: BaseException) -> Self:
        """Set the error underneath and return the error itself."""
        self.__cause__ = cause
        return self

    def to_dict(self) -> dict[str, Any]:
        """The error as plain data, for logs and responses.

        Returns:
            The keys ``code``, ``type``, ``message``, ``details``, ``hint``, ``docs_url`` and, where there is one,
            ``cause``: its type, and for an error of Lexigram's own also its text.
        """
        data: dict[str, Any] = {
            "code": self.code,
            "type": type(self).__name__,
            "message": self.message,
            "details": dict(self.details),
            "hint": self.hint,
            "docs_url": self.docs_url,
        }
        if self.__cause__ is not None:
            # The text of another library's error may hold what it was given, a secret included.
            name, ours = type(self.__cause__).__name__, isinstance(self.__cause__, LexigramError)
            data["cause"] = f"{name}: {self.__cause__}" if ours else name
        return data

    def format(self) -> str:
        """The error on several lines: code and message, details, fix, documentation."""
        lines = [f"[{self.code}] {self.message}"]
        lines += [f"  {name}: {value!r}" for name, value in self.details.items()]
        if self.hint:
            lines.append(f"  Fix: {self.hint}")
        lines.append(f"  See: {self.docs_url}")
        return "\n".join(lines)

    def __str__(self) -> str:
        text = f"[{self.code}] {self.message}"
        return f"{text}\n  Fix: {self.hint}" if self.hint else text

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.message!r}, code={self.code!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(cls: type[LexigramError], args: tuple[Any, ...], state: dict[str, Any]) -> LexigramError:
    """Unpickle without calling ``__init__``, whose parameters differ from class to class."""
    error = cls.__new__(cls, *args)
    error.args = args
    error.__dict__.update(state)
    return error
