"""The ``tap-clicksend`` command."""

from __future__ import annotations

from singer_sdk.exceptions import ConfigValidationError

from clicksend import exit_codes
from tap_clicksend.tap import TapClickSend


def main() -> None:
    """Run the tap; exit with 0, with 1 after an error, 2 for wrong settings, 128 + signal when stopped."""
    exit_codes.run_command(
        TapClickSend.cli, TapClickSend.logger, (ConfigValidationError,), TapClickSend.end_report
    )


if __name__ == "__main__":
    main()
