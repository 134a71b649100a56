import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from wainwright.sandbox.bubblewrap import prove
from wainwright.sandbox.protocol import Command, SandboxView
from wainwright.sandbox.toolchains import find

SETTINGS = """
import json, sys
from pathlib import Path
from wainwright.sandbox.toolchains import Toolchains
from wainwright.sandbox.visible import settings, survey
print(*settings(survey(json.loads(sys.argv[1]), (), Toolchains(), Path(sys.argv[2]))), sep="\\n")
"""
TOOL = "#!/bin/sh\necho asked >> {log}\necho '{answer}'\n"


def program(at: Path, text: str) -> Path:
    at.parent.mkdir(parents=True, exist_ok=True)
    at.write_text(text)
    at.chmod(0o755)
    return at


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "person" / "project").mkdir(parents=True)
    return tmp_path / "person"


@pytest.fixture
def person(home: Path) -> dict[str, str]:
    return {"HOME": str(home), "PATH": os.environ["PATH"], "TMPDIR": str(home)}


async def told(tmp_path: Path, person: dict[str, str], line: str) -> str:
    """What a command prints in the sandbox of a person with these variables."""
    sandbox = await prove(tmp_path / "state", person)
    tree = tmp_path / "state" / "tree"
    tree.mkdir(exist_ok=True)
    view = SandboxView(tree=tree, at=Path(person["HOME"]) / "project")
    outcome = await sandbox.run(Command(argv=("/bin/sh", "-c", line), timeout_s=60), view)
    return outcome.output


class TestAsking:
    def test_a_tool_is_asked_once_and_again_when_it_has_changed(self, tmp_path, person):
        log = tmp_path / "log"
        answer = f'{{"GOMODCACHE": "{tmp_path}/modules"}}'
        (tmp_path / "modules").mkdir()
        go = program(tmp_path / "bin" / "go", TOOL.format(log=log, answer=answer))
        person["PATH"] = f"{go.parent}:{person['PATH']}"
        for _ in range(2):
            found = find(person, tmp_path / "kept.json")
            assert tmp_path / "modules" in [store.at for store in found.stores]
        assert log.read_text() == "asked\n"
        program(go, TOOL.format(log=log, answer="{}") + "# newer\n")
        assert tmp_path / "modules" not in [s.at for s in find(person, tmp_path / "kept.json").stores]
        assert log.read_text() == "asked\nasked\n"

    def test_no_program_of_the_workspace_is_asked_whatever_leads_to_it(self, tmp_path, person, home):
        planted = program(home / "project" / "bin" / "go", TOOL.format(log=tmp_path / "log", answer="{}"))
        (tmp_path / "linked").mkdir()
        (tmp_path / "linked" / "go").symlink_to(planted)
        person["PATH"] = f"{planted.parent}:{tmp_path / 'linked'}:bin:"
        find(person, tmp_path / "kept.json", home / "project")
        assert not (tmp_path / "log").exists()

    @pytest.mark.parametrize("text", ["exit 1", "echo '{'", "kill -9 $$", "cat"])
    def test_a_tool_that_does_not_answer_is_as_if_it_were_not_there(self, tmp_path, person, text):
        program(tmp_path / "bin" / "go", f"#!/bin/sh\n{text}\n")
        person["PATH"] = f"{tmp_path / 'bin'}:{os.defpath}"
        assert find(person, tmp_path / "kept.json").stores == ()

    def test_kept_answers_that_are_broken_are_asked_for_again(self, tmp_path, person):
        (tmp_path / "kept.json").write_text("{")
        find(person, tmp_path / "kept.json")
        assert (tmp_path / "kept.json").read_text().startswith('{"answers"')


