"""`make parity`: what a receipt says inside beside what the plain command says outside, for each made workspace."""

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from tests.parity.made import Missing, Workspace, known
from tests.parity.measure import Measured, measure, table, why


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make parity", description=__doc__)
    parser.add_argument("--only", default="", help="which workspaces, with commas between (all)")
    parser.add_argument("--rounds", type=int, default=3, help="how often each side is measured")
    parser.add_argument("--json", type=Path, help="a file for all that was measured")
    parser.add_argument("--list", action="store_true", help="only say which workspaces there are")
    chosen = parser.parse_args()
    unknown = set(filter(None, chosen.only.split(","))) - {one.name for one in known()}
    if unknown:
        parser.error(f"no such workspace: {', '.join(sorted(unknown))}")
    return chosen


def measured(chosen: list[Workspace], rounds: int) -> tuple[list[Measured], dict[str, str]]:
    """The rows, and why the others have none."""
    rows: list[Measured] = []
    without: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="parity-", ignore_cleanup_errors=True) as scratch:
        for one in chosen:
            print(f"… {one.name}", file=sys.stderr, flush=True)
            try:
                rows.append(measure(one, Path(scratch), rounds))
            except Missing as error:
                without[one.name] = str(error)
            except Exception as error:  # noqa: BLE001  (whatever ails one workspace, the others are measured)
                without[one.name] = f"not measured: {type(error).__name__}: {error}"
    return rows, without


def main() -> int:
    chosen = arguments()
    wanted = [one for one in known() if not chosen.only or one.name in chosen.only.split(",")]
    if chosen.list:
        print(*(f"{one.name}: {one.about}" for one in wanted), sep="\n")
        return 0
    rows, without = measured(wanted, chosen.rounds)
    print(*table(rows), *why(rows), sep="\n")
    print(*(f"\nleft out: {name}: {reason}" for name, reason in without.items()), sep="\n")
    if chosen.json:
        data = {"rows": [{**asdict(one), "in_time": one.in_time} for one in rows], "left_out": without}
        chosen.json.write_text(json.dumps(data, indent=1))
    failed = [name for name, reason in without.items() if not reason.startswith("missing")]
    return int(bool(failed) or any(not one.equal or not one.in_time for one in rows))


if __name__ == "__main__":
    raise SystemExit(main())
