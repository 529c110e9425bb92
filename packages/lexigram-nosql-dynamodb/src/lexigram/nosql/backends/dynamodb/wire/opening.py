"""Makes the SDK's session and clients, so that the event loop never waits for a file.

botocore reads its service models, endpoint rules and configuration files when they are first needed, some hundred
milliseconds of work. All of it is read on a thread before the client is made on the loop, which then finds it cached.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any, Final, cast

import aioboto3
from aiobotocore.config import AioConfig
from lexigram.nosql.backends.dynamodb.config import DynamoDBConfig
from pydantic import SecretStr

__all__ = ["client_config", "client_options", "open_session", "session_options"]

_SERVICES: Final = ("dynamodb", "dynamodbstreams")

_loaders: Final[dict[str | None, Any]] = {}
"""What has been read of botocore's own data, by where it is looked for; it never changes, so all sessions share it."""


def _revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()


def session_options(config: DynamoDBConfig) -> dict[str, Any]:
    """The settings that are the session's.

    Args:
        config: The configuration.

    Returns:
        Arguments of ``aioboto3.Session``; they hold secrets.
    """
    return {
        "aws_access_key_id": _revealed(config.access_key),
        "aws_secret_access_key": _revealed(config.secret_key),
        "aws_session_token": _revealed(config.session_token),
        "region_name": config.region,
        "profile_name": config.profile,
    }


def client_config(config: DynamoDBConfig) -> AioConfig:
    """The settings that are in the SDK's own configuration of a client.

    Args:
        config: The configuration.

    Raises:
        BotoCoreError: The SDK refuses one.
    """
    options: dict[str, Any] = {
        "connect_timeout": config.connect_timeout,
        "read_timeout": config.read_timeout,
        "max_pool_connections": config.max_pool_connections,
    }
    retries: dict[str, Any] = {}
    if config.retry_mode is not None:
        retries["mode"] = config.retry_mode
    if config.max_attempts is not None:
        retries["total_max_attempts"] = config.max_attempts
    # What is not set is left out: the SDK then looks into the environment and its files.
    given: dict[str, Any] = {
        "retries": retries,
        "proxies": config.proxies,
        "client_cert": config.client_certificate,
        "use_dualstack_endpoint": config.use_dualstack_endpoint,
        "use_fips_endpoint": config.use_fips_endpoint,
        "account_id_endpoint_mode": config.account_id_endpoint_mode,
        "user_agent_appid": config.app_name,
    }
    options.update({name: value for name, value in given.items() if value})
    return AioConfig(connector_args={"keepalive_timeout": config.keepalive_timeout}, **options)


def client_options(config: DynamoDBConfig) -> dict[str, Any]:
    """The settings of a client.

    Args:
        config: The configuration.

    Returns:
        Arguments of ``Session.client``.
    """
    return {
        "endpoint_url": config.endpoint_url,
        "verify": config.ca_bundle if config.verify_tls else False,
        "config": client_config(config),
    }


async def open_session(config: DynamoDBConfig) -> aioboto3.Session:
    """Make a session that has read all its files.

    Args:
        config: The configuration.

    Raises:
        BotoCoreError: A profile does not exist, or a file is not valid.
    """
    return await asyncio.to_thread(_prepared, config)


def _prepared(config: DynamoDBConfig) -> aioboto3.Session:
    session = aioboto3.Session(**session_options(config))
    core = cast("Any", session)._session
    core.register_component(
        "data_loader", _loaders.setdefault(core.get_config_variable("data_path"), core.get_component("data_loader"))
    )
    options = client_options(config)
    for service in _SERVICES:
        _run(_make(session, service, options))
    if config.access_key is None:
        # Those that files hold. What has to be asked for over the network waits for the loop.
        with suppress(RuntimeError):
            _run(core.get_credentials())
    return session


async def _make(session: aioboto3.Session, service: str, options: dict[str, Any]) -> None:
    """Make a client that is thrown away: whatever it reads, the session keeps for the real one."""
    own = {"aws_access_key_id": "none", "aws_secret_access_key": "none"}
    async with cast("Any", session).client(service, **own, **options):
        pass


def _run(coroutine: Coroutine[Any, Any, object]) -> None:
    """Run a coroutine that waits for nothing, without an event loop.

    Raises:
        RuntimeError: It would wait, or needs a loop.
    """
    try:
        coroutine.send(None)
    except StopIteration:
        return
    coroutine.close()
    raise RuntimeError("this has to wait")
