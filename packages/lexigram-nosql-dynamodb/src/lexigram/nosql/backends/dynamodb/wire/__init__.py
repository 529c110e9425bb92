"""Requests and answers on the wire: the SDK's credentials, signatures, endpoints, connections and retries; our JSON.

botocore's parser walks the service's model over every value of an answer, and most of the time of a request is spent
there. Here a body is read once, by ``json.loads``, and never walked.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

__all__ = ["ANSWER_LOST", "UNCERTAIN", "Again"]

Again = Callable[[bool], Awaitable[bool]]
"""Asked whether a request may be sent again. It is given True right after an attempt that may have been carried out
though no answer came, and False right before the next attempt."""

ANSWER_LOST: Final = "AnswerLost"
"""In the metadata of a refusal: whether this attempt or an earlier one may have been carried out all the same."""

UNCERTAIN: Final = 500
"""From this status on, a refused request may have been carried out."""
