"""What can be said about commands and clients without a conversation."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from lsprotocol.converters import get_converter
from lsprotocol.types import InitializeParams

from wainwright.lsp.connection.capabilities import ClientProfile, client_profile
from wainwright.lsp.connection.commands import Call, Commands
from wainwright.lsp.documents.goal_page import TEMPLATE, goal_text, unclear
from wainwright.lsp.messages import NoArguments, Wire
from wainwright.lsp.options import read_options
from wainwright.lsp.reference import FILES
from wainwright.lsp.server import VERSION

ROOT = Path(__file__).resolve().parents[3]


def profile(name: str, **more) -> ClientProfile:
    recorded = json.loads((ROOT / "tests" / "clients" / "profiles" / f"{name}.json").read_text())
    recorded["capabilities"].update(more)
    return client_profile(
        get_converter().structure({"processId": None, "rootUri": None, **recorded}, InitializeParams)
    )


def test_the_list_of_commands_is_data():
    commands = Commands()

    class Start(Wire):
        goal: str
        max_turns: int = 3

    @commands.command("probe.start", "Start")
    async def start(call: Call, arguments: Start) -> None: ...

    @commands.command("probe.stop", "Stop")
    async def stop(call: Call, arguments: NoArguments) -> None: ...

    described = commands.entries()
    assert [(entry.name, entry.title) for entry in described] == [
        ("probe.start", "Start"),
        ("probe.stop", "Stop"),
    ]
    schema = described[0].arguments.model_json_schema(by_alias=True)
    assert set(schema["properties"]) == {"goal", "maxTurns"}
    assert schema["required"] == ["goal"]
    assert schema["additionalProperties"] is False
    with pytest.raises(ValueError, match="two commands"):
        commands.command("probe.stop", "Stop again")(stop)


def test_a_command_without_a_model_is_refused_when_it_is_registered():
    async def bare(call: Call) -> None: ...

    with pytest.raises(TypeError):
        Commands().command("probe.bare", "Bare")(bare)


def test_the_profile_of_a_client_that_hides_what_it_can():
    neovim = profile("neovim-0.12")
    assert neovim.document_changes, "not advertised, but resource operations are"
    assert neovim.apply_edit
    assert not neovim.rich


def test_the_profiles_of_the_others():
    eglot, vscode = profile("eglot-1.17"), profile("vscode-10.1")
    assert (eglot.document_changes, eglot.change_annotations) == (True, False)
    assert not eglot.code_lens_refresh
    assert (eglot.questions_take_keys, vscode.questions_take_keys) == (True, False)
    assert vscode.change_annotations
    assert vscode.code_lens_refresh
    assert vscode.work_done_progress


@pytest.mark.parametrize(
    ("experimental", "rich"),
    [
        ({"wainwright": {"events": True}}, True),
        ({"wainwright": True}, True),
        ({"wainwright": False}, False),
        ({}, False),
        ("odd", False),
    ],
)
def test_our_own_clients_are_told_from_the_others(experimental, rich):
    assert profile("vscode-10.1", experimental=experimental).rich == rich


@pytest.mark.parametrize(
    ("said", "rich", "types"),
    [
        ({"input": True}, True, True),
        ({"input": True, "events": False}, False, True),
        (True, True, False),
        ({"input": "yes"}, True, False),
        (False, False, False),
    ],
)
def test_a_client_says_whether_it_takes_a_line_of_text(said, rich, types):
    seen = profile("vscode-10.1", experimental={"wainwright": said})
    assert (seen.rich, seen.input) == (rich, types)


def test_the_version_is_the_one_of_the_package():
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION


def test_a_server_is_made_without_anything_heavy():
    code = (
        "import sys; from wainwright.lsp.server import create_server; create_server(); "
        "print(sorted({name.split('.')[0] for name in sys.modules} - set(sys.stdlib_module_names)))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT / "server")},
    )
    allowed = {
        "pygls", "lsprotocol", "attr", "attrs", "cattr", "cattrs", "typing_extensions",
        "pydantic", "pydantic_core", "annotated_types", "typing_inspection", "wainwright", "__main__",
    }  # fmt: skip
    extra = {
        name
        for name in eval(found.stdout)
        if name not in allowed and not name.startswith(("_", "sitecustomize"))
    }
    assert extra == set()


@pytest.mark.parametrize("name", FILES)
def test_what_clients_read_of_the_protocol_is_up_to_date(name):
    page = (ROOT / "clients" / name).read_text()
    assert page == FILES[name](), f"python -m wainwright.lsp.reference {name} > clients/{name}"
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    assert [line for line in rows if not line.endswith("|")] == [], "a row of a table is one line"


def test_the_types_of_clients_are_those_of_the_models():
    schema = json.loads((ROOT / "clients" / "protocol.schema.json").read_text())
    defs = schema["$defs"]
    named = set(re.findall(r'"#/\$defs/(\w+)"', json.dumps(schema)))
    assert named <= defs.keys(), "every reference leads somewhere"
    assert defs["StartArguments"]["additionalProperties"] is False
    assert "required" not in defs["StartArguments"]
    assert set(defs["RunInfo"]["required"]) == set(defs["RunInfo"]["properties"]), (
        "an answer has all its fields"
    )
    assert schema["commands"]["wainwright.note"]["arguments"] == {"$ref": "#/$defs/NoteArguments"}
    types = (ROOT / "clients" / "protocol.d.ts").read_text()
    assert '  atWork: "here" | "elsewhere" | "";' in types
    assert "  range?: Span | null;" in types
    assert "  stages: [Stage, Stage];" in types
    assert "---@field notes wainwright.NoteInfo[]" in (ROOT / "clients" / "protocol.lua").read_text()


@pytest.mark.parametrize(
    ("document", "goal"),
    [
        ("# Goal\n\nAdd sub.\n", "Add sub."),
        ("Add sub.\n\n# And a heading\n", "Add sub.\n\n# And a heading"),
        ("# Add sub\n", "Add sub"),
        ("\n## Mine\r\nAdd\r\nsub.", "Mine\r\nAdd\r\nsub."),
        ("## GOAL: \r\n\r\nAdd\r\nsub.", "Add\r\nsub."),
        ("# Goal\n\n# Add sub\n\nIt is missing.", "Add sub\n\nIt is missing."),
        ("#!/bin/sh is to run", "#!/bin/sh is to run"),
        ("# Goal\n\n<!-- in your\nwords -->\n", ""),
        ("<!-- a hint -->\n# Goal\nAdd.", "Add."),
        ("", ""),
    ],
)
def test_all_but_the_title_is_the_goal(document, goal):
    assert goal_text(document) == goal


@pytest.mark.parametrize(
    ("document", "told"),
    [
        (TEMPLATE, ["There is no goal yet"]),
        ("# Goal\n\nfix it\n", ["not clear what is to be true"]),
        ("# Goal\n\nMake it better and faster.\n", ["not clear what is to be true"]),
        ("# Add calc.sub, the difference of two numbers\n", []),
        ("# Goal\n\n<!-- a hint\nAdd calc.sub beside calc.add.\n", ["This comment has no end"]),
        ("x" * 20_001, ["longer than 20000 characters"]),
    ],
)
def test_what_could_be_misread_in_a_goal_is_said(document, told):
    found = unclear(document)
    assert len(found) == len(told)
    assert all(part in one.message for part, one in zip(told, found, strict=True))


def test_the_start_command_takes_what_editors_add_and_refuses_what_it_does_not_know(capsys):
    words = ["--stdio", "--clientProcessId=7", "--model", "openai/any", "--api-base", "http://127.0.0.1/v1"]
    models = {"default": [{"model": "openai/any", "api_base": "http://127.0.0.1/v1"}], "roles": {}}
    assert read_options(words).overrides == {"models": models}
    more = read_options(["--autonomy=suggest", "--budget-usd=1", "--test-command=pytest"]).overrides
    tests = {"command": "pytest", "commands": []}
    assert more == {"autonomy": "suggest", "budget": {"usd": 1.0}, "test": tests}, (
        "it stands in for several, too"
    )
    settings = ["parallel=4", 'models.default=["openai/any"]', "budget.usd=unlimited", "test.command=a = b"]
    assert read_options([f"--set={one}" for one in settings]).overrides == {
        "parallel": 4,
        "models": {"default": ["openai/any"]},
        "budget": {"usd": "unlimited"},
        "test": {"command": "a = b"},
    }
    for wrong in (
        ["--set=parallel"],
        ["--set==4"],
        ["--pipe=x"],
        ["--api-base", "http://127.0.0.1/v1"],
        ["--autonomy=wild"],
    ):
        with pytest.raises(SystemExit):
            read_options(wrong)
    assert capsys.readouterr().out == ""
