"""The tap with so many requests at once as its first argument says, whatever the server makes of them."""

import sys

from clicksend import concurrency

concurrency.FIRST = int(sys.argv.pop(1))
concurrency.Concurrency.answered = concurrency.Concurrency.refused = lambda *_: None

if __name__ == "__main__":
    from tap_clicksend.tap import TapClickSend

    TapClickSend.cli()
