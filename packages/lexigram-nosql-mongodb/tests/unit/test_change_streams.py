"""What a lost change stream is opened again after, and what ends the feed."""

from __future__ import annotations

import pytest
from lexigram.nosql.backends.mongodb.changes import is_resumable
from pymongo.errors import AutoReconnect, ConfigurationError, CursorNotFound, NotPrimaryError, OperationFailure


@pytest.mark.parametrize("code", [6, 7, 43, 63, 89, 91, 133, 150, 189, 234, 262, 9001, 10107, 11600, 11602, 13435])
def test_a_stream_that_the_server_lost_is_opened_again(code: int) -> None:
    """A router tells its own lost connections by codes, which PyMongo raises as refused operations."""
    assert is_resumable(OperationFailure("lost", code))


def test_a_stream_is_opened_again_after_a_label_and_lost_connections() -> None:
    """The server's label counts whatever the code is."""
    labelled = OperationFailure("lost", 1, {"errorLabels": ["ResumableChangeStreamError"]})

    assert all(
        map(is_resumable, [labelled, AutoReconnect("lost"), NotPrimaryError("lost"), CursorNotFound("lost", 43)])
    )


@pytest.mark.parametrize("code", [13, 18, 260, 280, 286, 40573])
def test_a_stream_that_the_server_refuses_ends_the_feed(code: int) -> None:
    """Another try would be refused as well, and the caller has to know."""
    assert not is_resumable(OperationFailure("refused", code))
    assert not is_resumable(ConfigurationError("refused"))
