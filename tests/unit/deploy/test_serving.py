"""What in a tree says that it can be served, and which goals ask for it."""

from importlib import resources
from pathlib import Path

import pytest

from wainwright.deploy.serving import SOURCES_MAX, asked_for, servable
from wainwright.receipts.project import FolderProject

LIBRARY = {
    "pyproject.toml": '[project]\nname = "notes"\ndependencies = ["requests", "flask-free", "pytest-django"]\n',
    "package.json": '{"devDependencies": {"vitest": "1", "express-like": "2", "eslint-config-next": "3"}}',
    "go.mod": "module example.org/notes\n\nrequire github.com/spf13/cobra v1.8.0\n",
    "Cargo.toml": '[dependencies]\nserde = "1"\nclap = "4"\n',
    "notes/cli.py": "def main():\n    print('served')\n",
    "main.go": "package main\n\nfunc main() { println(1) }\n",
    "docs/index.html": "<h1>Notes</h1>",
    "tests/test_client.py": "from http.server import HTTPServer\n",
    "examples/serve.py": "HTTPServer(('', 1), None).serve_forever()\n",
    "src/index.ts": "export const listen = 1;\n",
}


def found_in(tree: dict[str, str]) -> str:
    return servable(sorted(tree), tree.get)


def test_a_library_and_a_command_line_tool_are_not_served() -> None:
    assert found_in(LIBRARY) == ""
    assert found_in({}) == ""


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("Dockerfile", ""),
        ("deploy/Dockerfile.web", ""),
        ("compose.prod.yaml", ""),
        ("Procfile", ""),
        ("site/manage.py", ""),
        ("index.html", ""),
        ("pyproject.toml", '[project]\ndependencies = ["fastapi>=0.110"]\n'),
        ("requirements-web.txt", "Flask==3.0\nflask==3.0\n"),
        ("web/package.json", '{"dependencies": {"express": "^4"}}'),
        ("package.json", '{"dependencies": {"@nestjs/core": "^10"}}'),
        ("go.mod", "require github.com/gin-gonic/gin v1.9.1\n"),
        ("Cargo.toml", '[dependencies]\naxum = "0.7"\n'),
        ("Gemfile", "gem 'sinatra'\n"),
        ("composer.json", '{"require": {"slim/slim": "4.*"}}'),
        ("pom.xml", "<artifactId>spring-boot-starter-web</artifactId>"),
        ("mix.exs", "{:phoenix, '~> 1.7'}"),
        ("App/App.csproj", '<Project Sdk="Microsoft.NET.Sdk.Web">'),
        ("notes/server.py", "class Server(ThreadingHTTPServer):\n    pass\n"),
        ("cmd/notes/main.go", 'log.Fatal(http.ListenAndServe(":8080", nil))'),
        ("src/server.mjs", "http.createServer(handle)"),
        ("src/main.rs", 'TcpListener::bind("127.0.0.1:0")'),
        ("src/main/java/Notes.java", "HttpServer.create(at, 0)"),
    ],
)
def test_one_file_is_enough(path: str, text: str) -> None:
    assert found_in({**LIBRARY, path: text}) == path


def test_a_tree_that_is_too_large_to_look_into_is_asked_about() -> None:
    assert found_in({f"src/a{number}.py": "" for number in range(SOURCES_MAX + 1)}) == "src"


def test_the_shipped_sample_is_a_service() -> None:
    with resources.as_file(resources.files("wainwright.demo") / "workspace") as place:
        project = FolderProject(Path(place))
        assert servable(sorted(project.files()), project.text) == "service/__main__.py"


@pytest.mark.parametrize(
    ("goal", "asks"),
    [
        ("Add an endpoint for health", True),
        ("Deploy it", True),
        ("Write a small web server", True),
        ("Serve notes over HTTP", True),
        ("Let add take any number of numbers", False),
        ("Preserve the order; conserve memory; observe the limit", False),
    ],
)
def test_a_goal_that_speaks_of_serving_asks_for_it(goal: str, asks: bool) -> None:
    assert asked_for(goal) is asks
