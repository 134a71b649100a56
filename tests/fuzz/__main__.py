"""Any input for one reader, made by atheris: ``python -m tests.fuzz framing -max_total_time=60``.

What it begins with lies in ``corpus/``, a folder a reader; what it finds on the way is dropped. `make readers` runs
all.
"""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(
    include=["wainwright.agents", "wainwright.lsp.connection", "wainwright.domain"]
):
    from tests.fuzz.targets import TARGETS

CORPUS = Path(__file__).with_name("corpus")


def main() -> None:
    """Run until an input is found that a reader does not stand, or the time is over."""
    name, *options = sys.argv[1:]
    with tempfile.TemporaryDirectory() as found:
        atheris.Setup([sys.argv[0], *options, found, str(CORPUS / name)], TARGETS[name])
        atheris.Fuzz()


if __name__ == "__main__":
    main()
