"""The Singer SDK's own suite for taps; it checks less than it says, so tap/test_tap.py carries the load."""

from singer_sdk.testing import SuiteConfig, get_tap_test_class

from clicksend.sandbox import Sandbox
from tap_clicksend.streams import ALL
from tap_clicksend.tap import TapClickSend
from tests.tap.runner import CREDENTIALS, catalog_of

# The suite wants its config when the class is made, so the server starts with the module.
BOX = Sandbox(seed=2, messages=200, contacts=60, dialect="documented").__enter__()
BOX.control("POST", "limits", {"GET /account": [1_000_000, 60]})


def teardown_module():
    BOX.__exit__(None, None, None)


TestTapClickSend = get_tap_test_class(
    TapClickSend,
    catalog=catalog_of(*(stream.name for stream in ALL)),
    config={"api_url": BOX.api_url, **CREDENTIALS},
    parse_env_config=False,
    suite_config=SuiteConfig(max_records_limit=120),
)
