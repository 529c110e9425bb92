"""SQL that is taken as it is."""

from __future__ import annotations

from dataclasses import dataclass

from lexigram.contracts.exceptions.infra import InvalidIdentifierError

__all__ = ["InvalidIdentifierError", "RawSQL"]


@dataclass(frozen=True, slots=True)
class RawSQL:
    """A piece of SQL written by the programmer, put into a statement unchanged. Never make one of a user's input.

    Attributes:
        sql: The text.
    """

    sql: str

    def __str__(self) -> str:
        return self.sql
