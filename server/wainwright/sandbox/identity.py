"""Which process is meant: its id and its start time, because ids are used again."""

from pathlib import Path

_STATE, _START = 0, 19  # positions after the name: fields 3 and 22 of proc_pid_stat(5)


def start_time(pid: int) -> float | None:
    """Start of a live process in clock ticks since boot, or None when there is none (a zombie counts as none).

    Ticks, not seconds of the calendar: they do not move when somebody sets the clock.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name stands in parentheses and may itself contain spaces and parentheses.
    fields = stat.rpartition(")")[2].split()
    return None if fields[_STATE] in "ZX" else float(fields[_START])
