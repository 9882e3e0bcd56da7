"""Prints how long dbt takes to build and test all models over so many messages in PostgreSQL."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import psycopg

from demo.postgres import Postgres
from tests.bench.runs import KIBIBYTES, ROOT, BenchError
from tests.transform.dbt import installed

PROJECT = ROOT / "transform"
# As the loader makes the tables, without its primary keys: dbt reads them whole.
TABLES = """
create schema clicksend;
select setseed(0.5);
create table clicksend.sms_history as
select
    md5('m' || n) as message_id,
    case when n % 12 = 0 then 'in' else 'out' end as direction,
    timestamp '2026-08-01' + n * interval '122 days' / {messages} as date,
    case when n % 12 = 0 then '+61447254068' else '+614' || n * 7919 % ({messages} / 20 + 1) end as "to",
    case when n % 12 = 0 then '+614' || n * 7919 % ({messages} / 20 + 1) else '+61447254068' end as "from",
    case n % 5
        when 0 then 'Hi Zoë, your order ' || n || ' is on its way ☀️ ' || repeat('and more ', 6)
        when 1 then 'شكرا محمد، رقم طلبك ' || n
        else 'Your code is ' || n || '. Do not share it with anyone.'
    end as body,
    case when n % 12 = 0 then 'Received' when n % 9 = 0 then 'Failed' else 'Sent' end as status,
    case when n % 12 = 0 then null when n % 9 = 0 then '301' when n % 15 = 0 then '200' else '201' end
        as status_code,
    case when n % 9 = 0 then 'Absent Subscriber.' else 'Message delivered to the handset' end as status_text,
    case when n % 5 < 2 then 2 else 1 end::bigint as message_parts,
    case when n % 12 = 0 then 0 else 0.0792 end::numeric as message_price,
    case when n % 3 = 0 then 'campaign-' || n % 50 else 'order-' || n end as custom_string,
    (array['AU', 'US', 'GB', 'NZ'])[1 + n % 4] as country,
    (array['Telstra', 'Optus', 'EE'])[1 + n % 3] as carrier,
    timestamp '2026-12-01' as _sdc_extracted_at,
    null::timestamp as _sdc_deleted_at
from generate_series(1::bigint, {messages}) as n;
create table clicksend.sms_receipts as
select
    md5('r' || n || status_code) as receipt_id,
    md5('m' || n) as message_id,
    status_code,
    timestamp '2026-08-01' + n * interval '122 days' / {messages} + interval '2 seconds' * (1 + n % 50)
        as timestamp
from generate_series(1::bigint, {messages}) as n
cross join (values ('200'), ('201')) as codes (status_code)
where n % 12 <> 0 and (status_code = '201' or n % 4 = 0);
create table clicksend.sms_inbound as
select
    message_id,
    date as timestamp,
    "from",
    "to",
    body,
    case when random() < 0.9 then md5('m' || (1 + random() * {messages})::int) end as original_message_id
from clicksend.sms_history
where direction = 'in';
"""


class Built(NamedTuple):
    """A build: seconds, seconds of the processor and peak megabytes of dbt alone."""

    seconds: float
    busy: float
    megabytes: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and return the exit code."""
    parser = argparse.ArgumentParser(prog="tests.bench.models", description=__doc__)
    parser.add_argument("--messages", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    options = parser.parse_args(arguments)
    sys.stdout.write(f"{'dbt build':<20}{'messages':>12}{'seconds':>10}{'CPU s':>8}{'peak MB':>9}\n")
    try:
        for messages in options.messages:
            built = _build(messages)
            sys.stdout.write(
                f"{'':<20}{messages:>12,}{built.seconds:>10.1f}{built.busy:>8.1f}{built.megabytes:>9.0f}\n"
            )
            sys.stdout.flush()
    except BenchError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _build(messages: int) -> Built:
    """Fill a warehouse, and build all models.

    Raises:
        BenchError: A model or test failed.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as name, Postgres(Path(name) / "postgres") as url:
        Path(name).chmod(0o755)
        with psycopg.connect(url, autocommit=True) as database:
            database.execute(TABLES.format(messages=messages).encode())
            database.execute("vacuum analyze")
        variables = {
            "DBT_POSTGRES_HOST": parse_qs(urlsplit(url).query)["host"][0],
            "DBT_TARGET_PATH": name,
            "DBT_LOG_PATH": name,
        }
        command = [installed(), "build", "--project-dir", PROJECT, "--profiles-dir", PROJECT]
        began = time.perf_counter()
        with (Path(name) / "output").open("wb") as output:
            process = subprocess.Popen(command, env=os.environ | variables, stdout=output, stderr=output)
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise BenchError(f"dbt failed:\n{(Path(name) / 'output').read_text()[-2000:]}")
        return Built(
            time.perf_counter() - began,
            usage.ru_utime + usage.ru_stime,
            usage.ru_maxrss * KIBIBYTES / 1024,
        )


if __name__ == "__main__":
    sys.exit(main())
