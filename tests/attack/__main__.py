"""``make attacks``: every group and kind, on weak builds too, as who calls it; if that is root, then as another."""

import os
import subprocess
import sys

from tests.attack.kinds import KINDS
from tests.fixtures.ordinary import as_an_ordinary_user


def main() -> int:
    places = sorted({f"tests/{place}" for places in KINDS.values() for place in places})
    tests = ["env", "ATTACKS=all", sys.executable, "-m", "pytest", "-q", "tests/attack", *places]
    failed = subprocess.run(tests, check=False).returncode != 0
    if os.getuid() == 0:
        print("and as an ordinary user:", flush=True)
        failed |= subprocess.run([*as_an_ordinary_user(), *tests], check=False).returncode != 0
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
