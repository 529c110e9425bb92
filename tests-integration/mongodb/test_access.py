"""Ways in: users that the server asks for, and TLS with an authority of the test's own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from lexigram.nosql.backends.mongodb import MongoDBConfig, MongoDBDocumentStore
from lexigram.nosql.exceptions import AuthenticationFailedError, NoSQLConnectionError
from pymongo import MongoClient
from pymongo.errors import PyMongoError
from servers.processes import Process, free_port, program, running

pytestmark = pytest.mark.timeout(180)

USER, PASSWORD = "writer", "p@ss:w/rd"
QUICK = {"server_selection_timeout_ms": 3000, "min_pool_size": 0}


@contextmanager
def serving(folder: Path, *options: str, **client: Any) -> Iterator[int]:
    """Start the stand-in server with options of its own, and wait until it speaks to *client*."""
    command = program("secantusd-py")
    if command is None:
        pytest.skip("the options are those of SecantusDB, which is not on the path")
    port = free_port()

    def wait(check: Any) -> None:
        for _ in range(100):
            check()
            try:
                with MongoClient[Any](
                    "127.0.0.1", port, directConnection=True, serverSelectionTimeoutMS=5000, **client
                ) as asked:
                    asked.admin.command("hello")
            except PyMongoError:
                continue
            return

    storage = str(folder / "data")
    arguments = ["--port", str(port), "--storage-path", storage, "--log-level", "WARNING", *options]
    with running(Process([command, *arguments], wait)):
        yield port


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[int]:
    """Return the port of a server that lets nobody in but one user."""
    with serving(tmp_path) as port, MongoClient[Any]("127.0.0.1", port, directConnection=True) as client:
        client.admin.command("createUser", USER, pwd=PASSWORD, roles=["root"])
    with serving(tmp_path, "--auth") as port:
        yield port


@pytest.mark.parametrize("mechanism", [None, "SCRAM-SHA-256"])
async def test_a_user_is_let_in(guarded: int, kind: str, mechanism: str | None) -> None:
    """By name and password, whose special characters need no escaping beside the connection string."""
    config = MongoDBConfig(
        uri=f"mongodb://127.0.0.1:{guarded}/?directConnection=true",
        client=kind,
        username=USER,
        password=PASSWORD,
        auth_mechanism=mechanism,
        **QUICK,
    )
    async with MongoDBDocumentStore(config) as store:
        await store.collection("things").insert_one({"_id": 1})

        assert await store.collection("things").find_one({"_id": 1}) == {"_id": 1}


async def test_a_wrong_password_is_told_and_not_shown(guarded: int, kind: str) -> None:
    """By an error of its own, which no retry helps."""
    store = MongoDBDocumentStore(
        MongoDBConfig(uri=f"mongodb://{USER}:wr0ng@127.0.0.1:{guarded}/?directConnection=true", client=kind, **QUICK)
    )

    with pytest.raises(AuthenticationFailedError) as caught:
        await store.connect()

    assert "wr0ng" not in f"{caught.value} {caught.value!r} {caught.value.__cause__!r}"


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def certified(tmp_path: Path) -> Path:
    """Return a folder with an authority, and certificates of it for the server and for a client."""
    if program("openssl") is None:
        pytest.skip("openssl, which makes the certificates, is not on the path")
    made = ("-nodes", "-newkey", "rsa:2048", "-days", "2")
    openssl(tmp_path, "req", "-x509", *made, "-subj", "/CN=Tests", "-keyout", "ca.key", "-out", "ca.pem")
    for name in ("server", "client"):
        (tmp_path / f"{name}.ext").write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
        subject = f"/CN={name}/O=Tests"
        openssl(tmp_path, "req", "-new", *made[:3], "-subj", subject, "-keyout", f"{name}.key", "-out", f"{name}.csr")
        signed = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", f"{name}.ext")
        openssl(tmp_path, "x509", "-req", "-in", f"{name}.csr", *signed, "-out", f"{name}.crt")
        both = (tmp_path / f"{name}.key").read_text() + (tmp_path / f"{name}.crt").read_text()
        (tmp_path / f"{name}.pem").write_text(both)
    return tmp_path


async def test_tls_needs_the_authority_and_the_client_s_certificate(certified: Path, kind: str) -> None:
    """With both the store works; without either no connection comes about."""
    files = {name: str(certified / name) for name in ("ca.pem", "client.pem", "server.crt", "server.key")}
    options = ("--tls-cert-file", files["server.crt"], "--tls-key-file", files["server.key"])
    both = ("--tls-ca-file", files["ca.pem"], "--tls-require-client-cert")
    client = {"tls": True, "tlsCAFile": files["ca.pem"], "tlsCertificateKeyFile": files["client.pem"]}
    with serving(certified, *options, *both, **client) as port:
        known: dict[str, Any] = {
            "uri": f"mongodb://127.0.0.1:{port}/?directConnection=true",
            "client": kind,
            "tls": True,
            "tls_disable_ocsp_endpoint_check": True,
            **QUICK,
        }
        own = {"tls_certificate_key_file": files["client.pem"]}
        async with MongoDBDocumentStore(MongoDBConfig(**known, **own, tls_ca_file=files["ca.pem"])) as store:
            await store.collection("things").insert_one({"_id": 1})
            assert await store.collection("things").count_documents({}) == 1

        for refused in (own, {"tls_ca_file": files["ca.pem"]}, {"tls": False}):
            with pytest.raises(NoSQLConnectionError):
                await MongoDBDocumentStore(MongoDBConfig(**{**known, **refused})).connect()
