"""The folder that is imported into LSP4IJ holds what LSP4IJ reads, in the words that it knows, and nothing else.

What it reads is said by the sources of LSP4IJ 0.20.2: `LanguageServerTemplateManager` names the files,
`LanguageServerTemplateDeserializer` and `ServerTemplateJsonDeserializer` the words of the template, the factories of
installer tasks those of the installer, `clientSettings.schema.json` those of the client. What it does not know it
passes over in silence.
"""

import json
import re
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, ValidationError, validate

from wainwright.domain import change_diff
from wainwright.domain.plan_text import PLAN
from wainwright.engine.views.documents import RUN
from wainwright.lsp.documents.own import GOAL

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "clients" / "jetbrains" / "wainwright"
LANGUAGES = ROOT / "native" / "syntax" / "src" / "language.rs"
TEXT = {"type": "string", "minLength": 1}
FLAG = {"type": "boolean"}
BY_SYSTEM = {
    "type": "object",
    "required": ["default"],
    "additionalProperties": False,
    "properties": dict.fromkeys(("default", "windows", "mac", "unix"), TEXT),
}


def record(required: list[str], **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "additionalProperties": False,
        "properties": properties,
        "required": required,
    }


def task(required: list[str], **properties: Any) -> dict[str, Any]:
    """A step of the installer; its first key says what is done."""
    then = {"$ref": "#/definitions/step"}
    return record(["name", *required], id=TEXT, name=TEXT, onFail=then, onSuccess=then, **properties)


COMMAND = {"oneOf": [TEXT, BY_SYSTEM]}
STEPS = {
    "exec": task(
        ["command"], command=COMMAND, timeout={"type": "integer"}, workingDir=TEXT, ignoreStderr=FLAG
    ),
    "showMessage": task(["content"], content={"type": "array", "items": TEXT, "minItems": 1}),
}
MAPPING = record(
    ["fileType", "languageId"],
    fileType=record(["patterns"], name=TEXT, patterns={"type": "array", "items": TEXT, "minItems": 1}),
    languageId=TEXT,
)
TAKES = {
    "template.json": record(
        ["id", "name", "programArgs", "fileTypeMappings"],
        id=TEXT,
        name=TEXT,
        programArgs=BY_SYSTEM,
        fileTypeMappings={"type": "array", "items": MAPPING},
    ),
    "installer.json": {
        **record(
            ["id", "name", "check", "run"],
            id=TEXT,
            name=TEXT,
            executeOnStartServer=FLAG,
            check={"$ref": "#/definitions/step"},
            run={"$ref": "#/definitions/step"},
        ),
        "definitions": {"step": {**record([], **STEPS), "minProperties": 1, "maxProperties": 1}},
    },
    "clientSettings.json": record(
        [],
        breadcrumbs=record([], enabled=FLAG),
        editor=record(
            [],
            enableStringLiteralImprovements=FLAG,
            enableStatementTerminatorImprovements=FLAG,
            enableEnterBetweenBracesFix=FLAG,
            enableTextMateNestedBracesImprovements=FLAG,
            enableSemanticTokensFileViewProvider=FLAG,
        ),
        format=record([], existingFormatterOverrideable=FLAG),
    ),
    # The server takes neither: `experimental.json` is left out for the same reason, nothing in LSP4IJ would answer.
    "settings.json": record([]),
    "initializationOptions.json": record([]),
}


def read(name: str) -> Any:
    return json.loads((TEMPLATE / name).read_text(encoding="utf-8"))


def patterns() -> list[str]:
    return [
        one
        for mapping in read("template.json")["fileTypeMappings"]
        for one in mapping["fileType"]["patterns"]
    ]


def test_every_file_is_one_that_is_read():
    assert {path.name for path in TEMPLATE.iterdir()} == {*TAKES, "settings.schema.json", "README.md"}


@pytest.mark.parametrize("name", TAKES)
def test_every_word_is_one_that_is_known(name):
    Draft7Validator.check_schema(TAKES[name])
    validate(read(name), TAKES[name])


def test_the_schema_of_the_settings_marks_whatever_is_typed_there():
    schema = read("settings.schema.json")
    Draft7Validator.check_schema(schema)
    validate(read("settings.json"), schema)
    with pytest.raises(ValidationError):
        validate({"model": "openai/any"}, schema)


def test_a_program_that_is_missing_is_told_with_the_way_to_get_it():
    """A step that fails without a message, or no step at all, is shown as an installation that went well."""
    installer = read("installer.json")
    assert installer["check"]["exec"]["command"] == "${server.command}", (
        "the command that the person may have changed"
    )
    assert "make setup" in " ".join(installer["run"]["showMessage"]["content"])


def test_documents_of_a_run_and_all_languages_that_are_read_are_attached():
    body = re.search(r"fn by_extension\(.*?\n}\n", LANGUAGES.read_text(encoding="utf-8"), re.DOTALL)
    assert body is not None
    names = [Path(GOAL).name, PLAN, RUN, change_diff.NAME]
    names += [f"a.{extension}" for extension in re.findall(r'"([^"]+)"', body.group())]
    assert [one for one in names if not any(fnmatchcase(one, pattern) for pattern in patterns())] == []


def test_no_pattern_stands_twice():
    """Of two the first would count."""
    assert len(set(patterns())) == len(patterns())
