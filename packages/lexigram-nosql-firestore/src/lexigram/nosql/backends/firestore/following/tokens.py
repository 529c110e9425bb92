"""The place after an event, as text.

Times are in microseconds since 1970, as Firestore counts them. Events of one moment of the listener have an order:
by time, inserts before updates before deletes, then by ``_id`` in MongoDB's order.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Any, Final

from lexigram.nosql.exceptions import CursorError, DocumentValidationError
from lexigram.nosql.values.extended_json import dumps, loads
from lexigram.nosql.values.order import sort_key

__all__ = ["Token", "decode_token", "encode_token"]

_INVALID: Final = 260
_FORM: Final = "f1"


@dataclass(frozen=True, slots=True)
class Token:
    """A place in the feed of a collection.

    Attributes:
        collection: Full name of what is followed.
        base: The moment before that of the event.
        moment: The moment in which the event was seen.
        time: When it happened, as far as that is known.
        rank: 0 for an insert, 1 for an update, 2 for a delete.
        identity: The ``_id``.
        last: Nothing else was seen in that moment after it.
    """

    collection: str
    base: int
    moment: int
    time: int
    rank: int
    identity: Any
    last: bool

    @property
    def key(self) -> tuple[Any, ...]:
        """Something that compares as the events do."""
        return self.time, self.rank, sort_key(self.identity)


def encode_token(token: Token) -> str:
    """A token as text."""
    plain = [
        _FORM,
        token.collection,
        token.base,
        token.moment,
        token.time,
        token.rank,
        dumps({"_id": token.identity}),
        token.last,
    ]
    return base64.urlsafe_b64encode(json.dumps(plain, separators=(",", ":")).encode()).decode().rstrip("=")


def decode_token(text: str, collection: str) -> Token:
    """Read a token.

    Args:
        text: What :func:`encode_token` gave.
        collection: Full name of what is to be followed.

    Raises:
        CursorError: It is none, or that of another collection.
    """
    try:
        read = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
        match read:
            case [str(form), str(name), int(base), int(moment), int(time), int(rank), str(identity), bool(last)] if (
                form == _FORM and name == collection and 0 <= base <= moment
            ):
                return Token(name, base, moment, time, rank, loads(identity)["_id"], last)
            case _:
                pass
    except (binascii.Error, ValueError, DocumentValidationError, KeyError, TypeError) as error:
        raise _invalid() from error
    raise _invalid()


def _invalid() -> CursorError:
    return CursorError(
        "the resume token is not of this collection's change feed on Firestore",
        hint="Watch from now on, without a token.",
        mongo_code=_INVALID,
    )
