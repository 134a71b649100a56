"""Settings: three sources, and what a repository may not decide."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from wainwright.domain.errors import InputError
from wainwright.settings import Candidate, Settings
from wainwright.settings_files import config_dir, json_schema, keep_default_model, load


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    config_dir().mkdir(parents=True)
    return config_dir()


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    path = tmp_path / "workspace"
    path.mkdir()
    return path


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def test_without_files_the_defaults_hold(workspace: Path) -> None:
    settings = load(workspace)
    assert settings == Settings()
    assert settings.budget.usd == 10.0
    assert settings.autonomy == "suggest"


def test_the_user_file_sets_everything(home: Path, workspace: Path) -> None:
    write(
        home / "config.toml",
        """
        autonomy = "full-auto"
        [models]
        default = "openai/gpt-5"
        roles.implementer = [{model = "openai/local", api_base = "http://127.0.0.1:8000/v1"}, "groq/x"]
        [budget]
        usd = "unlimited"
        """,
    )
    settings = load(workspace)
    assert settings.models.of("planner") == (Candidate(model="openai/gpt-5"),)
    local, other = settings.models.of("implementer")
    assert (local.deadline_s, other.deadline_s) == (1200, 600)
    assert settings.budget.usd is None
    assert settings.autonomy == "full-auto"


def test_the_command_line_goes_before_both_files(home: Path, workspace: Path) -> None:
    write(home / "config.toml", "parallel = 3\n[budget]\nusd = 5.0\ntokens = 7\n")
    write(workspace / "wainwright.toml", "parallel = 4\n[budget]\nusd = 2.0\n")
    assert load(workspace).parallel == 4
    settings = load(workspace, overrides={"budget": {"usd": 50.0}})
    assert (settings.budget.usd, settings.budget.tokens, settings.parallel) == (50.0, 7, 4)


@pytest.mark.parametrize(
    "text",
    [
        'autonomy = "suggest"',
        "[budget]\nusd = 0.0",
        '[budget]\nunknown_price = "refuse"',
        '[test]\ncommand = "pytest -q"',
        "[deploy]\nmonitor_window_s = 3",
        "[limits]\nrepairs = 0",
    ],
)
def test_a_workspace_may_tighten(home: Path, workspace: Path, text: str) -> None:
    write(home / "config.toml", 'autonomy = "auto-edit"')
    before = load(workspace)
    write(workspace / "wainwright.toml", text)
    assert load(workspace) != before


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('[models]\ndefault = "openai/evil"', "models.default"),
        (
            '[models.roles]\nplanner = [{model = "openai/x", api_base = "http://evil.example/v1"}]',
            "models.roles.planner",
        ),
        ('[models]\ncassette = "replies.jsonl"', "models.cassette"),
        ("[models]\nretries = 9", "models.retries"),
        ('autonomy = "full-auto"', "autonomy"),
        ("[deploy]\nunattended = true", "deploy.unattended"),
        ("[budget]\nusd = 11.0", "budget.usd"),
        ('[budget]\ntokens = "unlimited"', "budget.tokens"),
        ("[limits]\nturns_per_task = 1000", "limits.turns_per_task"),
    ],
)
def test_a_workspace_may_not_loosen(workspace: Path, text: str, key: str) -> None:
    write(workspace / "wainwright.toml", text)
    with pytest.raises(InputError) as caught:
        load(workspace)
    assert f"`{key}" in caught.value.message
    assert "wainwright.toml" in caught.value.message
    assert str(config_dir() / "config.toml") in caught.value.hint


def test_a_workspace_that_nobody_trusts_may_only_tighten(workspace: Path) -> None:
    free = '[test]\ncommand = "touch x"\n[editor]\nsymbols = true\n[deploy]\nbreach_after = 99\n'
    write(workspace / "wainwright.toml", f'parallel = 32\nautonomy = "suggest"\n{free}[budget]\nusd = 1.0\n')
    tightened = {"autonomy": "suggest", "budget": {"usd": 1.0}}
    assert load(workspace, trusted=False) == Settings.model_validate(tightened)
    assert load(workspace, overrides={"parallel": 3}, trusted=False).parallel == 3


def test_a_workspace_may_add_to_what_is_asked_and_denied(home: Path, workspace: Path) -> None:
    write(home / "config.toml", '[commands]\nallow = ["docker ps"]\nask = ["docker"]\ndeny = ["nc"]\n')
    write(workspace / "wainwright.toml", '[commands]\nask = ["make deploy"]\ndeny = []\n')
    for trusted in (True, False):
        found = load(workspace, trusted=trusted).commands
        assert (found.allow, found.ask, found.deny) == (("docker ps",), ("docker", "make deploy"), ("nc",))
    write(workspace / "wainwright.toml", '[commands]\nallow = ["make"]\n')
    with pytest.raises(InputError, match=r"commands\.allow"):
        load(workspace)


@pytest.mark.parametrize("rule", ["", " git", "git  push", "* push", "--force", "git push "])
def test_a_rule_begins_with_a_program(home: Path, workspace: Path, rule: str) -> None:
    write(home / "config.toml", f"[commands]\ndeny = [{json.dumps(rule)}]\n")
    with pytest.raises(InputError, match=r"commands\.deny"):
        load(workspace)


def test_a_workspace_may_not_undo_refuse(home: Path, workspace: Path) -> None:
    write(home / "config.toml", '[budget]\nunknown_price = "refuse"')
    write(workspace / "wainwright.toml", '[budget]\nunknown_price = "tokens"')
    with pytest.raises(InputError, match="unknown_price"):
        load(workspace)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("bugdet = 1", "unknown key `bugdet`", "budget"),
        ("[limits]\nturns = 1", "unknown key `limits.turns`", "turns_per_task"),
        ('[models]\ndefault = [{model = "openai/x", key = "k"}]', "`models.default.0.key`", "api_key_env"),
        (
            '[models.roles]\nplanner = [{model = "openai/x", base = "k"}]',
            "`models.roles.planner.0.base`",
            "api_base",
        ),
        ('[models]\ndefault = "gpt-5"', "`models.default.0.model`", "provider/model"),
        ("[budget]\nusd = -1", "`budget.usd`", "unlimited"),
        ("[budget]\nusd = nan", "`budget.usd`", "US dollars"),
        ('autonomy = "yolo"', "`autonomy`", "full-auto"),
        ('[models]\ndefault = [{model = "openai/x", input_usd_per_mtok = 1}]', "go together", ""),
        ("parallel = [", "is not TOML", "Correct"),
    ],
)
def test_a_mistake_names_file_key_and_what_is_allowed(
    home: Path, workspace: Path, text: str, message: str, hint: str
) -> None:
    write(home / "config.toml", text)
    with pytest.raises(InputError) as caught:
        load(workspace)
    assert str(home / "config.toml") in caught.value.message
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_key_in_the_wrong_place_is_not_shown(workspace: Path) -> None:
    with pytest.raises(InputError) as caught:
        load(
            workspace,
            overrides={"models": {"default": [{"model": "openai/x", "api_key_env": "sk-very-secret"}]}},
        )
    assert "sk-very-secret" not in str(caught.value)
    assert "the command line" in caught.value.message


def test_every_key_is_described() -> None:
    schema = json_schema()
    sections = [schema, *schema["$defs"].values()]
    missing = [
        name
        for section in sections
        for name, node in section["properties"].items()
        if not node.get("description")
    ]
    assert missing == []


def test_a_setting_is_closed_to_a_workspace_unless_it_is_named(workspace: Path) -> None:
    def leaves(section: BaseModel, prefix: str = "") -> Iterator[tuple[str, object]]:
        for name in type(section).model_fields:
            value = getattr(section, name)
            if isinstance(value, BaseModel):
                yield from leaves(value, f"{prefix}{name}.")
            else:
                yield f"{prefix}{name}", value

    def opened(key: str, value: object) -> bool:
        section, _, name = key.rpartition(".")
        unset = 1 if section == "budget" else "x"
        text = json.dumps(unset if value is None else {"planner": "openai/x"} if value == {} else value)
        line = f"{name} = {text.replace(': ', ' = ')}"
        write(workspace / "wainwright.toml", f"[{section}]\n{line}" if section else line)
        try:
            load(workspace)
        except InputError as refused:
            return f"`{key}" not in refused.message
        return True

    assert {key for key, value in leaves(Settings()) if opened(key, value)} == {
        "autonomy",
        "budget.call_tokens",
        "budget.call_usd",
        "budget.day_tokens",
        "budget.day_usd",
        "budget.requests",
        "budget.tokens",
        "budget.unknown_price",
        "budget.usd",
        "commands.ask",
        "commands.deny",
        "deploy.breach_after",
        "deploy.monitor_interval_s",
        "deploy.monitor_window_s",
        "editor.symbols",
        "limits.repairs",
        "limits.run_wall_s",
        "limits.turns_per_task",
        "mutants.seconds",
        "parallel",
        "test.command",
        "test.commands",
        "test.timeout_s",
    }


def test_a_workspace_has_one_test_command_or_several(workspace: Path) -> None:
    assert load(workspace).test.suites == ()
    file = workspace / "wainwright.toml"
    write(file, '[test]\ncommand = "make test"\ncommands = [{command = "go test ./...", folder = "api"}]\n')
    suites = load(workspace).test.suites
    assert [(s.command, s.folder) for s in suites] == [("make test", "."), ("go test ./...", "api")]
    for folder in ("/etc", "../x", "a/../.."):
        write(file, f'[test]\ncommands = [{{command = "true", folder = "{folder}"}}]\n')
        with pytest.raises(InputError, match=r"test\.commands.*inside it"):
            load(workspace)


@pytest.mark.parametrize("place", ["/dev/zero", "pipe", "../outside.toml", "folder", "large"])
def test_settings_that_are_no_file_of_the_workspace_are_refused_at_once(workspace: Path, place: str) -> None:
    os.mkfifo(workspace / "pipe")
    (workspace / "folder").mkdir()
    write(workspace / "large", "#" * 1_000_001)
    write(workspace / "../outside.toml", "parallel = 1\n")
    (workspace / "wainwright.toml").symlink_to(place)
    with pytest.raises(InputError, match=r"wainwright\.toml: cannot be read \("):
        load(workspace)


ADDRESS = "http://127.0.0.1:8000/v1"


@pytest.mark.parametrize(
    "there",
    [
        "",
        'autonomy = "suggest"\n',
        "[models]\n",
        "# mine\n[models] # who is asked\nhost_idle_s = 0\n[budget]\nusd = 1\n",
    ],
)
def test_the_model_to_ask_is_written_beside_what_is_there(home: Path, workspace: Path, there: str) -> None:
    write(home / "config.toml", there)
    before = load(workspace)
    keep_default_model("openai/any", ADDRESS)
    after = load(workspace)
    (candidate,) = after.models.default
    assert (candidate.model, candidate.api_base) == ("openai/any", ADDRESS)
    without = after.model_copy(update={"models": after.models.model_copy(update={"default": ()})})
    assert without == before
    assert all(line in (home / "config.toml").read_text() for line in there.splitlines())


@pytest.mark.parametrize(
    ("there", "model", "said"),
    [
        ('[models]\ndefault = [{ model = "a/b" }]\n', "openai/any", "names a model already"),
        ("models = { host_idle_s = 0 }\n", "openai/any", "in a form of its own"),
        ("[models]\ndefault = []\n", "openai/any", "in a form of its own"),
        ("", "no model", "model"),
    ],
)
def test_a_settings_file_that_cannot_take_it_is_left_alone(
    home: Path, there: str, model: str, said: str
) -> None:
    write(home / "config.toml", there)
    with pytest.raises(InputError, match=said):
        keep_default_model(model, ADDRESS)
    assert (home / "config.toml").read_text() == there


def test_a_settings_file_behind_a_link_stays_behind_it(home: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.toml"
    real.write_text("")
    (home / "config.toml").symlink_to(real)
    keep_default_model("openai/any", ADDRESS)
    assert (home / "config.toml").is_symlink()
    assert "openai/any" in real.read_text()
