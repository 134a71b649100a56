"""The person's words in a document of ours: lines that begin with ``> `` under a heading that we wrote."""

import re

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r"#{1,6} +(.*?)\s*")
_ENTRY = re.compile(r"- \*\*([^*]+)\*\*")


def quoted(text: str, heading: str, entry: str = "") -> str:
    """What the person wrote under a heading, without the marks; empty: nothing.

    ``entry`` names one of the items ``- **NAME**`` there: what stands under another one is not meant. What stands in
    a fence is material, and so is a mark that does not begin its line.
    """
    found: dict[str, list[str]] = {}
    inside, name, fence = False, "", ""
    names = set()
    for line in text.splitlines():
        if fence:
            fence = "" if line.strip().startswith(fence) and not line.strip().strip(fence[0]) else fence
            continue
        if opens := _FENCE.match(line):
            fence = opens[1]
        elif title := _HEADING.fullmatch(line):
            inside, name = title[1] == heading, ""
        elif inside and (begins := _ENTRY.match(line)):
            name = begins[1]
            names.add(name)
        elif inside and (line == ">" or line.startswith("> ")):
            found.setdefault(name, []).append(line[2:].rstrip())
    lines = found.get(entry) or (found.get("", []) if len(names) <= 1 else [])
    return "\n".join(lines).strip()
