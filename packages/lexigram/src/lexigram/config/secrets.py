"""Secrets: where they come from, and how they are kept out of everything that people read.

A configuration file refers to a secret by name, ``${secret:DB_PASSWORD}``, and a resolver turns the name into the
secret while the file is read. Two resolvers ship: :class:`EnvironmentSecretResolver` and
:class:`MountedFileSecretResolver`; anything with ``resolve(name) -> str`` is a third.

What counts as a secret when a configuration is shown: values of type ``SecretStr``, fields marked with :class:`Secret`,
values that came from a resolver, texts under a name that speaks of a secret (``password``, ``secret_key``, …), and
passwords inside URLs. The rule errs on the side of hiding: a URL whose password holds an unescaped ``@`` or ``/`` loses
more of itself than strictly needed, never less.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from lexigram.contracts.exceptions.config import ConfigurationError
from lexigram.contracts.security.secrets import SecretNotFoundError, SecretResolverProtocol

__all__ = [
    "MASK",
    "EnvironmentSecretResolver",
    "MountedFileSecretResolver",
    "Secret",
    "SecretNotFoundError",
    "SecretResolverProtocol",
    "is_secret_name",
    "mask_text",
    "mask_url",
]

MASK = "**********"
"""What is shown in the place of a secret; the same as pydantic's ``SecretStr``, whatever the secret's length."""

_SPOKEN_OF = (
    "password|passwd|passphrase|pwd|secret|secrets|token|credential|credentials|credentials_json"
    "|passwords|authorization"
    "|(?:api|access|secret|private|account|signing|encryption|hmac|session)_?keys?"
)
_SECRET_NAME = re.compile(rf"(?:^|[_.\-]|(?<=[a-z])(?=[A-Z]))(?:{_SPOKEN_OF})$", re.IGNORECASE)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_PARAMETER = re.compile(r"(?<![\w.\-])(?P<name>[A-Za-z][\w.\-]*)\s*[=:](?!//)\s*")
_PARAMETER_VALUE = re.compile(r"""'[^']*'|"[^"]*"|[^&;\s]+""")


@dataclass(frozen=True, slots=True)
class Secret:
    """Marks a field of a configuration as secret where its type does not say so.

    ``credentials_json: Annotated[str | None, Secret()] = None``
    """


def is_secret_name(name: str) -> bool:
    """Whether a name speaks of a secret.

    Args:
        name: The last part of a key, such as ``password``, ``secret_key`` or ``tlsCertificateKeyFilePassword``.

    Returns:
        True if its last word, or last two, are among those used for secrets. ``token_ttl`` and ``pk_field`` are not.
    """
    return _SECRET_NAME.search(_CAMEL.sub("_", name)) is not None


def mask_url(uri: str) -> str:
    """Hide the passwords in a URL or connection string, for logs, errors and displays.

    Args:
        uri: A URL of any scheme, also with several hosts as MongoDB has them, or a ``key=value`` connection string. It
            need not be well-formed: everything from the user name's colon to the last ``@`` is taken for the password.

    Returns:
        The same with each password replaced by ``**********``. The user name, the hosts and harmless parameters stay.
    """
    start = uri.find("://")
    start = start + 3 if start >= 0 else 0
    at = uri.rfind("@")
    colon = uri.find(":", start)
    if start <= colon < at:
        user = uri[start:colon]
        # A user who is called as the password is would tell it.
        known = MASK if unquote(user) == unquote(uri[colon + 1 : at]) else user
        uri = f"{uri[:start]}{known}:{MASK}{uri[at:]}"
    return _mask_parameters(uri)


def mask_text(text: str) -> str:
    """Hide what :func:`mask_url` would, but only if the text looks like a URL or connection string at all.

    Args:
        text: Any text.

    Returns:
        The text, with passwords hidden.
    """
    return mask_url(text) if "://" in text else _mask_parameters(text)


def _mask_parameters(text: str) -> str:
    """Hide the values of parameters whose names speak of secrets, such as ``?password=x`` and ``TOKEN:x``."""
    parts: list[str] = []
    position = 0
    for found in _PARAMETER.finditer(text):
        value = _PARAMETER_VALUE.match(text, found.end())
        if value is None or found.start() < position:
            continue
        # Properties of MongoDB's mechanisms are pairs; one that is no pair may be the secret itself.
        is_half = found["name"].lower() == "authmechanismproperties" and ":" not in value[0]
        if is_half or is_secret_name(found["name"]):
            parts += (text[position : found.end()], MASK)
            position = value.end()
    return "".join((*parts, text[position:]))


class EnvironmentSecretResolver:
    """Takes secrets from environment variables of the same name.

    Args:
        environ: The variables; the process's own, read when a secret is asked for, if not given.
        prefix: What stands before each name, such as ``APP_SECRET_``.
    """

    name = "environment"

    def __init__(self, environ: Mapping[str, str] | None = None, *, prefix: str = "") -> None:
        self._environ = environ
        self._prefix = prefix

    def resolve(self, name: str) -> str:
        """The secret called *name*.

        Raises:
            SecretNotFoundError: There is no such variable.
        """
        environ = os.environ if self._environ is None else self._environ
        value = environ.get(self._prefix + name)
        if value is None:
            raise SecretNotFoundError(name=name, resolver=self.name)
        return value

    def __repr__(self) -> str:
        return f"EnvironmentSecretResolver(prefix={self._prefix!r})"


class MountedFileSecretResolver:
    """Takes secrets from files, one per secret, as Docker and Kubernetes mount them.

    Args:
        directory: The folder; the file's name is the secret's name. One line break at the end of a file is not part of
            the secret.
    """

    def __init__(self, directory: str | os.PathLike[str] = "/run/secrets") -> None:
        self._directory = Path(directory)
        self.name = f"files in {self._directory}"

    def resolve(self, name: str) -> str:
        """The secret called *name*.

        Raises:
            SecretNotFoundError: There is no such file.
            ConfigurationError: The name is no plain file name, or the file cannot be read as text.
        """
        if not name or name in {".", ".."} or any(mark in name for mark in "/\\\0"):
            raise ConfigurationError(
                f"{name!r} cannot be the name of a mounted secret", hint="Use the name of a file, without folders."
            )
        path = self._directory / name
        try:
            text = path.read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError) as error:
            raise SecretNotFoundError(name=name, resolver=self.name) from error
        except UnicodeDecodeError:
            # Without the cause: it holds the bytes of the secret.
            raise ConfigurationError(f"the mounted secret {path} is not UTF-8 text") from None
        except (OSError, ValueError) as error:
            raise ConfigurationError(f"the mounted secret {path} cannot be read: {error}") from error
        return text.removesuffix("\n").removesuffix("\r")

    def __repr__(self) -> str:
        return f"MountedFileSecretResolver({str(self._directory)!r})"
