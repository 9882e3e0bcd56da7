"""The Singer SDK's own suite for taps; it checks less than it says, so tap/test_tap.py carries the load.

Each of its tests is one here, for all streams and attributes: its own class would be hundreds, begun while
tests are collected. A test of an attribute remembers the values of the first, so each gets a new one.
"""

import warnings

import pytest
from singer_sdk.testing import SuiteConfig
from singer_sdk.testing.runners import TapTestRunner
from singer_sdk.testing.suites import tap_stream_attribute_tests, tap_stream_tests, tap_tests

from tap_clicksend.streams import ALL
from tap_clicksend.tap import TapClickSend
from tests.sandbox.runner import EPOCH
from tests.tap.runner import CREDENTIALS, catalog_of

CONFIG = SuiteConfig(max_records_limit=120)


@pytest.fixture(scope="module")
def runner():
    from clicksend.sandbox import Sandbox

    with Sandbox(seed=2, messages=200, contacts=60, epoch=EPOCH, dialect="documented") as box:
        box.control("POST", "limits", {"GET /account": [1_000_000, 60]})
        runner = TapTestRunner(
            tap_class=TapClickSend,
            config={"api_url": box.api_url, **CREDENTIALS},
            suite_config=CONFIG,
            catalog=catalog_of(*(stream.name for stream in ALL)),
            parse_env_config=False,
        )
        runner.sync_all()
        yield runner


def problems(runner, test, cases):
    """Return what is wrong, by case."""
    found = {}
    for case in cases:
        try:
            test().run(CONFIG, None, runner, *case)
        except Exception as wrong:  # noqa: BLE001, all are shown
            found[tuple(map(str, case))] = repr(wrong)
    return found


@pytest.mark.parametrize("test", tap_tests.tests)
def test_tap(runner, test):
    assert problems(runner, test, [()]) == {}


@pytest.mark.parametrize("test", tap_stream_tests.tests)
def test_streams(runner, test):
    streams = runner.new_tap().streams.values()
    assert len(streams) == len(ALL)
    assert problems(runner, test, [(stream,) for stream in streams]) == {}


@pytest.mark.parametrize("test", tap_stream_attribute_tests.tests)
def test_attributes(runner, test):
    attributes = [
        (stream, name)
        for stream in runner.new_tap().streams.values()
        for name, schema in stream.stream_maps[-1].transformed_schema["properties"].items()
        if test.evaluate(stream=stream, property_name=name, property_schema=schema)
    ]
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "No records were available to test")  # of columns that are all null
        assert problems(runner, test, attributes) == {}
