"""How tools are offered to models."""

import json
from typing import Any

import pytest

from wainwright.agents.roles import WORK
from wainwright.tools.toolbox import Tool

EACH = pytest.mark.parametrize("tool", WORK, ids=lambda tool: tool.name)


@EACH
def test_a_schema_says_no_name_twice_and_leaves_no_argument_out(tool: Tool[Any]) -> None:
    told, whole = tool.schema, tool.arguments.model_json_schema()
    assert "title" not in told
    assert "description" not in told
    assert not [one for one in told["properties"].values() if isinstance(one.get("title"), str)]
    assert list(told["properties"]) == list(whole["properties"])
    assert told.get("required") == whole.get("required")
    for name, one in whole["properties"].items():
        assert told["properties"][name].get("description") == one.get("description")


def test_all_tools_together_stay_short() -> None:
    offered = [{"name": one.name, "description": one.description, "parameters": one.schema} for one in WORK]
    assert len(json.dumps(offered)) <= 5_600
