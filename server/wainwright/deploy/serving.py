"""Whether anything in a tree can be served: a table of what says so, so that a library costs no question to a model.

A program that only answers on a command line is not served. What the table does not know is asked about all the same
where the goal speaks of serving or deploying.
"""

import re
from collections.abc import Callable, Iterable
from pathlib import PurePosixPath

_WORD = r"(?<![\w./@-]){}(?![\w-])"
_FILES = re.compile(
    r"(^|/)((Docker|Container)file(\.[\w-]+)?|(docker-)?compose(\.[\w-]+)?\.ya?ml|Procfile|fly\.toml|render\.yaml"
    r"|vercel\.json|netlify\.toml|manage\.py|[aw]sgi\.py|config\.ru|nginx\.conf|[\w.@-]+\.service)$"
    r"|^(public/|static/|site/)?index\.html$"
)
"""Files that are there to serve what is in the tree."""
_MANIFESTS: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"(^|/)(pyproject\.toml|setup\.(py|cfg)|Pipfile|requirements[\w.-]*\.(txt|in))$"),
        r"flask|django|fastapi|starlette|uvicorn|gunicorn|hypercorn|tornado|sanic|bottle|falcon|quart|litestar"
        r"|streamlit|gradio|dash",
    ),
    (
        re.compile(r"(^|/)package\.json$"),
        r"express|fastify|koa|hapi|@hapi/hapi|hono|next|nuxt|@nestjs/core|@remix-run/serve|@sveltejs/kit|astro"
        r"|react-scripts|restify",
    ),
    (
        re.compile(r"(^|/)go\.mod$"),
        r"github\.com/(gin-gonic/gin|labstack/echo|gofiber/fiber|go-chi/chi|gorilla/mux)|google\.golang\.org/grpc",
    ),
    (re.compile(r"(^|/)Cargo\.toml$"), r"axum|actix-web|rocket|warp|tide|poem|salvo|tonic"),
    (re.compile(r"(^|/)(Gemfile|gems\.rb)$"), r"rails|sinatra|puma|hanami|roda|grape"),
    (re.compile(r"(^|/)composer\.json$"), r"laravel/framework|symfony/framework-bundle|slim/slim"),
    (
        re.compile(r"(^|/)(pom\.xml|[\w-]+\.gradle(\.kts)?|build\.sbt)$"),
        r"spring-boot-starter-web(flux)?|quarkus-[\w-]+|micronaut-http-server[\w-]*|ktor-server-[\w-]+|javalin"
        r"|vertx-web|jetty-server|akka-http|http4s-[\w-]+",
    ),
    (re.compile(r"(^|/)mix\.exs$"), r"phoenix|plug_cowboy|bandit"),
    (re.compile(r"\.(cs|fs)proj$"), r"Microsoft\.NET\.Sdk\.Web"),
)
"""Manifests, and the packages in them that make a program a server."""
_SOURCES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\.py$"), r"\bserve_forever\(|HTTPServer\b|\b(make|start)_server\(|\brun_app\("),
    (re.compile(r"\.go$"), r"\bListenAndServe(TLS)?\(|\bhttp\.Serve\("),
    (re.compile(r"\.[cm]?[jt]sx?$"), r"\bcreateServer\(|\.listen\(|\b(Bun|Deno)\.serve\("),
    (re.compile(r"\.rs$"), r"\bTcpListener::bind\("),
    (re.compile(r"\.(java|kt|scala)$"), r"\bHttpServer\.create\(|\bnew ServerSocket\("),
    (re.compile(r"\.rb$"), r"\bWEBrick\b|\bTCPServer\.new\b"),
)
"""What a program does that serves without any package; not looked for in tests."""
_TESTS = re.compile(r"(^|/|[._-])(tests?|specs?|__tests__|examples?|docs?)([/._-]|$)", re.IGNORECASE)
_ASKS = re.compile(
    r"\b(deploy\w*|serv(e|es|ed|ing|er|ers|ice|ices)|web ?(site|app|page)s?|end ?points?|listen(s|ing)?|daemons?)\b",
    re.IGNORECASE,
)
SOURCES_MAX = 2_000
"""Source files that are looked into; a tree with more is asked about."""


def asked_for(goal: str) -> bool:
    """Whether a goal speaks of serving or deploying."""
    return _ASKS.search(goal) is not None


def servable(files: Iterable[str], read: Callable[[str], str | None]) -> str:
    """The path of what says that a tree can be served; empty where nothing does. ``read`` gives a file's text."""
    paths = [path for path in files if not _TESTS.search(path)]
    plain = next((path for path in paths if _FILES.search(path)), "")
    if plain:
        return plain
    for path in paths:
        for manifest, packages in _MANIFESTS:
            if manifest.search(path) and re.search(_WORD.format(f"({packages})"), read(path) or ""):
                return path
    sources = [(path, calls) for path in paths for kind, calls in _SOURCES if kind.search(path)]
    if len(sources) > SOURCES_MAX:
        return str(PurePosixPath(sources[0][0]).parent)
    return next((path for path, calls in sources if re.search(calls, read(path) or "")), "")
