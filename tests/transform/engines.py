"""Warehouses for dbt's models: PostgreSQL through its loader, and DuckDB over the tap's files."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import duckdb
import psycopg
from psycopg.rows import dict_row

from tests.e2e.checkout import ROOT
from tests.tap.lake import view

PROJECT = ROOT / "transform"
Row = dict[str, Any]


@dataclass
class Built:
    """What a build came to.

    Attributes:
        code: dbt's exit code.
        output: What it printed.
        results: Status and message of each model and test, by its name.
    """

    code: int
    output: str
    results: dict[str, tuple[str, str | None]] = field(default_factory=dict)

    @property
    def wrong(self) -> dict[str, tuple[str, str | None]]:
        """What did not end well, warnings included."""
        fine = ("success", "pass", "no-op")
        return {name: result for name, result in self.results.items() if result[0] not in fine}


class Warehouse:
    """A database of one engine."""

    engine: str
    variables: dict[str, str]

    def query(self, text: str) -> list[Row]:
        """Return the rows of a query, times in UTC."""
        raise NotImplementedError

    def build(
        self, dbt: Path, folder: Path, project: Path = PROJECT, models: str = "*", **variables: Any
    ) -> Built:
        """Let dbt build and test models.

        Args:
            dbt: The command.
            folder: Where dbt writes; what it has parsed there before it need not parse again.
            project: The dbt project.
            models: Which, as dbt's ``--select`` has it.
            variables: Its variables.
        """
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("DBT_", "PG"))}
        env = clean | {"DBT_TARGET_PATH": str(folder), "DBT_LOG_PATH": str(folder), **self.variables}
        command = [dbt, "--no-use-colors", "build", "--project-dir", project, "--profiles-dir", project]
        done = subprocess.run(
            [*command, "--select", models, "--target", self.engine, "--vars", json.dumps(variables)],
            env=env,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        found = folder / "run_results.json"
        results = json.loads(found.read_text())["results"] if found.exists() else []
        found.unlink(missing_ok=True)
        return Built(
            done.returncode,
            done.stdout + done.stderr,
            {one["unique_id"]: (one["status"], one["message"]) for one in results},
        )

    def rows(self, model: str) -> list[Row]:
        """Return all rows of a model."""
        return self.query(f"select * from clicksend_analytics.{model}")


class PostgresWarehouse(Warehouse):
    """A database of its own on a server."""

    engine = "postgres"

    def __init__(self, server: str) -> None:
        name = f"warehouse_{uuid4().hex}"
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"create database {name}")
        self.url = server.replace("@/postgres?", f"@/{name}?")
        host = parse_qs(urlsplit(server).query)["host"][0]
        self.variables = {"DBT_POSTGRES_HOST": host, "DBT_POSTGRES_DBNAME": name}

    def query(self, text: str) -> list[Row]:
        with psycopg.connect(self.url, options="-c timezone=UTC", row_factory=dict_row) as connection:
            cursor = connection.execute(text)
            return cursor.fetchall() if cursor.description else []


class DuckDbWarehouse(Warehouse):
    """A file; its raw tables are views over the tap's Parquet files."""

    engine = "duckdb"

    def __init__(self, file: Path) -> None:
        self._file = file
        self.variables = {"DBT_DUCKDB_PATH": str(file)}

    def query(self, text: str) -> list[Row]:
        with duckdb.connect(self._file) as connection:
            connection.execute("set timezone = 'UTC'")
            cursor = connection.execute(text)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def show(self, files: Path, streams: Iterable[str]) -> None:
        """Make the views; a stream without rows has no file, and then no view."""
        self.query("create schema if not exists clicksend")
        for stream in streams:
            if any(files.glob(f"{stream}/*/*.parquet")):
                self.query(view(files, stream))


@dataclass
class Loader:
    """target-postgres, with the settings of meltano.yml."""

    program: Path

    def load(self, messages: bytes, warehouse: PostgresWarehouse, folder: Path) -> None:
        """Load what a tap has written."""
        config = folder / "loader.json"
        settings = {
            "sqlalchemy_url": warehouse.url.replace("postgresql:", "postgresql+psycopg:"),
            "default_target_schema": "clicksend",
            "use_copy": True,
            "batch_size_rows": 50_000,
            "validate_records": False,
            "add_record_metadata": True,
            "activate_version": True,
            "sanitize_null_text_characters": True,
        }
        config.write_text(json.dumps(settings))
        done = subprocess.run(
            [self.program, "--config", config], input=messages, capture_output=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stderr.decode()[-2000:]
