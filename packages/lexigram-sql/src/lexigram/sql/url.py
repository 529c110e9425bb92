"""Database URLs: which backend they name, and what they tell it.

``scheme[+driver]://[user[:password]@]host[:port]/database[?option=value]`` for servers, and for SQLite
``sqlite:///relative.db``, ``sqlite:////absolute.db``, ``sqlite://`` or ``:memory:``; a path that begins with ``/`` or
``.`` is a SQLite file. User, password, database and options are percent-decoded (RFC 3986, 2.1). The driver after
``+`` is read for the sake of URLs that other libraries wrote, and must be one that the backend uses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from lexigram.exceptions import ConfigurationError
from lexigram.sql.constants import BACKEND_MYSQL, BACKEND_POSTGRES, BACKEND_SQLITE
from pydantic import SecretStr

__all__ = ["MASK", "DatabaseUrl", "parse_url"]

MASK = "***"

_BACKENDS = {
    "sqlite": BACKEND_SQLITE,
    "postgresql": BACKEND_POSTGRES,
    "postgres": BACKEND_POSTGRES,
    "mysql": BACKEND_MYSQL,
    "mariadb": BACKEND_MYSQL,
}
_MEMORY = ":memory:"


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """A URL, taken apart. Its text hides the password.

    Attributes:
        scheme: What stands before ``+`` or ``://``, in lower case.
        backend: Name of the backend that the scheme means; the scheme itself where it is none of ours.
        driver: What stands after ``+``, or None.
        user: User name, decoded.
        password: Password, decoded.
        host: Host name or address; None for files.
        port: Port, or None for the backend's own.
        database: Name of the database; for SQLite the file, or ``:memory:``.
        options: What stands after ``?``, decoded.
    """

    scheme: str
    backend: str
    driver: str | None = None
    user: str | None = None
    password: SecretStr | None = None
    host: str | None = None
    port: int | None = None
    database: str = ""
    options: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def in_memory(self) -> bool:
        """True for a SQLite database that no file holds."""
        return self.database == _MEMORY

    def __str__(self) -> str:
        scheme = self.scheme if self.driver is None else f"{self.scheme}+{self.driver}"
        if self.host is None and self.user is None:
            return f"{scheme}:///{'' if self.in_memory else self.database}{self._query()}"
        user = "" if self.user is None else quote(self.user, safe="")
        if self.password is not None:
            user += f":{MASK}"
        host = self.host or ""
        place = f"[{host}]" if ":" in host else host
        port = "" if self.port is None else f":{self.port}"
        return f"{scheme}://{user}{'@' if user else ''}{place}{port}/{quote(self.database)}{self._query()}"

    def _query(self) -> str:
        """The options; only their names, since an option's value may be a secret."""
        return f"?{'&'.join(f'{name}={MASK}' for name in self.options)}" if self.options else ""

    def __repr__(self) -> str:
        return f"DatabaseUrl({str(self)!r})"


def parse_url(url: str | SecretStr) -> DatabaseUrl:
    """Take a URL apart.

    Args:
        url: The URL, a path that begins with ``/`` or ``.``, or ``:memory:``.

    Returns:
        Its parts. A scheme that is none of ours is kept, for a backend of a third party.

    Raises:
        ConfigurationError: It is not a URL that can be read. The message never holds the password.
    """
    text = url.get_secret_value() if isinstance(url, SecretStr) else url
    if text == _MEMORY:
        return DatabaseUrl("sqlite", "sqlite", database=_MEMORY)
    if text.startswith(("/", ".")):
        return DatabaseUrl("sqlite", "sqlite", database=text)
    scheme, separator, rest = text.partition("://")
    if not separator or not scheme:
        raise ConfigurationError(
            "a database URL begins with a scheme, such as sqlite:/// or postgresql://",
            hint="Write sqlite:///file.db, postgresql://user:password@host/database or mysql://user:password@host/database.",
        )
    name, _, driver = scheme.lower().partition("+")
    backend = _BACKENDS.get(name, name)
    if backend == "sqlite":
        return _sqlite(name, driver or None, rest)
    try:
        parts = urlsplit(f"//{rest}")
        port = parts.port
        host = parts.hostname
    except ValueError:
        raise ConfigurationError(
            f"the host or port of a {name} URL cannot be read",
            hint="Percent-encode the characters : / ? # [ ] @ in user and password, and give the port as a number.",
        ) from None  # its text holds the URL
    return DatabaseUrl(
        name,
        backend,
        driver or None,
        user=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else SecretStr(unquote(parts.password)),
        host=host,
        port=port,
        database=unquote(parts.path.removeprefix("/")),
        options=_options(parts.query, name),
    )


def _sqlite(scheme: str, driver: str | None, rest: str) -> DatabaseUrl:
    """The file of a SQLite URL: three slashes before a relative path, four before an absolute one."""
    path, _, query = rest.partition("?")
    if path and not path.startswith("/") and path != _MEMORY:
        raise ConfigurationError(
            "a SQLite URL has three slashes before a relative path and four before an absolute one",
            hint="Write sqlite:///file.db, sqlite:////var/lib/file.db or sqlite:///:memory:.",
        )
    file = unquote(path.removeprefix("/")) or _MEMORY
    return DatabaseUrl(scheme, "sqlite", driver, database=file, options=_options(query, scheme))


def _options(query: str, scheme: str) -> dict[str, str]:
    """The options after ``?``; each once."""
    pairs = parse_qsl(query, keep_blank_values=True)
    options = dict(pairs)
    if len(options) < len(pairs):
        doubled = next(name for name in options if sum(name == other for other, _ in pairs) > 1)
        raise ConfigurationError(f"the option {doubled!r} stands twice in a {scheme} URL", hint="Give it once.")
    return options
