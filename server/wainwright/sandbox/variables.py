"""Variables of every command, besides those of the person's that choose how a tool works.

Each of them leaves the outcome what it is at the person's prompt when all that is needed is there. Hence none of
these: ``CI`` makes jest and vitest refuse new snapshots and write colours into a pipe, and projects skip tests by it;
``NO_COLOR`` and ``TERM=dumb`` turn off what tests of coloured output are about; ``PIP_NO_INDEX`` hides an index that
a test serves itself. Colours come of a terminal, and standard output is none.
"""

VARIABLES = {
    "LANG": "C.UTF-8",
    "LC_MESSAGES": "C.UTF-8",
    "TERM": "xterm-256color",
    # A file changed twice in a second keeps its time and perhaps its size: Python would run what was compiled before.
    "PYTHONDONTWRITEBYTECODE": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "NPM_CONFIG_UPDATE_NOTIFIER": "false",
    "COREPACK_ENABLE_DOWNLOAD_PROMPT": "0",
    "COREPACK_ENABLE_AUTO_PIN": "0",
    "YARN_ENABLE_TELEMETRY": "0",
    "DENO_NO_UPDATE_CHECK": "1",
    "DOTNET_CLI_TELEMETRY_OPTOUT": "1",
}

OFFLINE = {
    # There is no network: package managers should use what they have, or say at once that they cannot.
    "PIP_RETRIES": "0",
    "UV_OFFLINE": "1",
    "CARGO_NET_OFFLINE": "true",
    "GOPROXY": "off",
    "NPM_CONFIG_OFFLINE": "true",
    "COREPACK_ENABLE_NETWORK": "0",
    "YARN_ENABLE_NETWORK": "0",
    "HEX_OFFLINE": "1",
    "COMPOSER_DISABLE_NETWORK": "1",
}
"""Those of commands that reach no host at all."""


def through(port: int) -> dict[str, str]:
    """Those of commands whose way out is a proxy on a port of their own loopback."""
    proxy, own = f"http://127.0.0.1:{port}", "localhost,127.0.0.1,::1"
    named = {"HTTP_PROXY": proxy, "HTTPS_PROXY": proxy, "NO_PROXY": own}
    return {**named, **{name.lower(): value for name, value in named.items()}}
