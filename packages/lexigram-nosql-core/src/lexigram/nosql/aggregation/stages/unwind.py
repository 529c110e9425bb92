"""``$unwind`` (manual, "$unwind").

A value that is not an array counts as an array of itself. The path leads through documents only: where an array stands
on the way, there is nothing to unwind.
"""

# The class of an Any is Unknown to pyright, and this module asks for classes all the time.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from lexigram.nosql.aggregation.expressions.errors import fault
from lexigram.nosql.aggregation.expressions.numbers import as_long
from lexigram.nosql.aggregation.limits import CHUNK
from lexigram.nosql.aggregation.stages.base import NOTHING, Batch, Document, Fields, Output, Run, Runner, Stage
from lexigram.nosql.aggregation.stages.fields import getter, setter, write_path
from lexigram.nosql.aggregation.stages.parsing import Env, path_of, shown
from lexigram.nosql.values.path import MISSING
from typing_extensions import override

__all__ = ["Unwind", "parse_unwind"]


class Unwind(Stage):
    """Makes a document of each element of an array.

    Args:
        path: Names of the array's path.
        index: Names of the path that takes the position, or None.
        preserve: Keep documents with nothing to unwind.
    """

    name = "$unwind"
    output = Output.NEW
    multiplies = True

    def __init__(self, path: Sequence[str], index: Sequence[str] | None, preserve: bool) -> None:
        self.path = tuple(path)
        self.index = None if index is None else tuple(index)
        self.preserve = preserve
        touched = {path[0]} if index is None else {path[0], index[0]}
        self.touches = frozenset(touched)
        self.fields = Fields(frozenset({path[0]}), NOTHING)

    @override
    def leaves(self, names: frozenset[str]) -> bool:
        return names.isdisjoint(self.touches)

    @override
    def open(self, run: Run) -> Runner:
        if len(self.path) == 1 and self.index is None:
            return _Fields(self.path[0], self.preserve)
        return _Paths(self)

    @override
    def describe(self) -> str:
        return f"$unwind ${'.'.join(self.path)}"


class _Fields(Runner):
    """Unwinds a top-level field, without positions."""

    __slots__ = ("_name", "_preserve")

    def __init__(self, name: str, preserve: bool) -> None:
        super().__init__()
        self._name = name
        self._preserve = preserve

    @override
    def push(self, batch: Batch) -> Iterable[Batch]:
        name, preserve = self._name, self._preserve
        out: Batch = []
        for document in batch:
            value = document.get(name, MISSING)
            if type(value) is list:
                for items in (value,) if len(value) <= CHUNK else _pieces(value):
                    for item in items:
                        made = document.copy()
                        made[name] = item
                        out.append(made)
                    if len(out) >= CHUNK:
                        yield out
                        out = []
                if not value and preserve:
                    made = document.copy()
                    del made[name]
                    out.append(made)
            elif preserve or (value is not MISSING and value is not None):
                out.append(document.copy())
            if len(out) >= CHUNK:
                yield out
                out = []
        if out:
            yield out


class _Paths(Runner):
    """Unwinds any path."""

    __slots__ = ("_index", "_names", "_preserve", "_read", "_write")

    def __init__(self, stage: Unwind) -> None:
        super().__init__()
        self._names = stage.path
        self._read = getter(stage.path)
        self._write = setter(stage.path)
        self._preserve = stage.preserve
        self._index = stage.index

    @override
    def push(self, batch: Batch) -> Iterable[Batch]:
        out: Batch = []
        for document in batch:
            for made in self._unwind(document):
                out.append(made)
                if len(out) >= CHUNK:
                    yield out
                    out = []
        if out:
            yield out

    def _unwind(self, document: Document) -> Iterator[Document]:
        value = self._read(document)
        index = self._index
        if type(value) is list and value:
            for position, item in enumerate(value):
                made = self._write(document, item)
                yield made if index is None else write_path(made, index, as_long(position))
        elif type(value) is list:
            if self._preserve:
                made = self._write(document, MISSING)
                yield made if index is None else write_path(made, index, None)
        elif self._preserve or (value is not MISSING and value is not None):
            yield document.copy() if index is None else write_path(document, index, None)


def _pieces(items: list[Any]) -> Iterator[list[Any]]:
    """A long array, a batch at a time."""
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]


def parse_unwind(specification: Any, env: Env) -> Sequence[Stage]:
    """Compile ``$unwind``.

    Args:
        specification: A path with its ``$``, or a document of options.
        env: Where it stands.

    Returns:
        The stage.

    Raises:
        PipelineError: It is neither (15981), an option is unknown (28811) or has the wrong type (28808 to 28810), there
            is no path (28812), the path lacks its ``$`` (28818) or the index has one (28822).
    """
    path: Any = None
    index: str | None = None
    preserve = False
    if isinstance(specification, str):
        path = specification
    elif isinstance(specification, Mapping):
        for name, value in specification.items():
            if name == "path":
                if not isinstance(value, str):
                    raise fault(28808, f"the path of $unwind must be a string, not {shown(value)}")
                path = value
            elif name == "preserveNullAndEmptyArrays":
                if not isinstance(value, bool):
                    raise fault(28809, f"preserveNullAndEmptyArrays of $unwind must be a bool, not {shown(value)}")
                preserve = value
            elif name == "includeArrayIndex":
                if not isinstance(value, str) or not value:
                    raise fault(28810, "includeArrayIndex of $unwind must be a string that is not empty")
                if value[0] == "$":
                    raise fault(28822, f"includeArrayIndex of $unwind may not begin with '$': {value!r}")
                index = value
            else:
                raise fault(28811, f"$unwind has no option {str(name)[:64]!r}")
    else:
        raise fault(15981, f"$unwind takes a path or a document of options, not {shown(specification)}")
    if not path:
        raise fault(28812, "$unwind needs a path")
    if path[0] != "$":
        raise fault(28818, f"the path of $unwind must begin with '$': {path!r}")
    return [Unwind(path_of(path[1:]), None if index is None else path_of(index), preserve)]
