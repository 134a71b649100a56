"""A shop."""
import os.path as paths, json
from ..stock import Shelf as S, count
from .prices import *

RATE = 1.2
basket = []


def total(items: list[Item], *, rate: float = RATE) -> Money:
    """What the items cost together."""
    def one(item):
        return item.price() * rate

    return sum(one(i) for i in items)


# A place that sells.
# It opens at nine.
@registered("shop")
@final
class Shop(Place, base.Keeper, metaclass=Meta):
    """Sells things."""

    size = 3
    owner: Person = None

    @property
    def open(self) -> bool:
        return self.clock.now() >= paths.join(f"{hour()}")

    async def sell(self, what: "Item"):
        callback = lambda x: x.price()
        self.stock[what].remove(callback)


if os.name == "nt":
    SEPARATOR = ";"
