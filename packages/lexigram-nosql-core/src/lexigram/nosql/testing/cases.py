"""Generated cases: documents and requests on them, run on two stores that must say the same.

A case is drawn from the strategies by a number, so that a failure can be seen again. The fixed ones are recorded in
``corpus.jsonl`` (Extended JSON, one case in a line, with the seed it was drawn from), because another release of
hypothesis would draw others; ``python -m lexigram.nosql.testing.cases`` records them anew.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lexigram.nosql.collection import Collection
from lexigram.nosql.exceptions import NoSQLError
from lexigram.nosql.testing.comparing import by_id, difference
from lexigram.nosql.values.extended_json import dumps, loads
from lexigram.nosql.values.order import sort_key

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

__all__ = ["CORPUS", "Case", "Difference", "compare", "differs", "differs_on", "draw", "recorded"]

CORPUS = Path(__file__).with_name("corpus.jsonl")
"""The fixed cases."""

_SEEDS = range(1, 25)
_TRIES = 12
_TOTAL = {"_id": 1}


@dataclass(frozen=True, slots=True)
class Case:
    """Documents, and requests to run on them one after the other.

    Attributes:
        seed: The number that it was drawn from.
        documents: What the collection holds at first.
        requests: Each with its ``kind`` and arguments.
    """

    seed: int
    documents: Sequence[dict[str, Any]]
    requests: Sequence[Mapping[str, Any]]

    def to_line(self) -> str:
        """The case as one line of Extended JSON."""
        return dumps({"seed": self.seed, "documents": list(self.documents), "requests": list(self.requests)})

    @classmethod
    def from_line(cls, line: str) -> Case:
        """The case that a line holds."""
        given = loads(line)
        return cls(given["seed"], given["documents"], given["requests"])


@dataclass(frozen=True, slots=True)
class Difference:
    """A request on which two stores differ.

    Attributes:
        request: The request, in the form of a generated case.
        documents: What both collections held before.
        found: What the backend said: ``answer``, or ``refused`` with the class of its refusal; and after a write that
            both answered alike the ``documents`` that it left.
        expected: What the memory store said, in the same form.
        told: Where they differ first, in words.
        place: Of which request of which case.
    """

    request: Mapping[str, Any]
    documents: Sequence[dict[str, Any]]
    found: Mapping[str, Any]
    expected: Mapping[str, Any]
    told: str
    place: str = "the request"

    @property
    def kind(self) -> tuple[bool, bool, bool]:
        """Which of the two refused, and whether it is documents that differ."""
        return "refused" in self.found, "refused" in self.expected, "documents" in self.expected

    def __str__(self) -> str:
        return f"{self.place}: {self.told}\n  {dumps(self.request)}\n  on {dumps(list(self.documents))}"


def recorded() -> list[Case]:
    """The fixed cases, in the order of their seeds."""
    return [Case.from_line(line) for line in CORPUS.read_text(encoding="utf-8").splitlines()]


def _requests() -> SearchStrategy[dict[str, Any]]:
    from hypothesis import strategies as st
    from lexigram.nosql.testing import strategies

    order = strategies.sorts().map(lambda pairs: {**dict(pairs), **_TOTAL})
    skip, limit = st.integers(0, 3), st.integers(0, 5)
    some = strategies.filters()
    change = strategies.updates()

    def of(kind: str, **arguments: SearchStrategy[Any]) -> SearchStrategy[dict[str, Any]]:
        return st.fixed_dictionaries({"kind": st.just(kind), **arguments})

    return st.one_of(
        of("find", filter=some, sort=order, skip=skip, limit=limit),
        of("find", filter=some, sort=order, projection=strategies.projections()),
        of("find", filter=some),
        of("count", filter=some, skip=skip, limit=limit),
        of("distinct", path=strategies.paths(), filter=some),
        of("aggregate", pipeline=strategies.pipelines()),
        of("aggregate", pipeline=strategies.pipelines()),
        of("update_one", filter=some, sort=order, update=change),
        of("update_many", filter=some, update=change),
        of("find_one_and_update", filter=some, sort=order, update=change),
        of("replace_one", filter=some, sort=order, replacement=strategies.documents()),
        of("delete_one", filter=some, sort=order),
    )


def draw(seed: int) -> Case:
    """The case of a number: the largest of a few that hypothesis draws with it.

    Args:
        seed: The number.

    Returns:
        The case; the same for the same number and release of hypothesis.
    """
    import hypothesis
    from hypothesis import strategies as st
    from lexigram.nosql.testing import strategies

    drawn: list[tuple[list[dict[str, Any]], list[dict[str, Any]]]] = []
    documents = st.lists(strategies.documents(), min_size=4, max_size=8)
    requests = st.lists(_requests(), min_size=10, max_size=14)

    @hypothesis.seed(seed)
    @hypothesis.settings(
        database=None,
        deadline=None,
        derandomize=False,
        max_examples=_TRIES,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=[hypothesis.HealthCheck.too_slow, hypothesis.HealthCheck.data_too_large],
        verbosity=hypothesis.Verbosity.quiet,
    )
    @hypothesis.given(documents, requests)
    def collect(given: list[dict[str, Any]], asked: list[dict[str, Any]]) -> None:
        drawn.append((given, asked))

    collect()
    given, asked = max(drawn, key=lambda pair: len(repr(pair)))
    return Case(seed, [{"_id": number, **document} for number, document in enumerate(given)], asked)


async def compare(case: Case, theirs: Collection, ours: Collection) -> list[Difference]:
    """Run a case on two empty collections.

    Args:
        case: What to run.
        theirs: The backend's.
        ours: The memory store's.

    Returns:
        Where they differ; nothing is well.
    """
    for collection in (theirs, ours):
        await collection.insert_many(case.documents)
    found: list[Difference] = []
    for place, request in enumerate(case.requests):
        before = await ours.find(sort=_TOTAL).to_list()
        different = await differs(request, before, theirs, ours)
        if different is not None:
            found.append(replace(different, place=f"request {place} of seed {case.seed}"))
            await _reset(theirs, before)
            await _reset(ours, before)
    return found


async def differs(
    request: Mapping[str, Any], documents: Sequence[dict[str, Any]], theirs: Collection, ours: Collection
) -> Difference | None:
    """Run a request on two collections that hold the same.

    Args:
        request: The request.
        documents: What both hold, to which they return where the request was refused.
        theirs: The backend's collection.
        ours: The memory store's.

    Returns:
        How they differ, or None.
    """
    found, expected = await _answer(theirs, request), await _answer(ours, request)
    different = difference(found, expected)
    if different is None and request["kind"] in _WRITES:
        if "refused" in expected:
            # How far a write of many came before it failed is nobody's promise.
            await _reset(theirs, documents)
            await _reset(ours, documents)
            return None
        found["documents"] = by_id(await theirs.find().to_list())
        expected["documents"] = await ours.find(sort=_TOTAL).to_list()
        different = difference(found["documents"], expected["documents"], "documents")
    return None if different is None else Difference(request, documents, found, expected, different)


async def differs_on(
    request: Mapping[str, Any], documents: Sequence[dict[str, Any]], theirs: Collection, ours: Collection
) -> Difference | None:
    """The same on collections that hold anything, which is removed."""
    await _reset(theirs, documents)
    await _reset(ours, documents)
    return await differs(request, documents, theirs, ours)


async def _reset(collection: Collection, documents: Sequence[dict[str, Any]]) -> None:
    await collection.delete_many({})
    if documents:
        await collection.insert_many(documents)


_WRITES = frozenset({"update_one", "update_many", "find_one_and_update", "replace_one", "delete_one"})


async def _answer(collection: Collection, request: Mapping[str, Any]) -> dict[str, Any]:
    """What a store says to a request: its answer, or the class of its refusal."""
    try:
        return {"answer": await _ask(collection, request)}
    except NoSQLError as error:
        return {"refused": type(error).__name__}


async def _ask(collection: Collection, request: Mapping[str, Any]) -> Any:
    asked, sort = request.get("filter"), request.get("sort")
    match request["kind"]:
        case "find":
            options = {name: request[name] for name in ("projection", "skip", "limit") if name in request}
            found = await collection.find(asked, sort=sort, **options).to_list()
            return found if sort is not None else by_id(found)
        case "count":
            return await collection.count_documents(asked, skip=request["skip"], limit=request["limit"])
        case "distinct":
            # Which of several equal values stands for them depends on the order of documents.
            return [
                str(sort_key(value))
                for value in sorted(await collection.distinct(request["path"], asked), key=sort_key)
            ]
        case "aggregate":
            return await collection.aggregate(request["pipeline"]).to_list()
        case "update_one":
            result = await collection.update_one(asked, request["update"], sort=sort)
        case "update_many":
            result = await collection.update_many(asked, request["update"])
        case "replace_one":
            result = await collection.replace_one(asked, request["replacement"], sort=sort)
        case "delete_one":
            return await collection.find_one_and_delete(asked, sort=sort)
        case "find_one_and_update":
            return await collection.find_one_and_update(asked, request["update"], sort=sort)
        case other:
            raise ValueError(f"there are no requests of kind {other!r}")
    return {"matched": result.matched_count, "modified": result.modified_count}


def _main() -> None:
    """Record the fixed cases anew."""
    lines = [draw(seed).to_line() for seed in _SEEDS]
    CORPUS.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    sys.stdout.write(f"{len(lines)} cases in {CORPUS}\n")


if __name__ == "__main__":
    _main()
