"""The command ``themeline``, as the wheel installs it."""

from __future__ import annotations

import signal
import sys

from . import _themeline


def main() -> int:
    """Runs the command line of the engine, and gives its exit code."""
    # Ctrl-C and a closed pipe end the command as they end any other, without a Python traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return _themeline.command(["themeline", *sys.argv[1:]])


if __name__ == "__main__":
    sys.exit(main())
