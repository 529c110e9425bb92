"""What follows ``on_conflict()``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, Literal, TypeVar, cast

from lexigram.sql.exceptions import DataQueryError
from lexigram.sql.query.names import as_name, as_names

__all__ = ["Conflict"]

B = TypeVar("B")

Finish = Callable[[Literal["nothing", "update"], list[str], Mapping[str, Any]], B]


class Conflict(Generic[B]):
    """An insert that still has to be told what happens when a row with the same key exists.

    Args:
        keys: The columns of the key.
        finish: Makes the insert, of what is to be done, the columns that take their new values, and values by column.
    """

    def __init__(self, keys: tuple[str, ...], finish: Finish[B]) -> None:
        self._keys = keys
        self._finish = finish

    def do_nothing(self) -> B:
        """Keep the row that exists. It counts as no row that was touched; on MySQL, which cannot tell, as one."""
        return self._finish("nothing", [], {})

    def do_update(self, *columns: Any, **given: Any) -> B:
        """Change the row that exists.

        Args:
            *columns: Columns that take the value of the row that was to be inserted; or a mapping of new values.
            **given: New values by column.

        Raises:
            DataQueryError: The key is not named, or nothing is set.
        """
        names: list[str] = []
        values = dict(given)
        for column in columns:
            if isinstance(column, Mapping):
                assigned: Mapping[Any, Any] = cast("Any", column)
                values.update({as_name(name): value for name, value in assigned.items()})
            else:
                names += as_names(column)
        if not self._keys or not (names or values):
            raise DataQueryError(
                "on_conflict(...).do_update(...) needs the columns of the key, and what to set", hint="Name both."
            )
        return self._finish("update", [name for name in names if name not in values], values)
