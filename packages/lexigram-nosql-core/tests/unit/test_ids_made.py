"""Ids that are made for documents without one."""

from __future__ import annotations

import os
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from lexigram.nosql.ids import random_id, time_ordered_id, time_ordered_ids


def test_time_ordered_ids_are_uuids_of_version_7() -> None:
    """In their usual text, with the time of now in front (RFC 9562, section 5.7)."""
    before = time.time_ns() // 1_000_000
    ids = [time_ordered_id() for _ in range(1000)] + time_ordered_ids(1000) + [time_ordered_id()]
    assert ids == sorted(set(ids))
    after = time.time_ns() // 1_000_000
    for text in ids:
        parsed = uuid.UUID(text)
        assert str(parsed) == text
        assert parsed.version == 7
        assert parsed.variant == uuid.RFC_4122
        assert before <= parsed.int >> 80 <= after + 1


def test_time_ordered_ids_grow_in_all_threads() -> None:
    """None twice, each list in order."""
    with ThreadPoolExecutor(4) as pool:
        lists = list(pool.map(lambda _: [time_ordered_id() for _ in range(250)] + time_ordered_ids(250), range(4)))
    assert all(one == sorted(one) for one in lists)
    assert len({text for one in lists for text in one}) == 2000


def test_random_parts_differ_in_every_bit() -> None:
    """Each of the 62 random bits is sometimes set and sometimes not."""
    values = [uuid.UUID(time_ordered_id()).int & ((1 << 62) - 1) for _ in range(500)]
    values += [uuid.UUID(text).int & ((1 << 62) - 1) for text in time_ordered_ids(500)]
    assert any(values)
    union, common = 0, (1 << 62) - 1
    for value in values:
        union |= value
        common &= value
    assert union == (1 << 62) - 1
    assert common == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_makes_other_random_bits() -> None:
    """It does not go on with what its parent holds."""
    time_ordered_id()
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, time_ordered_id().encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(read, 36).decode()
    os.close(read)
    os.close(write)
    assert theirs[20:] != time_ordered_id()[20:]


def test_random_ids_are_uuids_of_version_4() -> None:
    """In their usual text."""
    text = random_id()
    assert uuid.UUID(text).version == 4
    assert str(uuid.UUID(text)) == text
