"""From a listener's messages to moments, and from events to tokens and back."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from lexigram.nosql.backends.firestore.following.listening import (
    ListenResponse,
    Moment,
    Moments,
    TargetRefused,
    micros,
    put_micros,
    timestamp,
)
from lexigram.nosql.backends.firestore.following.tokens import Token, decode_token, encode_token
from lexigram.nosql.exceptions import CursorError
from lexigram.nosql.testing.strategies import scalars

ADD, REMOVE, CURRENT, RESET = 1, 2, 3, 4


def target(kind: int = 0, *, time: int | None = None, all_targets: bool = False, token: bytes = b"t") -> Any:
    """A change of the target."""
    response = ListenResponse()
    change = response.target_change
    change.target_change_type = kind
    change.resume_token = token
    if not all_targets:
        change.target_ids.append(1)
    if time is not None:
        put_micros(time, change.read_time)
    return response


def changed(name: str, number: int = 1) -> Any:
    """A document that the target has."""
    response = ListenResponse()
    response.document_change.document.name = name
    response.document_change.target_ids.append(number)
    return response


def gone(name: str, how: str = "document_delete") -> Any:
    """A document that has gone, in one of the three ways in which that is told."""
    response = ListenResponse()
    if how == "document_change":
        response.document_change.document.name = name
        response.document_change.removed_target_ids.append(1)
    else:
        getattr(response, how).document = name
    return response


def moments(*responses: Any) -> list[Moment]:
    """The moments in a stream."""
    collecting = Moments()
    return [moment for response in responses if (moment := collecting.add(response)) is not None]


def test_a_moment_ends_where_the_service_says_that_all_is_told() -> None:
    """Not before the target is current, and not with a token for it alone."""
    (found,) = moments(
        target(ADD),
        changed("a"),
        target(0, time=4, all_targets=True),
        target(CURRENT, time=5),
        target(0, time=5),
        target(0, time=5, all_targets=True, token=b"x"),
    )
    assert (found.time, found.token, set(found.documents), found.is_whole) == (5, b"x", {"a"}, False)


def test_moments_tell_what_changed_since_the_one_before() -> None:
    """Each begins empty."""
    begin = [target(ADD), target(CURRENT), target(0, time=1, all_targets=True)]
    found = moments(*begin, changed("a"), changed("b"), gone("c"), target(0, time=2, all_targets=True))
    assert [(set(moment.documents), moment.gone) for moment in found] == [(set(), set()), ({"a", "b"}, {"c"})]


@pytest.mark.parametrize("how", ["document_delete", "document_remove", "document_change"])
def test_the_last_message_about_a_document_counts(how: str) -> None:
    """A document that came back is there, one that went is not."""
    begin = [target(ADD), target(CURRENT)]
    (found,) = moments(
        *begin, changed("a"), gone("a", how), gone("b", how), changed("b"), target(0, time=2, all_targets=True)
    )
    assert (set(found.documents), found.gone) == ({"b"}, {"a"})


def test_after_a_reset_a_moment_is_whole() -> None:
    """What was told before it does not count, and nothing is complete until the target is current again."""
    found = moments(
        target(ADD),
        target(CURRENT),
        changed("old"),
        gone("older"),
        target(RESET),
        target(0, time=2, all_targets=True),
        changed("a"),
        target(CURRENT),
        target(0, time=3, all_targets=True),
        target(0, time=4, all_targets=True),
    )
    assert [(moment.time, moment.is_whole, set(moment.documents), moment.gone) for moment in found] == [
        (3, True, {"a"}, set()),
        (4, False, set(), set()),
    ]


def test_a_number_of_documents_makes_a_moment_doubtful() -> None:
    """The names are compared then."""
    filtering = ListenResponse()
    filtering.filter.count = 3
    (found,) = moments(target(ADD), target(CURRENT), filtering, target(0, time=2, all_targets=True))
    assert found.is_doubtful


def test_messages_about_other_targets_are_nothing() -> None:
    """One stream could carry several."""
    other = ListenResponse()
    other.target_change.target_change_type = RESET
    other.target_change.target_ids.append(2)
    (found,) = moments(
        target(ADD), target(CURRENT), changed("a"), changed("b", 2), other, target(0, time=2, all_targets=True)
    )
    assert set(found.documents) == {"a"}


def test_a_target_that_is_taken_away_ends_the_stream_with_its_reason() -> None:
    """The code says whether the feed goes on."""
    response = target(REMOVE)
    response.target_change.cause.code = 9
    response.target_change.cause.message = "too old"
    with pytest.raises(TargetRefused) as caught:
        moments(target(ADD), response)
    assert (caught.value.code, caught.value.text) == (9, "too old")


def test_times_are_whole_microseconds() -> None:
    """Before 1970 too."""
    for time in (0, 1, 1_795_274_452_641_648, -1):
        assert micros(timestamp(time)) == time


@given(identity=scalars(bson=True))
def test_tokens_come_back_as_they_were(identity: Any) -> None:
    """Whatever the id is."""
    token = Token("things", 1, 3, 2, 1, identity, False)
    read = decode_token(encode_token(token), "things")
    assert read.key == token.key
    assert (read.base, read.moment, read.last) == (1, 3, False)


@pytest.mark.parametrize("text", ["", "nonsense", "8263", "WzFd", "e30", "éé"])
def test_what_is_no_token_is_refused(text: str) -> None:
    """As a cursor error."""
    with pytest.raises(CursorError):
        decode_token(text, "things")


def test_a_token_of_another_collection_is_refused() -> None:
    """It would begin in the wrong place."""
    with pytest.raises(CursorError):
        decode_token(encode_token(Token("others", 1, 3, 2, 1, "x", True)), "things")
