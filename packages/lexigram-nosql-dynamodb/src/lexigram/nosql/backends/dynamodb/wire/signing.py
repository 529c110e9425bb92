"""Signatures of requests: what botocore's ``SigV4Auth`` makes, without making again what stays the same.

All our requests are POST to one path, with the same headers, so the canonical request is one line of formatting; and
the key that is derived from the secret is the same for a day. What is signed is what botocore would sign; a test holds
the two against each other.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from botocore.utils import normalize_url_path

__all__ = ["Signer"]

_ALGORITHM: Final = "AWS4-HMAC-SHA256"


class Signer:
    """Signs requests to one endpoint.

    Args:
        service: The name that signatures are for.
        region: The region that signatures are for.
        host: The header of the same name.
        path: The endpoint's path.
    """

    def __init__(self, service: str, region: str, host: str, path: str) -> None:
        self._host = host
        self._path = quote(normalize_url_path(path), safe="/~")
        self._service, self._region = service, region
        self._second = -1
        self._stamp = ""
        self._secret: object = None
        self._day = ""
        self._key = b""

    def headers(self, credentials: Any, body: bytes, given: Mapping[str, str], target: str) -> dict[str, str]:
        """The headers of a request, signed.

        Args:
            credentials: Frozen credentials of botocore.
            body: The body.
            given: Further headers to sign, their names in lower case, in order, and before ``host``.
            target: The operation, with the prefix of its service.

        Returns:
            All headers.
        """
        second = int(time.time())
        if second != self._second:
            self._stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(second))
            self._second = second
        stamp = self._stamp
        signed = {**given, "host": self._host, "x-amz-date": stamp}
        token = credentials.token
        if token:
            signed["x-amz-security-token"] = token
        signed["x-amz-target"] = target
        names = ";".join(signed)
        lines = "\n".join([f"{name}:{value}" for name, value in signed.items()])
        digest = hashlib.sha256(body).hexdigest()
        canonical = f"POST\n{self._path}\n\n{lines}\n\n{names}\n{digest}"
        scope = f"{stamp[:8]}/{self._region}/{self._service}/aws4_request"
        text = f"{_ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.digest(self._derived(credentials.secret_key, stamp[:8]), text.encode(), "sha256").hex()
        signed["Authorization"] = (
            f"{_ALGORITHM} Credential={credentials.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
        )
        return signed

    def _derived(self, secret: str, day: str) -> bytes:
        """The key of a day."""
        if secret != self._secret or day != self._day:
            key: bytes = f"AWS4{secret}".encode()
            for part in (day, self._region, self._service, "aws4_request"):
                key = hmac.digest(key, part.encode(), "sha256")
            self._secret, self._day, self._key = secret, day, key
        return self._key
