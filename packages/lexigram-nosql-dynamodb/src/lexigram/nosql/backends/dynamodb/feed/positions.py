"""Where a feed stands in its stream, and the resume token that says so.

A stream is a growing forest of shards: one that is full, or whose partition was split, ends, and its children go on.
Changes of one document are in one line of descent, in order. A feed therefore stands at one place in each shard that
it reads, and reads a shard only when its parent has been read to the end. The token holds all of these places.
"""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from lexigram.nosql.exceptions import CursorError

__all__ = ["END", "KEPT_SECONDS", "START", "Place", "Positions", "invalid_token"]

_INVALID: Final = 260

Kind = Literal["after", "since", "start", "end"]

KEPT_SECONDS: Final = 24 * 60 * 60
"""How long a stream keeps a record."""

_WITHOUT_RECORD: Final = frozenset({"since", "start"})


@dataclass(frozen=True, slots=True)
class Place:
    """A place in one shard.

    Attributes:
        kind: ``after`` the record with a sequence number; ``since`` a second, counted from 1970, which is how a shard
            is entered in the middle; ``start`` of the shard; ``end`` of it, all read.
        value: The number or the second; empty for the others.
    """

    kind: Kind
    value: str = ""


START: Final = Place("start")
END: Final = Place("end")


@dataclass(slots=True)
class Positions:
    """The places of a feed.

    Attributes:
        stream: ARN of the stream.
        places: By shard.
        parents: The parent of each shard that is known, None for none.
        moment: When the latest change that was told was made, in seconds from 1970; 0 where that is not known.
    """

    stream: str
    places: dict[str, Place] = field(default_factory=dict[str, Place])
    parents: dict[str, str | None] = field(default_factory=dict[str, "str | None"])
    moment: int = 0

    def learn(self, shards: Sequence[Mapping[str, Any]]) -> None:
        """Take in the stream's shards as the service lists them: children of shards that are read will be read."""
        self.parents.update({shard["ShardId"]: shard.get("ParentShardId") for shard in shards})
        growing = True
        while growing:
            growing = False
            for shard, parent in self.parents.items():
                if shard not in self.places and parent in self.places:
                    self.places[shard] = START
                    growing = True

    def enter(self, shards: Sequence[Mapping[str, Any]], since: float) -> None:
        """Begin now: in the shards that have no children, which are those that are open, or the last ones."""
        parents = {shard.get("ParentShardId") for shard in shards}
        for shard in shards:
            if shard["ShardId"] not in parents:
                self.places[shard["ShardId"]] = Place("since", str(int(since)))
        self.learn(shards)

    def enter_all(self, shards: Sequence[Mapping[str, Any]]) -> None:
        """Begin with the first change that there is."""
        for shard in shards:
            self.places[shard["ShardId"]] = START
        self.learn(shards)

    def is_cut_off(self, shards: Sequence[Mapping[str, Any]], now: float) -> bool:
        """True when changes after these places may no longer be kept. To be asked before :meth:`learn`.

        Args:
            shards: The stream's shards as the service lists them.
            now: Seconds from 1970.
        """
        unread = {shard: place for shard, place in self.places.items() if place != END}
        parents: dict[str, str | None] = {shard["ShardId"]: shard.get("ParentShardId") for shard in shards}
        if not unread.keys() <= parents.keys():
            return True
        if any(place.kind in _WITHOUT_RECORD for place in unread.values()):
            # The first record that is kept does not tell whether there were others before it.
            latest = max([self.moment, *(int(place.value) for place in unread.values() if place.kind == "since")])
            if latest and now - latest > KEPT_SECONDS:
                return True
        behind: set[str] = set()
        for shard in self.places:
            above = parents.get(shard)
            while above is not None and above not in behind:
                behind.add(above)
                above = parents.get(above)
        known = behind | self.places.keys()
        # A shard whose parent is not listed any more descends from one that was never read.
        return any(
            parent is not None and parent not in parents and parent not in known and shard not in known
            for shard, parent in parents.items()
        )

    def readable(self) -> list[str]:
        """The shards to read now: not at their end, and their parents are."""
        return [
            shard
            for shard, place in self.places.items()
            if place != END and self.places.get(self.parents.get(shard) or "", END) == END
        ]

    def at_end(self) -> bool:
        """True when everything that is known has been read."""
        return all(place == END for place in self.places.values())

    def to_token(self) -> str:
        """The places as text."""
        with_children = {parent for shard, parent in self.parents.items() if shard in self.places}
        kept = {
            shard: [place.kind, place.value]
            for shard, place in self.places.items()
            if place != END or shard not in with_children
        }
        text = json.dumps([self.stream, kept, self.moment], separators=(",", ":"))
        return base64.urlsafe_b64encode(zlib.compress(text.encode())).decode().rstrip("=")

    @classmethod
    def from_token(cls, token: str) -> Positions:
        """The places that a token tells.

        Raises:
            CursorError: It is none.
        """
        try:
            packed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
            stream, kept, *rest = json.loads(zlib.decompress(packed))
            # Tokens of earlier versions tell no moment.
            moment = int(rest[0]) if rest else 0
            places = {str(shard): Place(kind, str(value)) for shard, (kind, value) in kept.items()}
            if not isinstance(stream, str) or any(place.kind not in _KINDS for place in places.values()):
                raise invalid_token()
        except (binascii.Error, zlib.error, ValueError, TypeError, AttributeError) as error:
            raise invalid_token() from error
        return cls(stream, places, moment=moment)


_KINDS: Final = frozenset({"after", "since", "start", "end"})


def invalid_token() -> CursorError:
    """The error for a token that is not of this feed."""
    return CursorError(
        "the resume token is not of this collection's change feed",
        hint="Watch from now on, without a token.",
        mongo_code=_INVALID,
    )
