"""Servers in containers of testcontainers."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from servers.kind import MissingServerError

__all__ = ["engine"]


@contextmanager
def engine(image: str) -> Iterator[None]:
    """Turn what hinders a container in this block into a missing server.

    Args:
        image: The image that the block runs, for the message.

    Raises:
        MissingServerError: testcontainers is not installed, no engine answers, or the image cannot be had or run.
    """
    try:
        from docker.errors import DockerException
        from testcontainers.core.config import testcontainers_config
        from testcontainers.core.docker_client import DockerClient
    except ImportError as error:
        raise MissingServerError(f"testcontainers is not installed ({error})") from error
    # Each container is stopped here; the reaper would be one more image to fetch.
    testcontainers_config.ryuk_disabled = True
    try:
        client = DockerClient().client
        try:
            client.ping()
        finally:
            client.close()
    except (DockerException, OSError) as error:
        _let_go(error)
        raise MissingServerError(f"no Docker engine answers ({error})") from error
    try:
        yield
    except (DockerException, RuntimeError, TimeoutError) as error:
        raise MissingServerError(f"{image} does not run: {error}") from error


def _let_go(error: BaseException) -> None:
    """Drop what the frames of an error hold: of the Docker SDK that is a socket that it could not connect.

    Left alone, it is told as unclosed in whatever test runs when it is collected.
    """
    chained: BaseException | None = error
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        while chained is not None:
            traceback.clear_frames(chained.__traceback__)
            chained = chained.__cause__ or chained.__context__
