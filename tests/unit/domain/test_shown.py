"""What is shown is seen as it is, and does nothing: payloads, and where they may go."""

import json
import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wainwright.domain import shown

ESC = "\x1b"
PAYLOADS = {
    "colours": f"{ESC}[31mred{ESC}[0m",
    "title of the window": f"{ESC}]0;owned\x07",
    "clipboard": f"{ESC}]52;c;cm0gLXJmIH4=\x07",
    "link of a terminal": f"{ESC}]8;;http://evil.example{ESC}\\here{ESC}]8;;{ESC}\\",
    "clears the screen": f"{ESC}[2J{ESC}[H",
    "one byte introducer": "\x9b31mred",
    "one byte command": "\x9d52;c;cm0=\x9c",
    "device control": f"{ESC}P+q544e{ESC}\\",
    "overwrites its line": "rm -rf ~\rls       ",
    "takes letters back": "rm\x08\x08ls",
    "rings": "\x07",
    "delete": "a\x7fb",
    "null": "a\x00b",
    "form feed": "a\x0cb",
    "next line": "a\x85b",
    "line separator": "a\u2028b\u2029c",
    "right to left": "access\u202e \u2066// check if admin\u2069",
    "marks of direction": "a\u200eb\u200fc\u061cd",
    "zero width": "pass\u200bword\ufeff\u2060",
    "joiner in a name": "pass\u200dword\u200c",
    "tags": "hi\U000e0068\U000e0069\U000e007f",
    "hidden variants": "x\U000e0100",
    "filler": "a\u3164b\u115fc\uffa0",
    "soft hyphen": "pay\xadpal",
    "half a pair": "a\ud800b",
    "invisible plus": "a\u2064b",
}
DESTINATIONS: dict[str, Callable[[str], str]] = {
    "terminal": shown.terminal,
    "message": shown.message,
    "line": shown.in_line,
    "markdown": shown.markdown,
    "json": shown.json_text,
}
SEEN_AS_IT_IS = (
    "plain",
    "Grüße, 東京, шум, مرحبا",
    "👩‍💻 and 🏳️‍🌈 and می‌خواهم",
    'a\\b `c` "d" <e> [f](g.py) & 50 %',
)


@pytest.mark.parametrize("destination", DESTINATIONS)
@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_what_nobody_sees_is_spelled(payload: str, destination: str) -> None:
    told = DESTINATIONS[destination](payload)
    assert all(one.isprintable() or one == "\n" for one in told), ascii(told)
    assert "\\" in told
    told.encode()


@pytest.mark.parametrize("destination", [one for one in DESTINATIONS if one != "markdown"])
@pytest.mark.parametrize("text", SEEN_AS_IT_IS)
def test_ordinary_text_is_not_touched(text: str, destination: str) -> None:
    assert DESTINATIONS[destination](text) == text


def test_nothing_is_dropped() -> None:
    assert shown.terminal("rm -rf ~\rls\x1b[8m\u202e\U000e0041") == "rm -rf ~\\rls\\x1b[8m\\u202e\\U000e0041"
    assert shown.terminal("a\r\nb\n\tc") == "a\nb\n\tc"


def test_a_name_stays_on_its_line() -> None:
    assert shown.in_line("a.py\n\n# Approved\tby you\r\nx") == "a.py\\n\\n# Approved\\tby you\\r\\nx"


@given(st.text(st.characters(exclude_categories=())))
def test_what_was_made_fit_stays_as_it_is(text: str) -> None:
    for way in (shown.terminal, shown.in_line, shown.message):
        assert way(way(text)) == way(text)
    assert "\n" not in shown.in_line(text)


@given(st.text())
def test_json_says_the_same(text: str) -> None:
    written = json.dumps({"a": text}, ensure_ascii=False)
    assert json.loads(shown.json_text(written)) == {"a": text}


