"""An S3 on this machine, and the programs that write there and load from there."""

from __future__ import annotations

import re
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest
from pyarrow.fs import FileSelector, S3FileSystem

from tests.command import environment
from tests.e2e.checkout import ROOT
from tests.e2e.kept import environment_of

SECRET = "not-a-secret-of-anybody"


@dataclass
class ObjectStore:
    """A bucket.

    Attributes:
        env: The variables by which AWS's own programs find it.
        bucket: Its name.
    """

    endpoint: str
    bucket: str
    log: Path

    @property
    def env(self) -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.endpoint,
        }

    @property
    def root(self) -> str:
        return f"s3://{self.bucket}/of a team"

    @property
    def files(self) -> S3FileSystem:
        """The bucket as pyarrow reads it: no part of what the tap writes with."""
        host = self.endpoint.removeprefix("http://")
        return S3FileSystem(
            access_key="test", secret_key=SECRET, endpoint_override=host, scheme="http", region="us-east-1"
        )

    def names(self) -> list[str]:
        """Return the names of all objects, without the bucket's."""
        found = self.files.get_file_info(FileSelector(self.bucket, recursive=True))
        return sorted(one.path.removeprefix(f"{self.bucket}/") for one in found if one.is_file)

    def read(self, name: str) -> bytes:
        with self.files.open_input_file(f"{self.bucket}/{name}") as file:
            return file.read()

    def asked(self) -> set[str]:
        """Return the kinds of requests that came for this bucket since it was made."""
        kinds = re.findall(rf'"([A-Z]+) /{self.bucket}[/? ]', self.log.read_text())
        assert kinds[0] == "PUT"
        return set(kinds[1:])

    def has_bucket(self, name: str) -> bool:
        try:
            with urlopen(Request(f"{self.endpoint}/{name}", method="HEAD"), timeout=10):
                return True
        except HTTPError:
            return False


@pytest.fixture(scope="session")
def programs() -> Path:
    """Return the folder of a tap, a Meltano and a Python that can write to S3."""
    return environment_of(ROOT / "requirements-s3.txt", editable=ROOT)


@pytest.fixture(scope="session")
def loader() -> Path:
    """Return the target-postgres that loads from there."""
    return environment_of(ROOT / "requirements-loader-files.txt") / "target-postgres"


@pytest.fixture(scope="session")
def _moto(programs, tmp_path_factory):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url, log = f"http://127.0.0.1:{port}", tmp_path_factory.mktemp("moto") / "log"
    command = [programs / "moto_server", "-H", "127.0.0.1", "-p", str(port)]
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as server:
        try:
            for _ in range(600):
                with suppress(OSError), urlopen(f"{url}/moto-api/", timeout=10):
                    break
                assert server.poll() is None, log.read_text()
                time.sleep(0.1)
            yield url, log
        finally:
            server.terminate()


@pytest.fixture
def s3(_moto) -> ObjectStore:
    """Return an empty bucket."""
    store = ObjectStore(_moto[0], f"lake-{uuid4().hex}", _moto[1])
    with urlopen(Request(f"{store.endpoint}/{store.bucket}", method="PUT"), timeout=10):
        return store


def run_program(
    *command: str | Path, env: dict[str, str], stdin: str = "", folder: Path | None = None
) -> CompletedProcess[str]:
    """Run a program with nothing of this one's environment."""
    return subprocess.run(
        command,
        cwd=folder,
        env=environment(**env),
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=900,
    )