class TestSettings:
    async def test_they_differ_when_a_command_may_end_another_way(self, tmp_path, person, home):
        async def settings(**more: str) -> list[str]:
            return (await prove(tmp_path / "state", {**person, **more})).settings()

        packages = home / ".cache" / "pypoetry" / "virtualenvs" / "a" / "lib" / "python3.11" / "site-packages"
        packages.mkdir(parents=True)
        first = await settings()
        assert await settings(EDITOR="vi") == first
        assert await settings(TZ="Asia/Tokyo") != first
        (packages / "installed").mkdir()
        second = await settings()
        assert second != first
        (home / ".gitconfig").write_text("[user]\n\tname = Other\n")
        assert await settings() != second

    def test_they_are_the_same_in_another_process(self, tmp_path, person):
        places = [tmp_path / "tools" / name / "bin" for name in "abcdefgh"]
        for place in places:
            place.mkdir(parents=True)
        person["PATH"] = ":".join(map(str, places))

        def told(seed: str) -> str:
            environment = {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONHASHSEED": seed}
            words = [sys.executable, "-c", SETTINGS, json.dumps(person), str(tmp_path / "kept")]
            ended = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
            return ended.stdout

        assert str(tmp_path / "tools" / "a") in told("1")
        assert told("1") == told("2")

    async def test_git_of_a_test_has_a_name_and_none_of_the_secrets(self, tmp_path, person, home):
        (home / ".gitconfig").write_text(
            '[user]\n\tname = "A \\"B\\" \\\\C"\n\temail = a@b.example\n'
            '[url "https://me:sesame@host/"]\n\tinsteadOf = https://host/\n[alias]\n\tst = !touch ~/x\n'
            "[core]\n\teditor = sesame\n\tautocrlf = input\n"
        )
        output = await told(tmp_path, person, "git config --global --list; cat ~/.gitconfig")
        assert 'user.name=A "B" \\C\n' in output
        assert "user.email=a@b.example\ncore.autocrlf=input\n" in output
        assert "sesame" not in output
        assert "alias" not in output

    async def test_versions_that_the_person_chose_for_all_folders(self, tmp_path, person, home):
        (home / ".tool-versions").write_text("nodejs 20.1.0\npython 3.11.7 system\n# x\nbad = $(sesame)\n")
        (home / ".config" / "mise").mkdir(parents=True)
        (home / ".config" / "mise" / "config.toml").write_text(
            '[tools]\nnode = "20"\n[env]\nTOKEN = "sesame"\n'
        )
        output = await told(tmp_path, person, "cat ~/.tool-versions ~/.config/mise/config.toml")
        assert output == 'nodejs 20.1.0\npython 3.11.7 system\n[tools]\n"node" = "20"\n'

    async def test_of_settings_files_only_what_chooses(self, tmp_path, person, home):
        files = {
            ".npmrc": "//host/:_authToken=sesame\nengine-strict=true\nregistry=https://host\nprefix=/x/sesame-token\n",
            ".gradle/gradle.properties": "org.gradle.jvmargs=-Xmx2g\nuser=me\norg.gradle.password=sesame\n",
            ".bundle/config": '---\nBUNDLE_PATH: "vendor"\nBUNDLE_GEMS__HOST: "me:sesame"\n',
            ".cargo/config.toml": '[build]\njobs = 1\n[registries.mine]\ntoken = "sesame"\n',
            ".cabal/config": "-- a: x\nrepository mine\n  url: http://host/\npassword: sesame\njobs: $ncpus\n",
            ".config/pypoetry/config.toml": '[virtualenvs]\nin-project = true\n[repositories]\na = "sesame"\n',
        }
        for name, text in files.items():
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_text(text)
        output = await told(tmp_path, person, f"cd ~; cat {' '.join(files)}")
        assert output == (
            'engine-strict=true\norg.gradle.jvmargs=-Xmx2g\n---\nBUNDLE_PATH: "vendor"\n'
            "[build]\njobs = 1\n[registries.mine]\nrepository mine\n  url: http://host/\njobs: $ncpus\n"
            '[virtualenvs]\n"in-project" = true\n'
        )

    async def test_what_was_set_with_go_env_but_for_passwords(self, tmp_path, person, home):
        if shutil.which("go") is None:
            pytest.skip("go is not installed")
        (home / ".config" / "go").mkdir(parents=True)
        (home / ".config" / "go" / "env").write_text(
            f"GOFLAGS=-tags=ours\nGOPROXY=https://me:sesame@host\nGOMODCACHE={home}/elsewhere\nCC=clang\n"
        )
        (home / "elsewhere").mkdir()
        (home / "elsewhere" / "module").touch()
        output = await told(
            tmp_path,
            person,
            f"echo $GOFLAGS; go env GOFLAGS GOPROXY GOMODCACHE CC; ls {home}/elsewhere; cat ~/.config/go/env",
        )
        assert output.startswith(f"-tags=ours\n-tags=ours\noff\n{home}/elsewhere\nclang\nmodule\n")
        assert "sesame" not in output

    def test_variables_that_choose_and_none_that_hold_a_secret(self, tmp_path, person):
        person |= {
            "TZ": "Asia/Tokyo",
            "GOFLAGS": "-mod=mod",
            "GOPROXY": "https://host",
            "GRADLE_OPTS": "-Drepository.password=sesame",
            "RUSTFLAGS": "-Dwarnings",
            "CARGO_HOME": "/elsewhere/cargo",
            "UV_CACHE_DIR": "relative",
            "NODE_OPTIONS": "--require /editor/hook.js",
            "OPENAI_API_KEY": "sesame",
        }
        names = set(find(person, tmp_path / "kept.json").variables)
        assert names == {"TZ", "GOFLAGS", "RUSTFLAGS", "CARGO_HOME"}

    async def test_maven_knows_its_repository_and_mirrors_and_no_password(self, tmp_path, person, home):
        (home / ".m2").mkdir()
        (home / "artifacts").mkdir()
        (home / ".m2" / "settings.xml").write_text(
            '<settings xmlns="http://maven.apache.org/SETTINGS/1.0.0"><servers><server><password>sesame</password>'
            "</server></servers><localRepository>${user.home}/artifacts</localRepository><mirrors><mirror>"
            "<id>corp</id><url>https://host/</url></mirror></mirrors><profiles><profile><properties>"
            "<signing.password>sesame</signing.password></properties></profile></profiles></settings>"
        )
        found = find(person, tmp_path / "kept.json")
        assert home / "artifacts" in [store.at for store in found.stores]
        assert "sesame" not in found.model_dump_json()
        assert await told(tmp_path, person, "cat ~/.m2/settings.xml") == (
            "<settings><localRepository>${user.home}/artifacts</localRepository><mirrors><mirror><id>corp</id>"
            "<url>https://host/</url></mirror></mirrors><profiles><profile><properties /></profile></profiles>"
            "</settings>"
        )

    @pytest.mark.parametrize(
        "text", ["<settings>", "<!DOCTYPE s [<!ENTITY e SYSTEM 'x'>]><s>&e;</s>", "\0", "[x"]
    )
    def test_settings_that_cannot_be_read_are_as_if_they_were_not_there(self, tmp_path, person, home, text):
        for name in (".m2/settings.xml", ".config/mise/config.toml", ".tool-versions", ".npmrc"):
            (home / name).parent.mkdir(parents=True, exist_ok=True)
            (home / name).write_text(text)
        (home / ".rspec").symlink_to("/dev/zero")
        assert find(person, tmp_path / "kept.json").files == {}


class TestWhatIsShown:
    async def test_places_of_somebody_else_are_left_out(self, tmp_path, person, home):
        """As with variables that a change of user has left behind."""
        if os.getuid() == 0:
            pytest.skip("root may look into every directory")
        (home / "closed" / "pyenv").mkdir(parents=True)
        (home / "closed").chmod(0o000)
        person |= {
            "PYENV_ROOT": str(home / "closed" / "pyenv"),
            "PATH": f"{home}/closed/pyenv/bin:{person['PATH']}",
        }
        try:
            assert await told(tmp_path, person, "echo works") == "works\n"
        finally:
            (home / "closed").chmod(0o700)

    async def test_stores_are_there_and_what_lies_beside_them_is_not(self, tmp_path, person, home):
        for place in (".m2/repository/a", ".gradle/wrapper/b", ".nuget/packages/c", ".cache/node/corepack/d"):
            (home / place).parent.mkdir(parents=True, exist_ok=True)
            (home / place).write_text("package")
        for secret in (".m2/settings.xml", ".gradle/gradle.properties", ".nuget/key", ".cache/browser"):
            (home / secret).write_text("sesame")
        output = await told(tmp_path, person, "cd ~; grep -rs . .m2 .gradle .nuget .cache | sort; true")
        assert "sesame" not in output
        assert ".m2/repository/a:package\n" in output
        assert ".nuget/packages/c:package\n" in output
        assert ".cache/node/corepack/d:package\n" in output

    async def test_whoever_a_command_is_has_the_persons_home(self, tmp_path, person, home):
        """Java looks there for its repositories, and not at the variable."""
        assert await told(tmp_path, person, 'getent passwd "$(id -u)" | cut -d: -f6') == f"{home}\n"

    async def test_a_program_that_a_link_on_path_leads_to(self, tmp_path, person, home):
        program(home / "source" / "tool", "#!/bin/sh\necho works\n")
        (home / "source" / "private").write_text("sesame")
        (home / "bin").mkdir()
        (home / "bin" / "tool").symlink_to("../source/tool")
        person["PATH"] = f"{home / 'bin'}:{person['PATH']}"
        assert await told(tmp_path, person, "tool; ls ~/source") == "works\ntool\n"

    async def test_an_installation_that_a_link_on_path_leads_to(self, tmp_path, person, home):
        environment = home / "tools" / "poetry"
        program(environment / "bin" / "poetry", f"#!/bin/sh\ncat {environment}/lib/module\n")
        (environment / "pyvenv.cfg").write_text("home = /usr/bin\n")
        (environment / "lib").mkdir()
        (environment / "lib" / "module").write_text("works\n")
        (home / ".local" / "bin").mkdir(parents=True)
        (home / ".local" / "bin" / "poetry").symlink_to(environment / "bin" / "poetry")
        person["PATH"] = f"{home / '.local' / 'bin'}:{person['PATH']}"
        assert await told(tmp_path, person, "poetry") == "works\n"

    async def test_an_unpacked_installation_and_one_of_node(self, tmp_path, person, home):
        (home / "bin").mkdir()
        for led_to, module in (
            ("maven/bin/mvn", "maven/lib/m"),
            ("y/node_modules/t/cli", "y/node_modules/u/m"),
        ):
            (home / module).parent.mkdir(parents=True)
            (home / module).write_text("works\n")
            (home / module.partition("/")[0] / "private").write_text("sesame")
            real = program(home / led_to, f"#!/bin/sh\ncat {home / module}\n")
            (home / "bin" / real.name).symlink_to(real)
        person["PATH"] = f"{home / 'bin'}:{person['PATH']}"
        assert await told(tmp_path, person, "mvn; cli") == "works\nworks\n"
        assert "sesame" not in await told(tmp_path, person, "cat ~/y/private")

    async def test_a_link_into_the_state_directory_shows_nothing_and_is_named(self, tmp_path, person, home):
        secret = program(tmp_path / "state" / "journal", "#!/bin/sh\n# sesame\n")
        (home / "bin").mkdir()
        (home / "bin" / "journal").symlink_to(secret)
        person["PATH"] = f"{home / 'bin'}:{person['PATH']}"
        assert "sesame" not in await told(tmp_path, person, "cat ~/bin/journal")
        sandbox = await prove(tmp_path / "state", person)
        assert sandbox.unseen == (("journal", secret),)

    async def test_corepack_runs_the_version_it_has_and_fetches_none(self, tmp_path, person, home):
        kept = Path(os.environ.get("COREPACK_HOME", Path.home() / ".cache" / "node" / "corepack"))
        versions = sorted((kept / "v1" / "pnpm").glob("[0-9]*"))
        if shutil.which("corepack") is None or not versions:
            pytest.skip("corepack with a pnpm of its own is not installed")
        person["COREPACK_HOME"] = str(kept)
        line = (
            'echo \'{"packageManager": "pnpm@%s"}\' > package.json; corepack pnpm --version;'
            'echo \'{"packageManager": "pnpm@1.0.0"}\' > package.json; corepack pnpm --version; cat package.json'
        )
        output = await told(tmp_path, person, line % versions[0].name)
        assert output.startswith(f"{versions[0].name}\n")
        assert "Network access disabled by the environment" in output or "EROFS" in output