def test_what_an_editor_applies_or_sends_back_is_exact() -> None:
    sent = {
        "title": "a\x1b[0m",
        "command": {"title": "\u202eb", "arguments": [{"goal": "\u202ec"}]},
        "edit": {"changes": {"file:///a": [{"newText": "\x1b"}]}},
        "many": ["[x](command:workbench.action.quit)"],
    }
    assert shown.message_within(sent) == {
        "title": "a\\x1b[0m",
        "command": {"title": "\\u202eb", "arguments": [{"goal": "\u202ec"}]},
        "edit": {"changes": {"file:///a": [{"newText": "\x1b"}]}},
        "many": ["[x]\\(command:workbench.action.quit)"],
    }


# ---- links and pictures

RUNS = (
    "[a](command:workbench.action.terminal.new)",
    "[a](COMMAND:x)",
    "[a]( command:x)",
    "[a](\n command:x)",
    "[a](<command:x>)",
    "[a](<java\tscript:x>)",
    "[a](command\\:x)",
    "[a](command&colon;x)",
    "[a](&#99;ommand:x)",
    "[a](java&Tab;script:alert(1))",
    f"[a](java{'&Tab;' * 90}script:alert(1))",
    "[a](%63ommand:x)",
    "[a](command%3Ax)",
    "[a](vscode://file/etc/passwd)",
    "[a](vscode-insiders:x)",
    "[a](javascript:alert(1))",
    "[a](data:text/html,x)",
    "[a](file:///etc/passwd)",
    "[a](//evil.example/x)",
    "[a](\\\\evil\\share)",
    "[`a`](command:x)",
    "[https://good.example/a](https://evil.example/a)",
    "[Http://good.example](<https://good.example@evil.example>)",
    "[see www.good.example](//good.example)",
)


@pytest.mark.parametrize("link", RUNS)
@pytest.mark.parametrize("way", [shown.markdown, shown.message])
def test_a_link_that_runs_something_is_none(link: str, way: Callable[[str], str]) -> None:
    assert "](" not in way(f"See {link}.")


@pytest.mark.parametrize(
    "link",
    [
        "[a](app.py)",
        "[a](src/app.py#L12)",
        "[a](app.py:12)",
        "[a](app.py:12-14)",
        "[a](../x%20y.md)",
        "[a](#top)",
        "[a](https://example.org/x?y=1)",
        "[a](http://localhost:8000)",
        "[a](mailto:a@example.org)",
    ],
)
@pytest.mark.parametrize("way", [shown.markdown, shown.message])
def test_a_link_to_a_file_or_a_page_stays(link: str, way: Callable[[str], str]) -> None:
    assert way(f"See {link}.") == f"See {link}."


MADE_TEXT = {
    "![a](http://evil.example/a.png)": "\\![a](http://evil.example/a.png)",
    "![a][b]": "\\![a][b]",
    "[![a](http://evil.example)](command:x)": "[\\![a](http://evil.example)]\\(command:x)",
    "\\\\![a](x)": "\\\\\\![a](x)",
    "[b]: command:x": "[b]\\: command:x",
    "[b]:\n  <command:x>": "[b]\\:\n  \\<command:x>",
    "<img src=http://evil.example>": "\\<img src=http://evil.example>",
    "<a href='command:x'>": "\\<a href='command:x'>",
    "<command:x>": "\\<command:x>",
    "</div><!-- x --><?x?>": "\\</div>\\<!-- x -->\\<?x?>",
    "<script\nsrc=x>": "\\<script\nsrc=x>",
    "a < b and b > c <3": "a < b and b > c <3",
    "\\![a](x)": "\\![a](x)",
    "$$\n```": "\\$$\n```",
    "---\ntitle: ![a](x)\n---": "\\---\ntitle: \\![a](x)\n---",
}


@pytest.mark.parametrize("text", MADE_TEXT)
def test_markdown_that_acts_is_text(text: str) -> None:
    assert shown.markdown(text) == MADE_TEXT[text]


