"""Files that act by themselves where a person works: an editor, a shell, git, a push or an install runs them.

Who writes one of them has other programs do things later, outside of every sandbox. So they reach a person's files
only after that person was asked, whatever the autonomy. ``FOLDERS``, ``FILES`` and ``PARTS`` are the one table.
"""

import json
from fnmatch import fnmatchcase
from typing import Any

from wainwright.domain.changes import plain_parts

FOLDERS: tuple[tuple[str, ...], ...] = (
    # editors, and agents in them
    (".vscode",),
    (".vscode-server",),
    (".idea",),
    (".fleet",),
    (".zed",),
    (".vs",),
    (".helix",),
    (".nvim",),
    (".vim",),
    (".cursor",),
    (".windsurf",),
    (".claude",),
    (".codex",),
    (".gemini",),
    (".continue",),
    (".clinerules",),
    (".roo",),
    (".kiro",),
    # where the folder is opened in a container
    (".devcontainer",),
    # what a push starts
    (".github", "workflows"),
    (".github", "actions"),
    (".github", "instructions"),
    (".gitea", "workflows"),
    (".forgejo", "workflows"),
    (".gitlab", "ci"),
    (".circleci",),
    (".buildkite",),
    (".woodpecker",),
    (".teamcity",),
    # hooks of git
    (".husky",),
    (".githooks",),
    (".git-hooks",),
    (".lefthook",),
    # what a build tool loads before the project
    (".cargo",),
    (".mvn",),
    (".yarn",),
    ("gradle", "wrapper"),
)
"""Everything below these, at any depth."""

FILES: tuple[str, ...] = (
    # editors and debuggers
    "*.code-workspace",
    "*.sublime-project",
    "*.sublime-workspace",
    ".nvim.lua",
    ".nvimrc",
    ".exrc",
    ".vimrc",
    ".gvimrc",
    ".lvimrc",
    ".vimspector.json",
    ".dir-locals.el",
    ".dir-locals-2.el",
    ".gdbinit",
    ".lldbinit",
    ".pdbrc",
    ".irbrc",
    ".pryrc",
    # agents: what they are told, and what they start
    "agents.md",
    "agents.override.md",
    "claude.md",
    "claude.local.md",
    "gemini.md",
    "copilot-instructions.md",
    ".cursorrules",
    ".windsurfrules",
    ".clinerules",
    ".mcp.json",
    "mcp.json",
    ".aider.conf.yml",
    # shells
    ".envrc",
    ".env.fish",
    ".autoenv",
    ".autoenv.zsh",
    ".bashrc",
    ".bash_profile",
    ".profile",
    ".zshrc",
    ".zshenv",
    ".mise.toml",
    "mise.toml",
    ".tool-versions",
    # containers and workplaces in the cloud
    ".devcontainer.json",
    "devfile.y*ml",
    ".devfile.y*ml",
    ".gitpod.yml",
    ".replit",
    # what a push starts
    ".gitlab-ci.y*ml",
    ".travis.yml",
    "jenkinsfile*",
    "azure-pipelines*.y*ml",
    "bitbucket-pipelines.yml",
    ".drone.y*ml",
    ".woodpecker.y*ml",
    "appveyor.yml",
    ".appveyor.yml",
    ".cirrus.yml",
    "cloudbuild.y*ml",
    "buildspec.y*ml",
    "codefresh.y*ml",
    "dependabot.y*ml",
    "codeowners",
    # git and its hooks
    ".gitattributes",
    ".gitmodules",
    ".gitconfig",
    "head",  # with folders beside it a repository, whose config git goes by below there
    ".pre-commit-config.y*ml",
    "lefthook.y*ml",
    ".lefthook.y*ml",
    ".huskyrc*",
    ".lintstagedrc*",
    ".overcommit.yml",
    # package managers and interpreters
    ".npmrc",
    ".yarnrc",
    ".yarnrc.y*ml",
    ".pnpmfile.*js",
    "bunfig.toml",
    "pip.conf",
    ".bazelrc",
    "*.pth",
    "sitecustomize.py",
    "usercustomize.py",
)
"""Files of these names, at any depth; in small letters."""

PARTS: dict[str, tuple[str, ...]] = {
    "package.json": (
        "scripts",
        "bin",
        "config",
        "husky",
        "lint-staged",
        "gitHooks",
        "simple-git-hooks",
        "pnpm",
        "trustedDependencies",
    ),
    "composer.json": ("scripts", "bin"),
    "deno.json": ("tasks",),
    "deno.jsonc": ("tasks",),
}
"""Of these only some parts act; they count where such a part is another one than before."""


CONTROL = "files that act by themselves (an editor, a shell, git, a push or an install runs them)"
"""What they are called where a person is told of them."""


def named(path: str) -> bool:
    """Whether a file of this path, below the workspace, may be one; of some the contents say the rest."""
    parts = plain_parts(path)
    # A link in the place of such a folder counts as well, so its own name does.
    below = any(tuple(parts[at : at + len(one)]) == one for one in FOLDERS for at in range(len(parts)))
    return below or parts[-1] in PARTS or any(fnmatchcase(parts[-1], pattern) for pattern in FILES)


def acts(path: str, before: str | None, after: str | None) -> bool:
    """Whether a change of the file at ``path``, below the workspace, changes what acts by itself.

    ``before`` and ``after`` are its texts; None where there is none, or where text cannot carry it.
    """
    some = PARTS.get(plain_parts(path)[-1])
    if some is None or not named(path):
        return named(path)
    return any(_part(before, one) != _part(after, one) for one in some)


def _part(text: str | None, name: str) -> Any:
    """A part of a JSON file; of one that cannot be read, all of it."""
    if text is None:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return found.get(name) if isinstance(found, dict) else text
