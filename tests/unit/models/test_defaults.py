"""Which models are asked where only a key is set."""

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

import pytest

from wainwright.doctor import examine
from wainwright.domain.goal import Role
from wainwright.models.defaults import LIGHT_ROLES, TABLE, Line, explained, with_defaults
from wainwright.secrets import CREDENTIALS_FILE, key_name
from wainwright.settings import Candidate, ModelsSettings, Settings

KEYS = [key_name(Candidate(model=line.usual)) for line in TABLE]


@pytest.fixture(autouse=True)
def without_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in KEYS:
        assert name is not None
        monkeypatch.delenv(name, raising=False)


def names(settings: Settings, role: str, *, stronger: bool = False) -> list[str]:
    return [one.model for one in settings.models.of(role, stronger=stronger)]


@pytest.mark.parametrize("line", TABLE, ids=lambda line: line.usual)
def test_with_one_key_every_role_has_a_model(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(key_name(Candidate(model=line.usual)) or "", "k")
    filled = with_defaults(Settings())
    for role in get_args(Role):
        assert names(filled, role) == [line.light if role in LIGHT_ROLES else line.usual]
        assert names(filled, role, stronger=True) == [line.stronger]


def test_of_several_keys_the_first_of_the_table_holds_wherever_it_lies(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stored = tmp_path / "wainwright" / CREDENTIALS_FILE
    stored.parent.mkdir()
    stored.touch(mode=0o600)
    stored.write_text('ANTHROPIC_API_KEY = "k"\n')
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    assert names(with_defaults(Settings()), "planner") == [TABLE[0].usual]


def test_what_is_set_stays(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert with_defaults(Settings()) == Settings()
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    own = {"default": "ollama/any"}, {"cassette": tmp_path / "story.jsonl"}
    for models in own:
        typed = Settings(models=ModelsSettings.model_validate(models))
        assert with_defaults(typed) == typed
    typed = Settings(models=ModelsSettings.model_validate({"roles": {"critic": "groq/any"}}))
    filled = with_defaults(typed)
    assert names(filled, "critic") == ["groq/any"]
    assert names(filled, "planner") == ["openai/gpt-6.1-sol"]
    told = explained(typed, filled)
    assert told["critic"] == "groq/any (set for this role, [models.roles] critic)"
    assert told["planner"] == "openai/gpt-6.1-sol (OPENAI_API_KEY is set, and no model)"


def test_each_of_them_is_known_with_tools_and_a_price() -> None:
    found = find_spec("litellm")
    assert found is not None
    assert found.origin is not None
    table = Path(found.origin).parent / "model_prices_and_context_window_backup.json"
    listed: dict[str, Any] = json.loads(table.read_text())
    for line in TABLE:
        for model in (line.usual, line.light, line.stronger):
            named = model.removeprefix("openrouter/")
            row = listed.get(named) or listed[named.partition("/")[2]]
            assert row["litellm_provider"] == named.partition("/")[0]
            assert row["supports_function_calling"]
            assert row["input_cost_per_token"] > 0
            assert row["output_cost_per_token"] > 0


def test_who_sells_for_many_is_held_to_the_price_of_the_maker(monkeypatch: pytest.MonkeyPatch) -> None:
    """LiteLLM knows no price of OpenRouter's: without one of our own, only tokens would cap a run."""
    monkeypatch.setenv("OPENROUTER_API_KEY", "k")
    litellm = find_spec("litellm")
    assert litellm is not None
    table = Path(litellm.origin or "").parent / "model_prices_and_context_window_backup.json"
    listed: dict[str, Any] = json.loads(table.read_text())
    everyone = with_defaults(Settings()).models.everyone()
    assert {one.provider for one in everyone} == {"openrouter"}
    for one in everyone:
        row = listed[one.model.rpartition("/")[2]]
        dearest = max(row["input_cost_per_token"], row["cache_creation_input_token_cost"])
        assert one.input_usd_per_mtok == pytest.approx(1e6 * dearest)
        assert one.output_usd_per_mtok == pytest.approx(1e6 * row["output_cost_per_token"])
        assert one.context_tokens == 272_000
        assert "input_cost_per_token_above_272k_tokens" in row


async def test_the_doctor_says_which_model_each_role_gets_and_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("ANTHROPIC_API_KEY", "k")
    config = tmp_path / "wainwright" / "config.toml"
    config.parent.mkdir()
    config.write_text('[models.roles]\ncritic = ["groq/any", "ollama/any"]\n')
    (tmp_path / "work").mkdir()
    checks = {check.name: check for check in await examine(tmp_path / "work")}
    assert checks["model of planner, designer, implementer, tester, reviewer"].detail == (
        "anthropic/claude-sonnet-5-5 (ANTHROPIC_API_KEY is set, and no model)"
    )
    assert checks["model of critic"].detail.startswith("groq/any, then ollama/any (set for this role")
    assert "claude-haiku-5-5" in checks["model of deployer, monitor"].detail
    assert "claude-opus-5-5" in checks["model of the stronger rung"].detail
    assert checks["keys"].detail == "found: ANTHROPIC_API_KEY; not set: GROQ_API_KEY"
    assert checks["keys"].status == "note"
    typed = {
        "models": {"default": [{"model": "openai/mine", "api_base": "http://127.0.0.1:9/v1"}], "roles": {}}
    }
    told = await examine(tmp_path / "work", typed)
    assert [one.detail for one in told if "openai/mine" in one.detail], "what a run begun so would ask"
    assert [one.detail for one in told if one.name == "keys"] == ["found: none; not set: GROQ_API_KEY"]
