"""Asking the index: what a model sees, and what it is told when there is nothing."""

from collections.abc import Callable

import pytest
from tests.fixtures.bench import Bench

from wainwright.tools.files import SEARCH
from wainwright.tools.symbols import CALLERS, FIND_SYMBOL, OUTLINE, READ_SYMBOL, REFERENCES
from wainwright.tools.toolbox import Workbench

pytestmark = pytest.mark.asyncio(loop_scope="module")

FILES = {
    "shop/cart.py": (
        "class Cart:\n"
        '    """What somebody wants to buy."""\n'
        "\n"
        "    @property\n"
        "    def total(self) -> int:\n"
        "        return price(self)\n"
        "\n"
        "    def add(self, thing: str) -> None:\n"
        "        check(thing)\n"
        "        check(thing)\n"
        "\n"
        "\n"
        "def price(cart: Cart) -> int:\n"
        "    return 1\n"
    ),
    "shop/list.py": "class Wishes:\n    def add(self, thing: str) -> None: ...\n\n\ntotals = 3\n",
    "web/cart.ts": "export function addToCart(id: string): void {\n  check(id);\n}\n",
    "notes.txt": "price and cart\n",
}


@pytest.fixture
def workbench(make_bench: Callable[..., Bench]) -> Workbench:
    return make_bench(FILES).workbench()


FOUND = [
    (
        FIND_SYMBOL,
        {"name": "price"},
        "shop/cart.py:13: function price (lines 13-14) def price(cart: Cart) -> int:",
    ),
    (FIND_SYMBOL, {"name": "Cart.add"}, "shop/cart.py:8: method Cart.add"),
    (FIND_SYMBOL, {"name": "addto", "how": "prefix"}, "web/cart.ts:1: function addToCart"),
    (FIND_SYMBOL, {"name": "atc", "how": "fuzzy"}, "web/cart.ts:1: function addToCart"),
    (FIND_SYMBOL, {"name": "Prices"}, "Nothing is called Prices."),
    (FIND_SYMBOL, {"name": "pric"}, "Names like it:\nshop/cart.py:13: function price"),
    (FIND_SYMBOL, {"name": ""}, "do not fit: name"),
    (REFERENCES, {"name": "price"}, "shop/cart.py\n  6: return price(self)  (in Cart.total)"),
    (REFERENCES, {"name": "Cart"}, "13: def price(cart: Cart) -> int:"),
    (REFERENCES, {"name": "nobody"}, "No file calls nobody"),
    (CALLERS, {"name": "check"}, "shop/cart.py: Cart.add, line 9, 10\nweb/cart.ts: addToCart, line 2"),
    (CALLERS, {"name": "add"}, "Nothing calls add."),
    (OUTLINE, {"path": "shop/cart.py"}, "       4-6   def total(self) -> int:"),
    (OUTLINE, {"path": "notes.txt"}, "notes.txt is no file of the workspace in a known language"),
    (OUTLINE, {"path": "gone.py"}, "gone.py is no file"),
    (READ_SYMBOL, {"name": "total"}, "    4     @property\n    5     def total(self) -> int:\n    6 "),
    (
        READ_SYMBOL,
        {"name": "add"},
        "2 definitions fit; name one by its scopes or path:\nshop/cart.py:8: method Cart.add",
    ),
    (
        READ_SYMBOL,
        {"name": "add", "path": "shop/list.py"},
        "shop/list.py (lines 2-2 of 5), method Wishes.add:",
    ),
    (READ_SYMBOL, {"name": "nobody"}, "Nothing is defined as nobody; `search` finds every mention."),
    (
        READ_SYMBOL,
        {"name": "nobody", "path": "shop/cart.py"},
        "Nothing is defined as nobody in shop/cart.py; `search` finds every mention.",
    ),
    (
        READ_SYMBOL,
        {"name": "add", "path": "shop/base64.ml"},
        "shop/base64.ml is no file of the workspace in a known language; `search` and `read` show it.",
    ),
    (SEARCH, {"pattern": "total"}, "shop/cart.py:5:     def total(self) -> int:\nshop/list.py:5: totals = 3"),
    (
        SEARCH,
        {"pattern": "totals?", "regex": True, "word": True, "glob": "*.py"},
        "shop/list.py:5: totals = 3",
    ),
]


@pytest.mark.parametrize(("tool", "arguments", "seen"), FOUND)
async def test_what_a_model_sees(workbench: Workbench, tool, arguments: dict[str, object], seen: str) -> None:
    assert seen in await tool.call(workbench, arguments)


async def test_what_was_just_written_is_found(workbench: Workbench) -> None:
    assert "Nothing" in await FIND_SYMBOL.call(workbench, {"name": "fresh"})
    (workbench.tree / "shop" / "fresh.py").write_text("def fresh(): return price(0)\n")
    assert "shop/fresh.py:1: function fresh" in await FIND_SYMBOL.call(workbench, {"name": "fresh"})
    assert "shop/fresh.py: fresh, line 1" in await CALLERS.call(workbench, {"name": "price"})
    (workbench.tree / "shop" / "fresh.py").unlink()
    assert "Nothing" in await FIND_SYMBOL.call(workbench, {"name": "fresh"})


async def test_a_long_definition_is_shown_in_part(workbench: Workbench) -> None:
    body = "".join(f"    x{number} = {number}\n" for number in range(300))
    (workbench.tree / "long.py").write_text(f"def long():\n{body}")
    shown = await READ_SYMBOL.call(workbench, {"name": "long"})
    assert "  160     x158 = 158\n(to line 301; `read` shows the rest)" in shown
