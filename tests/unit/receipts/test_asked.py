"""Names of tests as models write them."""

from collections.abc import Collection

import pytest

from wainwright.receipts.asked import resolve
from wainwright.receipts.protocol import CannotNarrow

FILES = {
    "calc/core.py": "def add(a, b): ...\n",
    "tests/test_core.py": "class TestAdd:\n    def test_zero(self): ...\n    def test_new(self): ...\n\n\n"
    "def test_alone(): ...\n",
    "tests/test_more.py": "def test_zero(): ...\n",
    "humanize/times_test.go": 'func TestAgo(t *testing.T) {\n\tt.Run("in an hour", f)\n}\n'
    "func TestNew(t *testing.T) {}\n",
    "web/src/sum.test.ts": "describe('sum', () => { it('adds two numbers', f); it('is brand new', f) })\n",
    "src/lib.rs": "mod tests { #[test] fn it_adds() {} #[test] fn it_is_new() {} }\n",
}
KNOWN = (
    "tests/test_core.py::TestAdd::test_zero",
    "tests/test_core.py::test_alone[1-2]",
    "tests/test_core.py::test_alone[3-4]",
    "tests/test_more.py::test_zero",
    "humanize/times_test.go::TestAgo",
    "humanize/times_test.go::TestAgo/in_an_hour",
    "web/src/sum.test.ts::sum::adds two numbers",
    "src/lib.rs::tests::it_adds",
)


class Tree:
    def text(self, path: str) -> str | None:
        return FILES.get(path)

    def files(self) -> Collection[str]:
        return FILES


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("tests/test_core.py", ["tests/test_core.py"]),
        ("./test_more.py", ["tests/test_more.py"]),
        ("tests/test_core.py:5", ["tests/test_core.py"]),
        ("tests/", ["tests/test_core.py", "tests/test_more.py"]),
        ("tests/test_core.py::TestAdd::test_zero", ["tests/test_core.py::TestAdd::test_zero"]),
        ("test_core.py::test_zero", ["tests/test_core.py::TestAdd::test_zero"]),
        ("tests/test_core.py::TestAdd", ["tests/test_core.py::TestAdd"]),
        ("tests/test_core.py::test_alone", ["tests/test_core.py::test_alone"]),
        ("tests/test_core.py:test_alone[1-2]", ["tests/test_core.py::test_alone[1-2]"]),
        ("tests/test_core.py::test_new", ["tests/test_core.py::TestAdd::test_new"]),
        ("tests.test_core.TestAdd.test_zero", ["tests/test_core.py::TestAdd::test_zero"]),
        ("TestAdd.test_zero", ["tests/test_core.py::TestAdd::test_zero"]),
        ("TestAdd", ["tests/test_core.py::TestAdd"]),
        ("test_zero", ["tests/test_core.py::TestAdd::test_zero", "tests/test_more.py::test_zero"]),
        ("test_new", ["tests/test_core.py::TestAdd::test_new"]),
        ("TestAgo", ["humanize/times_test.go::TestAgo"]),
        ("TestAgo/in an hour", ["humanize/times_test.go::TestAgo/in_an_hour"]),
        ("times_test.go::TestAgo/in_an_hour", ["humanize/times_test.go::TestAgo/in_an_hour"]),
        ("humanize/times_test.go > TestAgo > in a week", ["humanize/times_test.go::TestAgo/in_a_week"]),
        ("TestNew/a case", ["humanize/times_test.go::TestNew/a_case"]),
        ("humanize", ["humanize/times_test.go"]),
        ("web/src/sum.test.ts > sum > adds two numbers", ["web/src/sum.test.ts::sum::adds two numbers"]),
        ("sum > adds two numbers", ["web/src/sum.test.ts::sum::adds two numbers"]),
        ("adds two numbers", ["web/src/sum.test.ts::sum::adds two numbers"]),
        ("sum", ["web/src/sum.test.ts::sum"]),
        ("is brand new", ["web/src/sum.test.ts"]),
        ("tests::it_adds", ["src/lib.rs::tests::it_adds"]),
        ("it_is_new", ["src/lib.rs::tests::it_is_new"]),
        ("it_adds", ["src/lib.rs::tests::it_adds"]),
    ],
)
def test_a_name_stands_for_what_it_says(name: str, meant: list[str]) -> None:
    assert list(resolve([name], KNOWN, Tree())) == meant


def test_a_name_that_stands_for_nothing_is_told_with_those_like_it() -> None:
    with pytest.raises(CannotNarrow, match=r"No test is called test_zeros\. Names like it: test_zero"):
        resolve(["test_zeros"], KNOWN, Tree())
