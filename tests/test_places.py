"""What is added needs a place in each of these lists; forgetting one is named here, or by mypy."""

import importlib
import inspect
import json
import pkgutil
import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from wainwright import deploy, tools
from wainwright.agents.roles import ASSIGNMENTS
from wainwright.cli import cost, hunk, keys, native, program, rewind, start, steer, trust, why
from wainwright.deploy.target import Target
from wainwright.deploy.targets import TARGETS
from wainwright.domain.events import EVENT, Event, GateKind
from wainwright.domain.fold import LEGAL
from wainwright.domain.gates import GATES
from wainwright.lsp.connection.commands import Commands
from wainwright.lsp.editor_settings import package_json, package_nls_json
from wainwright.lsp.features.execute_command import Catalogue
from wainwright.lsp.options import read_options
from wainwright.settings import Settings
from wainwright.settings_files import load
from wainwright.tools.toolbox import Tool

ROOT = Path(__file__).parents[1]


def modules(package: ModuleType) -> list[ModuleType]:
    return [
        importlib.import_module(f"{package.__name__}.{m.name}")
        for m in pkgutil.iter_modules(package.__path__)
    ]


def test_every_event_has_its_stages() -> None:
    arms = get_args(get_args(Event)[0])
    kinds = {arm.model_fields["kind"].default for arm in arms}
    assert kinds == LEGAL.keys(), "domain/fold.py: LEGAL needs a row for each event"
    assert len(kinds) == len(arms) == len(EVENT.json_schema()["oneOf"])


def test_every_kind_of_gate_has_its_rule() -> None:
    assert set(get_args(GateKind)) == GATES.keys(), "domain/gates.py: GATES needs a row for each kind of gate"


def test_every_target_is_in_the_table() -> None:
    modules = [
        importlib.import_module(f"wainwright.deploy.{m.name}") for m in pkgutil.iter_modules(deploy.__path__)
    ]
    written = {one for module in modules for one in vars(module).values() if isinstance(one, type)}
    targets = {one for one in written if hasattr(one, "choice")}
    assert targets == set(TARGETS.values()), "deploy/targets.py: TARGETS needs an entry for each target"
    members = {name for name in {**vars(Target), **Target.__annotations__} if not name.startswith("_")}
    lacking = {one.__name__: members - set(dir(one)) for one in targets if members - set(dir(one))}
    assert lacking == {}, "deploy/target.py: Target names what each of them has"


def test_every_tool_is_given_to_a_role() -> None:
    written = {
        one.name for module in modules(tools) for one in vars(module).values() if isinstance(one, Tool)
    }
    given = {tool.name for assignment in ASSIGNMENTS for tool in assignment.tools}
    assert written == given, "agents/roles.py: LOOK or WORK needs each tool"


def test_every_command_of_the_editor_is_in_the_palette() -> None:
    nobody: Any = None
    commands = Commands()
    Catalogue(nobody, list).register(commands)
    folder = ROOT / "clients" / "vscode"
    package = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    words = json.loads((folder / "package.nls.json").read_text(encoding="utf-8"))
    shown = {
        entry["command"]: words[entry["title"].strip("%")] for entry in package["contributes"]["commands"]
    }
    listed = {entry.name: entry.title for entry in commands.entries()}
    assert {name: title for name, title in shown.items() if name in listed} == listed, (
        "clients/vscode: contributes.commands of package.json needs each command, and package.nls.json its title"
    )
    text = json.dumps(package)
    assert set(re.findall(r'"%([^%"]+)%"', text)) == words.keys()


def test_every_setting_that_a_page_can_hold_is_in_the_settings_of_the_editor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    folder = ROOT / "clients" / "vscode"
    package = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    words = json.loads((folder / "package.nls.json").read_text(encoding="utf-8"))
    again = "run python -m wainwright.lsp.editor_settings FILE"
    assert json.dumps(package) == json.dumps(package_json(deepcopy(package))), again
    assert words == package_nls_json(words), again
    whole = package["contributes"]["configuration"][1]["properties"]
    assert {shown["scope"] for shown in whole.values()} == {"machine"}, "a repository may not set it"
    settable = {name: shown["default"] for name, shown in whole.items() if shown["default"] is not None}
    assert len(settable) > 20
    for name, default in settable.items():
        option = f"--set={name.removeprefix('wainwright.')}={json.dumps(default)}"
        assert load(tmp_path, overrides=read_options([option]).overrides) == Settings(), option


def test_every_command_of_the_terminal_is_in_the_program() -> None:
    whole = program.program()
    groups = [group.typer_instance for group in whole.registered_groups]
    apps = [whole, *(group for group in groups if group is not None)]
    registered = {command.callback for app in apps for command in app.registered_commands}
    for module in (cost, hunk, keys, native, rewind, start, steer, trust, why):
        for name, one in inspect.getmembers(module, inspect.isfunction):
            if one.__module__ == module.__name__ and not name.startswith("_"):
                assert one in registered, f"cli/program.py: the program does not have the command {name}"


def test_every_setting_is_read_somewhere() -> None:
    def leaves(section: type[BaseModel]) -> Iterator[str]:
        for name, field in section.model_fields.items():
            inner = field.annotation
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                yield from leaves(inner)
            else:
                yield name

    package = ROOT / "server" / "wainwright"
    code = "".join(path.read_text(encoding="utf-8") for path in package.rglob("*.py"))
    unread = [name for name in leaves(Settings) if not re.search(rf"\.{name}\b", code)]
    assert unread == [], "nothing reads these settings"
