"""Commits of many documents: all at once where all can be written, and exactly which could not where not.

``Commit`` makes all of its writes or none; ``BatchWrite`` makes each by itself. Commit is used throughout: it takes the
guards of unique indexes along with their document, it leaves nothing half done, ``ordered`` means something, and a
batch without a conflict takes one request for 500 writes. When it is refused because something stands already, one
request finds out what; those documents are told, and the others go in another commit.

A write whose answer was lost may have happened. One on the condition that a document is as it was read, or is not
there, is sent again, since that lets it happen only once; if it is refused then, the first one has been made, or
another writer was there before. What is stored does not tell which: another writer may have written the same. So it is
said that nobody knows; in a batch, of the documents of that commit, beside what became of the others.
"""

# Messages of protobuf have no types.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Final

from grpc import StatusCode
from lexigram.nosql.backends.firestore.catalogue import Catalogue, Indexes
from lexigram.nosql.backends.firestore.client import Client
from lexigram.nosql.backends.firestore.errors import UNANSWERED, classify, code_of, outcome_unknown, unanswered
from lexigram.nosql.backends.firestore.writing.changes import Step, Target
from lexigram.nosql.exceptions import NoSQLConnectionError, NoSQLError, WriteConflictError
from lexigram.nosql.writing import backoff

__all__ = ["CHANGED", "MAX_REQUEST_BYTES", "Committer", "still_kept"]

MAX_REQUEST_BYTES: Final = 4_000_000
"""Most bytes of writes in one commit of a batch. The service takes requests of 10 MiB, Google's emulator of 4 MiB."""

CHANGED: Final = frozenset({StatusCode.FAILED_PRECONDITION, StatusCode.NOT_FOUND})
"""What a commit is told when a document is no longer as it was read."""

_AGAIN: Final = UNANSWERED - {StatusCode.DEADLINE_EXCEEDED, StatusCode.CANCELLED}
_TURNS: Final = 10


