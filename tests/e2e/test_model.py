"""Somebody who has no model yet is asked for one, and what they wanted begins then."""

import stat
import tomllib

import pytest
from client import Refused, load_profile
from editors import Helix, VsCode
from workplace import CONFIG, GOAL

INPUT = {"wainwright": {"events": False, "input": True}}


async def typing(workplace, *typed):
    """Somebody without a model, in an editor that takes these lines; what they are asked."""
    capabilities = {**load_profile(VsCode.profile)["capabilities"], "experimental": INPUT}
    person, asked = await workplace.sit_down(model=False, capabilities=capabilities), []
    lines = list(typed)
    person.client.on("wainwright/input", lambda params: (asked.append(params), {"text": lines.pop(0)})[1])
    return person, asked


async def test_a_server_of_ones_own_is_written_down_and_the_goal_begins(workplace):
    person, asked = await typing(workplace, workplace.model.base, "any")
    person.answers["Who is asked?"] = "A server of my own"
    with pytest.raises(Refused, match=r"Nothing has begun: no model is set. You are asked for one now"):
        await person.command("start", goal=GOAL)
    assert "openai/any is asked from now on." in await person.reads("is asked from now on")
    assert [(one["value"], one["secret"]) for one in asked] == [
        ("http://127.0.0.1:8000/v1", False),
        ("", False),
    ]
    await person.reads("has begun.")
    await person.is_asked("Is the plan")
    config = workplace.base / "config" / "wainwright" / "config.toml"
    told = tomllib.loads(config.read_text())
    assert told.pop("models") == {"default": [{"model": "openai/any", "api_base": workplace.model.base}]}
    assert told == tomllib.loads(CONFIG)
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    await person.command("cancel")
    await person.reads("CANCELLED")
    assert await person.client.leave() == 0

    person, _ = await typing(workplace, workplace.model.base, "other")
    person.answers["Who is asked?"] = "A server of my own"
    await person.command("model")
    assert "names a model already" in await person.reads("names a model")
    assert await person.client.leave() == 0


async def test_a_key_is_typed_unseen_and_kept_out_of_the_settings(workplace):
    person, asked = await typing(workplace, "Kx7-typed")
    person.answers["Who is asked?"] = "Anthropic"
    await person.command("model")
    said = await person.reads("ANTHROPIC_API_KEY is in the ")
    assert said.startswith("ANTHROPIC_API_KEY is in the credentials. anthropic/")
    (question,) = asked
    assert (question["secret"], question["value"]) == (True, "")
    kept = workplace.base / "config" / "wainwright" / "credentials.toml"
    assert kept.read_text() == 'ANTHROPIC_API_KEY = "Kx7-typed"\n'
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert await person.client.leave() == 0


async def test_who_closes_the_question_has_changed_nothing_and_who_cannot_type_is_told_how(workplace):
    person, asked = await typing(workplace)
    await person.command("model")
    await person.is_asked("Who is asked?")
    assert asked == []
    assert await person.client.leave() == 0
    assert (workplace.base / "config" / "wainwright" / "config.toml").read_text() == CONFIG
    person = await workplace.sit_down(Helix, model=False)
    with pytest.raises(Refused, match=r"no model is set. Choose one: --model provider/model"):
        await person.command("start", goal=GOAL)
    with pytest.raises(Refused, match="wainwright keys set"):
        await person.command("model")
    assert await person.client.leave() == 0
