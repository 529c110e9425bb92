"""The TLS context of a connection to a server."""

from __future__ import annotations

import ssl

from lexigram.contracts.exceptions.config import ConfigurationError
from lexigram.sql.config import TlsConfig

__all__ = ["tls_context", "tls_mode"]

_MODES = ("disable", "prefer", "require", "verify-ca", "verify-full")


def tls_mode(config: TlsConfig, option: str | None) -> str:
    """The mode in force: the configuration's, unless only the URL says one.

    Args:
        config: The ``tls:`` section.
        option: What the URL says (``sslmode``), or None.

    Raises:
        ConfigurationError: The URL's is no mode, or contradicts the section.
    """
    if option is None:
        return config.mode
    if option not in _MODES:
        raise ConfigurationError(f"there is no sslmode {option!r}", hint=f"Use one of: {', '.join(_MODES)}.")
    if "mode" in config.model_fields_set and config.mode != option:
        raise ConfigurationError(
            f"the URL says sslmode={option}, tls.mode says {config.mode}", hint="Say it in one place."
        )
    return option


def tls_context(config: TlsConfig, mode: str) -> ssl.SSLContext | None:
    """The context for a mode; None for ``disable``. Reads files, so it is called off the event loop.

    Args:
        config: The ``tls:`` section.
        mode: The mode in force.

    Raises:
        ConfigurationError: A file cannot be read, or the key does not fit.
    """
    if mode == "disable":
        return None
    try:
        context = ssl.create_default_context(cafile=None if config.ca_file is None else str(config.ca_file))
        context.check_hostname = mode == "verify-full"
        if mode in {"prefer", "require"}:
            context.verify_mode = ssl.CERT_NONE
        if config.cert_file is not None:
            password = None if config.key_password is None else config.key_password.get_secret_value()
            context.load_cert_chain(config.cert_file, config.key_file, password)
    except (OSError, ssl.SSLError) as error:
        raise ConfigurationError(
            f"the TLS files cannot be used: {type(error).__name__}",
            hint="Check tls.ca_file, tls.cert_file, tls.key_file and tls.key_password.",
        ) from error
    return context
