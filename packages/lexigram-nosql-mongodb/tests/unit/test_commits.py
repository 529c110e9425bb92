"""A commit is repeated while nobody knows whether it arrived, and no longer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import pytest
from lexigram.nosql.backends.mongodb import transactions
from lexigram.nosql.backends.mongodb.transactions import commit
from pymongo.errors import AutoReconnect, OperationFailure, PyMongoError

UNKNOWN = "UnknownTransactionCommitResult"


class Session:
    """A session whose commits fail as the test says; the last failure repeats itself."""

    def __init__(self, failures: Sequence[PyMongoError | None]) -> None:
        self._failures = failures
        self.commits = 0

    async def commit_transaction(self) -> None:
        failure = self._failures[min(self.commits, len(self._failures) - 1)]
        self.commits += 1
        if failure is not None:
            raise failure


def unknown(code: int) -> PyMongoError:
    return OperationFailure("unknown", code, {"errorLabels": [UNKNOWN]})


def lost() -> PyMongoError:
    return AutoReconnect("lost", {"errorLabels": [UNKNOWN]})


def given(*failures: PyMongoError | None) -> tuple[Session, Any]:
    session = Session(failures)
    return session, cast("Any", session)


@pytest.mark.parametrize("failure", [unknown(91), unknown(64), lost()], ids=repr)
async def test_a_commit_of_which_nobody_knows_is_sent_again(failure: PyMongoError) -> None:
    """As often as it takes: the server commits it once."""
    session, passed = given(failure, failure, failure, None)

    await commit(passed)

    assert session.commits == 4


@pytest.mark.parametrize("failure", [unknown(50), OperationFailure("no such transaction", 251)], ids=repr)
async def test_a_commit_that_was_refused_is_not_sent_again(failure: PyMongoError) -> None:
    """Also where the server's own time for it was over."""
    session, passed = given(failure)

    with pytest.raises(OperationFailure) as caught:
        await commit(passed)

    assert caught.value is failure
    assert session.commits == 1


async def test_a_commit_is_given_up_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two minutes, as the drivers' specification has it; the last error is raised."""
    assert transactions.COMMIT_SECONDS == 120
    monkeypatch.setattr(transactions, "COMMIT_SECONDS", 0.0)
    failure = lost()
    session, passed = given(failure)

    with pytest.raises(AutoReconnect) as caught:
        await commit(passed)

    assert caught.value is failure
    assert session.commits == 1


async def test_the_pause_between_commits_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes longer is the SDK's own wait: for the server's next sign of life."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(transactions.asyncio, "sleep", sleep)
    _, passed = given(*[lost()] * 30, None)

    await commit(passed)

    assert len(pauses) == 30
    assert max(pauses) <= 0.1
