"""Requests and answers on the wire: the SDK's credentials, signatures, endpoints, connections and retries; our JSON.

botocore's parser walks the service's model over every value of an answer, and most of the time of a request is spent
there. Here a body is read once, by ``json.loads``, and never walked.
"""

from __future__ import annotations

from typing import Final

__all__ = ["ANSWER_LOST"]

ANSWER_LOST: Final = "AnswerLost"
"""In the metadata of a refusal: whether the request was sent before and may have been carried out then."""
