"""The ``target-clicksend`` command."""

from __future__ import annotations

from singer_sdk.exceptions import ConfigValidationError

from clicksend import exit_codes
from target_clicksend.target import TargetClickSend


def main() -> None:
    """Run the target.

    Exit with 0 when done, rejected rows included; 1 after an error, failed rows, or too many rejected ones;
    2 for wrong settings; 3 when done, but for messages of which nobody knows whether they were sent; 128 +
    signal when stopped.
    """
    exit_codes.run_command(
        TargetClickSend.cli, TargetClickSend.logger, (ConfigValidationError,), TargetClickSend.end_report
    )


if __name__ == "__main__":
    main()
