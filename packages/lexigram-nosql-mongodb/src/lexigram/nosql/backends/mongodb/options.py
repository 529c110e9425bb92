"""Turns the configuration into the options of the SDK's client."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote, urlsplit

from lexigram.nosql.backends.mongodb.config import MongoDBConfig
from pydantic import SecretStr
from pymongo.server_api import ServerApi

__all__ = ["SETTINGS", "client_options", "secrets_of"]

SETTINGS: Final[Mapping[str, str]] = {
    "max_pool_size": "maxPoolSize",
    "min_pool_size": "minPoolSize",
    "server_selection_timeout_ms": "serverSelectionTimeoutMS",
    "connect_timeout_ms": "connectTimeoutMS",
    "socket_timeout_ms": "socketTimeoutMS",
    "retry_writes": "retryWrites",
    "retry_reads": "retryReads",
    "read_preference": "readPreference",
    "write_concern_w": "w",
    "auth_source": "authSource",
    "username": "username",
    "password": "password",
    "auth_mechanism": "authMechanism",
    "auth_mechanism_properties": "authMechanismProperties",
    "tls": "tls",
    "tls_ca_file": "tlsCAFile",
    "tls_certificate_key_file": "tlsCertificateKeyFile",
    "tls_certificate_key_file_password": "tlsCertificateKeyFilePassword",
    "tls_crl_file": "tlsCRLFile",
    "tls_allow_invalid_certificates": "tlsAllowInvalidCertificates",
    "tls_allow_invalid_hostnames": "tlsAllowInvalidHostnames",
    "tls_disable_ocsp_endpoint_check": "tlsDisableOCSPEndpointCheck",
    "compressors": "compressors",
    "zlib_compression_level": "zlibCompressionLevel",
    "app_name": "appname",
    "replica_set": "replicaSet",
    "direct_connection": "directConnection",
    "load_balanced": "loadBalanced",
    "srv_service_name": "srvServiceName",
    "srv_max_hosts": "srvMaxHosts",
    "read_preference_tags": "readPreferenceTags",
    "max_staleness_seconds": "maxStalenessSeconds",
    "read_concern_level": "readConcernLevel",
    "write_concern_j": "journal",
    "write_concern_timeout_ms": "wTimeoutMS",
    "timeout_ms": "timeoutMS",
    "max_idle_time_ms": "maxIdleTimeMS",
    "max_connecting": "maxConnecting",
    "wait_queue_timeout_ms": "waitQueueTimeoutMS",
    "heartbeat_frequency_ms": "heartbeatFrequencyMS",
    "local_threshold_ms": "localThresholdMS",
}
"""The settings that are one option of the client each, and the names of those."""

_EXTERNAL: Final = frozenset({"GSSAPI", "MONGODB-AWS", "MONGODB-OIDC", "MONGODB-X509", "PLAIN"})
"""Mechanisms whose users no database of the server knows."""

_HARMLESS_PROPERTIES: Final = frozenset(
    {"ALLOWED_HOSTS", "CANONICALIZE_HOST_NAME", "ENVIRONMENT", "SERVICE_HOST", "SERVICE_NAME", "SERVICE_REALM"}
)
"""Properties of mechanisms that are no secrets, and whose values stand in many messages."""

_ALIASES: Final[Mapping[str, str]] = {"ssl": "tls", "j": "journal", "wtimeout": "wtimeoutms"}


def client_options(config: MongoDBConfig) -> dict[str, Any]:
    """The options of the client, by the names that PyMongo and motor take them by.

    Args:
        config: The configuration.

    Returns:
        The options; those that were not set and that the connection string gives are left to it.
    """
    named, database = _said_by(config.uri)
    options: dict[str, Any] = {"uuidRepresentation": "standard"}
    for setting, option in SETTINGS.items():
        value = getattr(config, setting)
        if value is None or value in ([], {}):
            continue
        if setting not in config.model_fields_set and option.lower() in named:
            continue
        options[option] = _plain(setting, value)
    if "authSource" in options and "auth_source" not in config.model_fields_set:
        mechanism = str(options.get("authMechanism") or named.get("authmechanism", "")).upper()
        # The database of the connection string, a record in DNS or the mechanism itself says where users are.
        if database or mechanism in _EXTERNAL or config.uri.startswith("mongodb+srv:"):
            del options["authSource"]
    options["minPoolSize"] = min(config.min_pool_size, config.max_pool_size)
    if "minPoolSize" in options:
        most = named.get("maxpoolsize", "") if "maxPoolSize" not in options else str(config.max_pool_size)
        if most.isdecimal() and int(most) > 0:
            options["minPoolSize"] = min(config.min_pool_size, int(most))
    if config.server_api is not None:
        options["server_api"] = ServerApi(
            config.server_api,
            strict=config.server_api_strict,
            deprecation_errors=config.server_api_deprecation_errors,
        )
    return options


def secrets_of(config: MongoDBConfig) -> tuple[str, ...]:
    """What no message may show: passwords and properties of mechanisms, as they stand in the configuration.

    Args:
        config: The configuration.
    """
    found = [value.get_secret_value() for value in (config.password, config.tls_certificate_key_file_password) if value]
    found += config.auth_mechanism_properties.values()
    user, at, _ = _authority(config.uri).rpartition("@")
    if at:
        password = user.partition(":")[2]
        found += [password, unquote(password)]
        # A password with an "@", ":" or "/" that was not escaped is told by PyMongo in parts.
        found += [part for part in re.split("[@:/]", password) if len(part) > 2]
    named, _ = _said_by(config.uri)
    found.append(named.get("tlscertificatekeyfilepassword", ""))
    for pair in named.get("authmechanismproperties", "").split(","):
        # A property is a pair; of one that is no pair, nobody knows what it is.
        name, _, value = pair.partition(":")
        if name not in _HARMLESS_PROPERTIES:
            found.append(value or pair)
    return tuple(dict.fromkeys(filter(None, found)))


def _authority(uri: str) -> str:
    return uri.partition("://")[2].partition("?")[0]


def _said_by(uri: str) -> tuple[dict[str, str], str]:
    """The options that a connection string gives, in lower case, and the database it names."""
    query = uri.partition("?")[2]
    named = {name.lower(): value for name, value in parse_qsl(query.replace(";", "&"), keep_blank_values=True)}
    named |= {_ALIASES[name]: value for name, value in named.items() if name in _ALIASES}
    # Several hosts are no valid authority, but the path behind them is found all the same.
    return named, urlsplit(uri.partition("?")[0]).path.strip("/")


def _plain(setting: str, value: Any) -> Any:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if setting == "compressors":
        return ",".join(value)
    if setting == "auth_mechanism_properties":
        return _pairs(value)
    if setting == "read_preference_tags":
        return [_pairs(tags) for tags in value]
    return value


def _pairs(named: Mapping[str, str]) -> str:
    return ",".join(f"{name}:{text}" for name, text in named.items())
