#!/usr/bin/env python3
"""Run a job of this repository on a machine that has Python 3.11 or newer and nothing else.

    python3 tools/dev.py demo    the example service on real documents (--driver, --config)
    python3 tools/dev.py test    the tests (what follows goes to pytest)
    python3 tools/dev.py check   lint, types, and the wheels, with the tests that tell of them
    python3 tools/dev.py bench   the benchmarks
    python3 tools/dev.py integration   the tests on real servers (likewise)
    python3 tools/dev.py run    one script of hatch.toml, such as lint:fix or wheels:test
    python3 tools/dev.py shell   a shell, or one command, in the development environment

The first run of a job installs what it needs into .dev/ in the repository (a folder of the user's cache where the
repository cannot be written) and says so; later runs need no network. Delete that folder to undo all of it.
"""

# Older Pythons must get as far as the message below, so the syntax here is one that they all read.
import sys

if sys.version_info < (3, 11):  # noqa: UP036 - the message is for those who have only an older one
    sys.exit(
        "tools/dev.py needs Python 3.11 or newer; %s is %d.%d.\n"  # noqa: UP031 - the oldest Pythons read this too
        "Run it with a newer one, such as: python3.13 tools/dev.py %s"
        % (sys.executable, sys.version_info[0], sys.version_info[1], " ".join(sys.argv[1:]))
    )

if sys.platform == "win32":
    sys.exit("tools/dev.py runs on Linux and macOS; on Windows, use it inside WSL")

from bootstrap import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], __doc__ or ""))
