"""Where a service's failure seems to come from, by what its log and its command name."""

import pytest

from wainwright.deploy.culprit import culprit

FILES = (
    "app.py",
    "shop/__main__.py",
    "shop/api.py",
    "server.js",
    "cmd/shop/main.go",
    "src/main/java/shop/Main.java",
)

PYTHON = """Traceback (most recent call last):
  File "<frozen runpy>", line 198, in _run_module_as_main
  File "/home/somebody/shop/shop/__main__.py", line 3, in <module>
  File "/home/somebody/shop/shop/api.py", line 41, in serve
  File "/usr/lib/python3.11/socketserver.py", line 456, in __init__
OSError: [Errno 98] Address already in use"""
NODE = """/tree/server.js:12
  throw new Error("no port");
Error: no port
    at Object.<anonymous> (/tree/server.js:12:9)
    at node:internal/main/run_main_module:36:49"""
GO = """panic: no port

goroutine 1 [running]:
main.main()
\t/tree/cmd/shop/main.go:9 +0x1d"""


@pytest.mark.parametrize(
    ("log", "command", "where"),
    [
        (PYTHON, "python -m shop", "shop/api.py:41"),
        (NODE, "node server.js", "server.js:12"),
        (GO, "bin/shop", "cmd/shop/main.go:9"),
        ("at shop.Main.main(src/main/java/shop/Main.java:7)", "java", "src/main/java/shop/Main.java:7"),
        (r"C:\work\shop\api.py:3: bad", "", "shop/api.py:3"),
        ("Listening on 127.0.0.1:8000", "python app.py", "app.py"),
        ("", "python3 -m shop --port 1", "shop/__main__.py"),
        ("", "uvicorn shop.api:app", "shop/api.py"),
        ("", "./server.js", "server.js"),
        ('File "/usr/lib/python3/site.py", line 3', "python -m http.server", ""),
    ],
)
def test_the_innermost_place_of_the_tree(log: str, command: str, where: str) -> None:
    assert culprit(log, command.split(), FILES) == where
