"""``spark.read.format("clicksend")``: a stream of the tap as a DataFrame of Spark, read by its executors.

A batch is read, nothing is written or streamed: docs/spark.md says why.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from clicksend.extras import to_install
from clicksend.spark_plan import Plan

try:
    from pyspark.sql.datasource import DataSource, DataSourceReader, InputPartition
    from pyspark.sql.pandas.types import from_arrow_schema
except ModuleNotFoundError as missing:
    raise ModuleNotFoundError(
        f"{missing.name} is missing: {to_install('spark')}", name=missing.name
    ) from missing

if TYPE_CHECKING:
    import pyarrow as pa  # type: ignore[import-untyped]
    from pyspark.sql.types import StructType


class ClickSendDataSource(DataSource):  # type: ignore[misc]
    """A stream of the tap: ``spark.dataSource.register(ClickSendDataSource)`` makes it known.

    Options are ``stream``, ``since``, ``until``, ``numPartitions`` and those settings of ``clicksend.read``
    that are no secrets. Keys come from the environment of driver and executors.
    """

    @classmethod
    def name(cls) -> str:
        """Return what ``format`` is given."""
        return "clicksend"

    def schema(self) -> StructType:
        """Return the columns, with the types of ``clicksend.read``.

        Raises:
            SettingsError: An option is unknown, wrong or a secret, or the key is missing.
        """
        return from_arrow_schema(Plan(self.options).schema())

    def reader(self, schema: StructType) -> ClickSendReader:  # noqa: ARG002, Spark's signature
        """Return what plans the tasks, and reads in them."""
        return ClickSendReader(dict(self.options))


class ClickSendReader(DataSourceReader):  # type: ignore[misc]
    """A partition for each window of a history, one for any other stream."""

    def __init__(self, options: dict[str, str]) -> None:
        self._options = options

    def partitions(self) -> list[InputPartition]:
        """Cut the stream; see ``Plan.parts``."""
        return [InputPartition(part) for part in Plan(self._options).parts()]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:
        """Read a partition, in an executor; see ``Plan.read``."""
        return Plan(self._options).read(partition.value)
