"""What is added needs a place in each of these lists; forgetting one is named here, or by mypy."""

import importlib
import pkgutil
from typing import get_args

from wainwright import deploy
from wainwright.deploy.targets import TARGETS
from wainwright.domain.events import EVENT, Event, GateKind
from wainwright.domain.fold import LEGAL
from wainwright.domain.gates import GATES


def test_every_event_has_its_stages() -> None:
    arms = get_args(get_args(Event)[0])
    kinds = {arm.model_fields["kind"].default for arm in arms}
    assert kinds == LEGAL.keys(), "domain/fold.py: LEGAL needs a row for each event"
    assert len(kinds) == len(arms) == len(EVENT.json_schema()["oneOf"])


def test_every_kind_of_gate_has_its_rule() -> None:
    assert set(get_args(GateKind)) == GATES.keys(), "domain/gates.py: GATES needs a row for each kind of gate"


def test_every_target_is_in_the_table() -> None:
    modules = [
        importlib.import_module(f"wainwright.deploy.{m.name}") for m in pkgutil.iter_modules(deploy.__path__)
    ]
    written = {one for module in modules for one in vars(module).values() if isinstance(one, type)}
    targets = {one for one in written if hasattr(one, "choice")}
    assert targets == set(TARGETS.values()), "deploy/targets.py: TARGETS needs an entry for each target"