class Committer:
    """Commits of one database.

    Args:
        client: The connection.
        max_writes: Most writes in one commit.
        attempts: How often a commit is sent again after its answer was lost.
    """

    def __init__(self, client: Client, max_writes: int, attempts: int) -> None:
        self._client = client
        self._max_writes = max_writes
        self._attempts = attempts

    async def send(self, writes: Sequence[Any], deadline: float | None) -> Any:
        """Make writes, all or none, each once.

        Args:
            writes: ``Write`` messages, each on a condition that it breaks itself.
            deadline: That of the call.

        Returns:
            The ``CommitResponse``.

        Raises:
            AioRpcError: They have not been made.
            NoSQLConnectionError: The service cannot be reached, and nothing was sent; or, if it is not to be repeated,
                nobody knows whether they were made.
            NoSQLTimeoutError: Nobody knows.
        """
        lost = False
        end = self._client.end(deadline)
        for attempt in range(1, self._attempts + 1):
            try:
                return await self._client.commit(writes, deadline)
            except Exception as error:
                code = code_of(error)
                if code not in UNANSWERED:
                    if lost:
                        raise (outcome_unknown() if code is not None else unanswered(error)) from error
                    raise
                lost = True
                if code not in _AGAIN or attempt == self._attempts or not await self._client.pause(attempt, end):
                    raise unanswered(error) from error
        raise AssertionError("the last attempt returns or raises")

    async def each(
        self,
        steps: Sequence[Step],
        ordered: bool,
        deadline: float | None,
        refused: Callable[[Step, str], BaseException],
        renew: Callable[[int, int], Awaitable[list[Step] | None]] | None = None,
    ) -> list[tuple[int, BaseException]]:
        """Store new documents, as many as can be.

        Args:
            steps: One for each document.
            ordered: Stop at the first that cannot be stored.
            deadline: That of the call.
            refused: Makes the error for a step and the name that stands already.
            renew: Asked before every commit but the first, for its first and its last step but one more. Returns the
                steps from that first one to the end, made anew where indexes have changed; None where none has.

        Returns:
            Position and error of those that were not stored, or of which that is not known.

        Raises:
            AioRpcError: None has been stored.
            NoSQLError: None has been stored, or that is not known of any.
        """
        failures: list[tuple[int, BaseException]] = []
        first = 0
        while first < len(steps):
            end = self._chunk_end(steps, first)
            pending = list(range(first, end))
            try:
                anew = None if renew is None or not first else await renew(first, end)
                if anew is not None:
                    steps = [*steps[:first], *anew]
                    end = self._chunk_end(steps, first)
                    pending = list(range(first, end))
                await self._chunk(steps, pending, ordered, deadline, refused, failures)
            except Exception as error:
                found = error if isinstance(error, NoSQLError) else classify(error)
                if found is None or (len(pending) == len(steps) and not failures):
                    raise
                if found is not error:
                    found.__cause__ = error
                # What is told of each document includes this commit and, where all are tried, those that would follow.
                failures += [(place, found) for place in pending]
                if not ordered:
                    failures += [(place, _not_sent(found)) for place in range(end, len(steps))]
                break
            if ordered and failures:
                break
            first = end
        failures.sort(key=lambda failure: failure[0])
        return failures

    async def _chunk(
        self,
        steps: Sequence[Step],
        pending: list[int],
        ordered: bool,
        deadline: float | None,
        refused: Callable[[Step, str], BaseException],
        failures: list[tuple[int, BaseException]],
    ) -> None:
        """Store the documents at *pending*, which is left with those of which nothing is known yet."""
        for turn in range(_TURNS):
            if not pending:
                return
            try:
                await self.send([write for place in pending for write in steps[place].writes], deadline)
            except Exception as error:
                if code_of(error) is not StatusCode.ALREADY_EXISTS:
                    raise
            else:
                return
            names = {name: place for place in pending for name in steps[place].creates}
            taken = await self.taken(list(names), deadline)
            if not taken:
                # Whatever stood there is gone again.
                await asyncio.sleep(backoff(turn))
                continue
            told: dict[int, str] = {}
            for name in names:
                if name in taken:
                    told.setdefault(names[name], name)
            if ordered:
                worst = min(told)
                failures.append((worst, refused(steps[worst], told[worst])))
                pending[:] = [place for place in pending if place < worst]
            else:
                failures += [(place, refused(steps[place], name)) for place, name in told.items()]
                pending[:] = [place for place in pending if place not in told]
        if pending:
            raise WriteConflictError("others kept storing and removing the same documents")

    async def taken(self, names: Sequence[str], deadline: float | None) -> set[str]:
        """Which of these documents are there.

        Args:
            names: Full names.
            deadline: That of the call.
        """
        found, _ = await self._client.batch_get(names, deadline, fields=())
        return set(found)

    def _chunk_end(self, steps: Sequence[Step], first: int) -> int:
        """Where the commit that begins with a step ends; no two in a commit touch the same document."""
        writes, size = 0, 0
        touched: set[str] = set()
        for place in range(first, len(steps)):
            step = steps[place]
            own, touches = step.size, step.touches
            full = writes + len(step.writes) > self._max_writes or size + own > MAX_REQUEST_BYTES
            if place > first and (full or not touched.isdisjoint(touches)):
                return place
            writes += len(step.writes)
            size += own
            touched.update(touches)
        return len(steps)


def _not_sent(before: NoSQLError) -> NoSQLConnectionError:
    """The error for a write that was not tried, since one before it ended so."""
    return NoSQLConnectionError("not sent, since the writes before it failed").with_cause(before)


async def still_kept(catalogue: Catalogue, targets: Iterable[Target]) -> bool:
    """Say whether writes were made for what the indexes of their collections are now.

    Args:
        catalogue: What knows that.
        targets: What made the writes.
    """
    now: dict[str, Indexes] = {}
    for target in targets:
        path = target.scope.name
        if path not in now:
            now[path] = await catalogue.fresh(path)
        if not target.keeps(now[path]):
            return False
    return True
