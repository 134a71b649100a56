"""The person's words in a document of ours."""

import pytest

from wainwright.lsp.documents.quoted import quoted

PAGE = """\
# Run r1

> **Tests:** none of these are the person's

## Decide

- **plan-1** Is the plan right?
  - > a line of the plan
> Too large.
>
>  Split it.
not this

- **command-1** Run `x`?

```
> echo of the command
```

> only reading

## Your notes

- as said before (received by planner)

> mind the docs
> and the names

### More

> of another section
"""


@pytest.mark.parametrize(
    ("heading", "entry", "words"),
    [
        ("Decide", "plan-1", "Too large.\n\n Split it."),
        ("Decide", "command-1", "only reading"),
        ("Decide", "budget-1", ""),
        ("Your notes", "", "mind the docs\nand the names"),
        ("Newest", "", ""),
    ],
)
def test_words_are_read_under_their_heading_and_entry(heading: str, entry: str, words: str) -> None:
    assert quoted(PAGE, heading, entry) == words
    assert quoted(PAGE.replace("\n", "\r\n"), heading, entry) == words


def test_words_above_the_only_question_are_meant_for_it() -> None:
    one = "## Decide\n\n> yes, but later\n\n- **deploy-1** Start it?\n"
    assert quoted(one, "Decide", "deploy-1") == "yes, but later"
    assert quoted(f"{one}- **plan-1** Right?\n", "Decide", "deploy-1") == ""
