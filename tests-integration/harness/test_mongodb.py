"""The server of MongoDB's protocol answers, takes transactions, and can be killed and started again."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from servers import Server
from servers.mongodb import RestartableMongoDB
from servers.processes import Process

ROOT = Path(__file__).resolve().parents[2]


def client(uri: str) -> MongoClient[dict[str, Any]]:
    """Return a client that gives up soon."""
    return MongoClient(uri, serverSelectionTimeoutMS=2000)


def test_a_transaction_that_is_aborted_leaves_nothing(mongodb_server: Server) -> None:
    """The server is a replica set, however it came about."""
    with closing(client(mongodb_server.endpoint)) as connected:
        items = connected["harness"]["transactions"]
        items.drop()
        items.insert_one({"_id": 0})
        with connected.start_session() as session:
            session.start_transaction()
            items.insert_one({"_id": 1}, session=session)
            session.abort_transaction()
        assert list(items.find()) == [{"_id": 0}]


def test_what_was_acknowledged_outlives_the_process(restartable_mongodb: RestartableMongoDB) -> None:
    """Killed without its leave, a server comes back on the same port with its documents."""
    with closing(client(restartable_mongodb.uri)) as connected:
        items = connected["harness"]["items"]
        items.insert_many([{"_id": number} for number in range(100)])
        before = restartable_mongodb.process.pid

        restartable_mongodb.process.restart()

        assert restartable_mongodb.process.pid != before
        assert items.count_documents({}) == 100


def test_a_process_that_ends_says_why() -> None:
    """What it printed last is in the error, and nobody waits for it."""

    def wait(check: Any) -> None:
        while True:
            check()

    process = Process([sys.executable, "-c", "raise SystemExit('no such storage')"], wait)

    with pytest.raises(Exception, match="ended with 1: no such storage"):
        process.start()


OUTSIDE = """
import pytest
{body}
def test_it(mongodb_server):
    from pymongo import MongoClient
    with MongoClient(mongodb_server.endpoint) as client:
        print("PORT", client.admin.command("hello")["ok"], client.address[1], "END")
{more}
"""


@pytest.mark.parametrize(
    ("body", "more", "workers", "code"),
    [
        ("", "", "0", 0),
        ("", "", "2", 0),
        ("raise OSError('cannot be collected')", "", "0", 2),
        ("", "    import os, signal; os.kill(os.getpid(), signal.SIGINT)", "0", 2),
        ("", "    import os, signal; os.kill(os.getpid(), signal.SIGTERM); signal.pause()", "0", 143),
    ],
    ids=["passed", "xdist", "collection", "interrupt", "terminated"],
)
def test_a_run_leaves_no_server(body: str, more: str, workers: str, code: int, tmp_path: Path) -> None:
    """However a run ends, the one server that it started is gone."""
    pids = tmp_path / "pids"
    (tmp_path / "mongodb").mkdir()
    for name in ("conftest.py", "servers"):
        (tmp_path / name).symlink_to(ROOT / "tests-integration" / name)
    (tmp_path / "mongodb" / "test_outside.py").write_text(OUTSIDE.format(body=body, more=more))
    (tmp_path / "noted.py").write_text(
        "import subprocess\n"
        "from servers.processes import Process\n"
        "start = Process.start\n"
        "def noted(self):\n"
        "    start(self)\n"
        f"    with open({str(pids)!r}, 'a') as file:\n"
        "        file.write(f'{self.pid}\\n')\n"
        "Process.start = noted\n"
    )
    command = [
        *(sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), "--rootdir", str(tmp_path)),
        *("--servers=process", "--require-all", "-p", "noted", "-n", workers, "-p", "no:cacheprovider", "mongodb"),
    ]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}

    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment, check=False)

    assert done.returncode == code, done.stdout + done.stderr
    (pid,) = pids.read_text().split()
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)
