"""What the tests of Spark have it do, in a Python that has it; what comes of it is in ``results.json``."""

import contextlib
import io
import json
import resource
import sys
from pathlib import Path

import requests
from pyspark.sql import SparkSession
from pyspark.sql import functions as f

from clicksend.spark import ClickSendDataSource, ClickSendReader


class MeasuredReader(ClickSendReader):
    """Leaves the largest size of its process, in kB."""

    def __init__(self, options, folder):
        super().__init__(options)
        self.folder = folder

    def read(self, partition):
        yield from super().read(partition)
        Path(self.folder).write_text(str(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))


class Measured(ClickSendDataSource):
    """The same source; the file for its size is in the environment of who plans."""

    @classmethod
    def name(cls):
        return "measured"

    def reader(self, schema):  # noqa: ARG002, Spark's signature
        options = dict(self.options)
        return MeasuredReader(options, options.pop("user_agent"))


class Job:
    def __init__(self, given):
        self.given = given
        builder = SparkSession.builder
        for name, value in given["conf"].items():
            builder = builder.config(name, value)
        self.spark = builder.getOrCreate()
        self.spark.dataSource.register(ClickSendDataSource)
        self.spark.dataSource.register(Measured)

    def load(self, stream="sms_history", source="clicksend", **options):
        reader = self.spark.read.format(source).option("stream", stream)
        for name, value in {"api_url": self.given["api_url"], "max_retries": "0", **options}.items():
            reader = reader.option(name, value)
        return reader.load()

    def write(self, frame, name):
        frame.write.parquet(f"{self.given['folder']}/{name}")

    def control(self, method, name, body=None):
        answer = requests.request(method, f"{self.given['control']}/{name}", json=body, timeout=60)
        assert answer.ok, answer.text

    def refused(self, action):
        try:
            action()
        except Exception as error:  # noqa: BLE001, whatever Spark makes of it
            return str(error)
        return None

    def whole(self):
        """Read all there is, and show the plan."""
        frame = self.load()
        self.write(frame.withColumn("part", f.spark_partition_id()), "whole")
        with contextlib.redirect_stdout(io.StringIO()) as shown:
            frame.explain(extended=True)
        return shown.getvalue()

    def failing_page(self):
        fault = {"kind": "status", "status": 400, "path": "/sms/history", "query": {"page": "3"}, "times": -1}
        self.control("POST", "faults", fault)
        try:
            return self.refused(lambda: self.load().count())
        finally:
            self.control("DELETE", "faults")

    def secret(self):
        return self.refused(lambda: self.load(api_key=self.given["key"]))

    def streams(self):
        for stream in ("contacts", "lists"):
            self.write(self.load(stream), stream)

    def merge(self):
        """Do what the page says instead of MERGE, three days later."""
        self.write(self.load(), "messages")
        self.control("POST", "clock", {"advance": 3 * 86_400})
        self.spark.read.parquet(f"{self.given['folder']}/messages").createOrReplaceTempView("messages")
        self.load(since=self.given["since"]).createOrReplaceTempView("fresh")
        self.write(self.spark.sql(self.given["merge"]), "merged")

    def memory(self):
        sizes = []
        for number, url in enumerate(self.given["sized"]):
            file = Path(self.given["folder"], f"size-{number}")
            rows = self.load(source="measured", api_url=url, numPartitions="1", user_agent=str(file)).count()
            sizes.append((rows, int(file.read_text())))
        return sizes


if __name__ == "__main__":
    job = Job(json.loads(Path(sys.argv[1]).read_text()))
    results = {step: getattr(job, step)() for step in job.given["steps"]}
    job.spark.stop()
    Path(job.given["folder"], "results.json").write_text(json.dumps(results))
