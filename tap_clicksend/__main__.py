"""The ``tap-clicksend`` command."""

from __future__ import annotations

import logging
import os
import sys

from singer_sdk.exceptions import ConfigValidationError

from clicksend.errors import ClickSendError, SettingsError
from tap_clicksend.tap import TapClickSend

UNEXPECTED = (
    "This should not happen: please report it, with what LOGLEVEL=DEBUG shows (look for personal data first)."
)


def main() -> None:
    """Run the tap; exit with 0, with 1 after an error, 2 for wrong settings, 128 + signal when stopped."""
    code: int | str | None = 0
    try:
        TapClickSend.cli()
    except SystemExit as stop:
        code = stop.code
    except (ClickSendError, ConfigValidationError) as error:
        TapClickSend.logger.error("%s", error)
        code = 2 if isinstance(error, SettingsError | ConfigValidationError) else 1
    except Exception as error:  # noqa: BLE001, a traceback can hold rows
        TapClickSend.logger.error("%s. %s", type(error).__name__, UNEXPECTED)
        TapClickSend.logger.debug("Where it happened:", exc_info=True)
        code = 1
    sys.stdout.flush()
    logging.shutdown()
    # Threads that still wait for ClickSend must not hold up the end.
    os._exit(code if isinstance(code, int) else int(code is not None))


if __name__ == "__main__":
    main()
