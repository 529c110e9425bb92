"""Where requests go, and as whom."""

# The SDK below has no types that say more.
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false, reportUnknownMemberType=false

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

import google.auth
from google.auth.credentials import AnonymousCredentials
from google.auth.exceptions import GoogleAuthError
from google.cloud.firestore_v1 import AsyncClient
from lexigram.nosql.backends.firestore.config import FirestoreConfig
from lexigram.nosql.exceptions import AuthenticationFailedError

__all__ = ["SCOPES", "emulator_of", "load_credentials", "make_sdk_client"]

SCOPES: Final = AsyncClient.SCOPE
"""What a token must be good for."""

EMULATOR_VARIABLE: Final = "FIRESTORE_EMULATOR_HOST"


def emulator_of(config: FirestoreConfig) -> str | None:
    """The emulator that requests go to; None for the service."""
    if config.endpoint is not None:
        return None
    return config.emulator_host or os.environ.get(EMULATOR_VARIABLE) or None


def load_credentials(config: FirestoreConfig) -> Any:
    """The credentials of a configuration. Reads files, and perhaps asks a server of metadata, so not on an event loop.

    Args:
        config: The configuration.

    Returns:
        Credentials of ``google.auth``; anonymous ones for the emulator.

    Raises:
        AuthenticationFailedError: They cannot be read; the error shows nothing of them.
        GoogleAuthError: There are none, or they are malformed.
    """
    if emulator_of(config) is not None:
        return AnonymousCredentials()  # type: ignore[no-untyped-call]  # google-auth has no types there
    quota = config.quota_project_id
    if config.credentials_json is None:
        found, _ = google.auth.default(scopes=SCOPES, quota_project_id=quota)
        return found
    info = _read(config.credentials_json.get_secret_value().strip())
    try:
        loaded = _of_type(info)
    except (ValueError, KeyError, TypeError, GoogleAuthError) as error:
        # What such an error says may show parts of the key, so it does not become a cause.
        raise AuthenticationFailedError(
            f"credentials_json cannot be used: {type(error).__name__}",
            hint="Give the JSON file of a service account as it was downloaded.",
        ) from None
    return loaded if quota is None else loaded.with_quota_project(quota)


def _of_type(info: dict[str, Any]) -> Any:
    """Credentials of the kind that their JSON says, if it is one of those that only read what they are given.

    Raises:
        AuthenticationFailedError: It is another kind.
        ValueError: They are malformed.
    """
    # google-auth has no types, and imports much; each kind is imported when it is met.
    match info.get("type"):
        case "service_account":
            from google.oauth2 import service_account

            return service_account.Credentials.from_service_account_info(info, scopes=SCOPES)  # type: ignore[no-untyped-call]  # as above
        case "authorized_user":
            from google.oauth2 import credentials

            return credentials.Credentials.from_authorized_user_info(info, scopes=SCOPES)  # type: ignore[no-untyped-call]  # as above
        case "external_account" if "executable" not in info.get("credential_source", {}):
            from google.auth import aws, identity_pool

            kind: Any = aws if info.get("subject_token_type", "").endswith("aws4_request") else identity_pool
            return kind.Credentials.from_info(info, scopes=SCOPES)
        case other:
            raise AuthenticationFailedError(
                f"credentials_json is of a kind that is not taken from there: {str(other)[:40]!r}",
                hint="Take a service account, or leave it out and set GOOGLE_APPLICATION_CREDENTIALS.",
            )


def _read(given: str) -> dict[str, Any]:
    """The content of credentials: JSON text, or a file of it."""
    text = given
    if not given.startswith("{"):
        try:
            text = Path(given).expanduser().read_text("utf-8")
        except (OSError, ValueError) as error:
            raise AuthenticationFailedError(
                f"the file that credentials_json names cannot be read: {type(error).__name__}",
                hint="Give the path of a file, its JSON text, or its content as a mapping.",
            ) from None
    try:
        content = json.loads(text)
    except ValueError:
        raise AuthenticationFailedError("credentials_json is not JSON") from None
    if not isinstance(content, dict):
        raise AuthenticationFailedError("credentials_json is JSON, but not an object")
    return content


class _Client(AsyncClient):
    """The SDK's client, for an emulator that no variable of the environment names."""

    def __init__(self, emulator: str | None, **options: Any) -> None:
        super().__init__(**options)
        self._emulator_host = emulator


def make_sdk_client(config: FirestoreConfig, credentials: Any) -> AsyncClient:
    """The SDK's own client, for what the portable API does not offer. It connects when it is first used.

    Args:
        config: The configuration.
        credentials: As :func:`load_credentials` gave them.
    """
    options: dict[str, Any] = {}
    if config.endpoint is not None:
        options["api_endpoint"] = config.endpoint
    if config.quota_project_id is not None and emulator_of(config) is None:
        options["quota_project_id"] = config.quota_project_id
    return _Client(
        emulator_of(config),
        project=config.project_id,
        credentials=credentials,
        database=config.database_id,
        client_options=options or None,
    )