PICTURE = "![x](http://evil.example/x.png)"
LOOKS_LIKE_CODE = {
    "in a fence that a list ends": f"- a\n  ```\n{PICTURE}\n  ```",
    "in a fence that a quote ends": f"> ```\n{PICTURE}\n> ```",
    "after a fence that is closed with blanks": f"```\n   ```\n{PICTURE}\n```",
    "after a fence that is closed with more": f"```\n`````\n{PICTURE}\n```",
    "in what is no fence": f"``` a`b\n{PICTURE}\n```",
    "between spans over lines": f"`a\n` {PICTURE} `b`",
    "after a blank that is none": f"`a\n\u00a0\n` {PICTURE} `b`",
    "in a cell": f"|a|b|\n|-|-|\n| ` | {PICTURE} ` |",
    "after marks that are text": f"\\` {PICTURE} `",
    "in a formula": f"$`$ {PICTURE} `",
    "in a formula of lines": f"$$\n```\n$$\n{PICTURE}\n```",
    "after a tag": f"<a title='`'> {PICTURE} `",
    "after marks of another length": f"`` ` {PICTURE} `",
    "in what stands at the top": f"---\n```\n---\n{PICTURE}\n```",
}


@pytest.mark.parametrize("text", LOOKS_LIKE_CODE.values(), ids=LOOKS_LIKE_CODE)
def test_what_only_looks_like_code_fetches_nothing(text: str) -> None:
    assert PICTURE in text
    told = shown.markdown(text)
    inert = PICTURE not in told.replace(f"\\{PICTURE}", "")
    # Where all that would end the code is text itself, the picture stands in code for every reader.
    assert inert or told.startswith(("\\$$\n```", "\\---\n```", "\\<a"))


CODE = """# Title

A `List<String>` in ``a ` b`` and `[x](command:y)`, `![a](b)`.

| a | b |
|---|---|
| `x<T>` | `a \\| b` |

```html
<img src="a.png">
![a](b)
$$ [x](command:y)
```

~~~~
```
<b>
~~~
~~~~

- [x] done: `a<b>`
- **R1** text
"""


def test_code_links_and_tables_stay_readable() -> None:
    assert shown.markdown(CODE) == CODE


@pytest.mark.parametrize(
    "unit",
    ["](", "![", "<a", "`", "``` ", "\\", "[a]:", "](<", "$$", "\u200d", "` `` ", "](x", "`|", "<!--", "](&"],
)
def test_it_takes_time_with_the_length_only(unit: str) -> None:
    began = time.process_time()
    for way in DESTINATIONS.values():
        way(unit * 30_000)
    assert time.process_time() - began < 5


@pytest.mark.parametrize(
    "payload", [text for name, text in PAYLOADS.items() if name != "overwrites its line"]
)
def test_a_model_sees_what_a_person_would_not(payload: str) -> None:
    told, hidden = shown.for_model(payload)
    assert hidden or payload == PAYLOADS["form feed"]
    assert shown.for_model(told) == (told, 0)
    assert shown.as_it_was(told, payload) == payload


@pytest.mark.parametrize("text", ["a\r\nb\tc\f", "", "naïve 日本 👩‍👩‍👧 سلام", "\\u202e"])
def test_a_model_is_told_ordinary_text_as_it_is(text: str) -> None:
    assert shown.for_model(text) == (text, 0)
    assert shown.as_it_was(text, text) == text


def test_what_is_spelled_in_a_file_in_so_many_words_stays() -> None:
    assert shown.as_it_was("'\\u202e'", "a = '\u202e' or '\\u202e'") == "'\\u202e'"


@given(st.text())
def test_what_a_model_quotes_is_what_stands_there(text: str) -> None:
    told, _ = shown.for_model(text)
    assert shown.as_it_was(told, text) in (text, told)
    assert "\\" in text or shown.as_it_was(told, text) == text
