"""Attacks as data: what is tried, what has to come of it, and how much of a group was tried at all.

A group is a letter, a list of cases and one function that tries a case on a *build*. The real build is the product.
The weak one has the product's guard taken away, and nothing else: nearly all attacks have to get through, or the
cases prove nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

Outcome = Literal["refuse", "ask", "hold", "ok"]
"""Refused with a word of why and nothing done; a person is asked before anything is done; done inside the
fence, where it reaches nothing; done as anybody would expect."""
THROUGH = 0.9
"""The least share of a group's attacks that has to succeed on the weak build."""
BENIGN = 0.1
"""The least share of a group that is everyday work, which has to be let through."""


@dataclass(frozen=True)
class Case:
    """One attack, or one piece of everyday work where ``expect`` is ok."""

    id: str
    """The group, a number of the kind within it, and a number within that: ``P2.07``."""
    what: str
    expect: Outcome
    act: object = None
    """What the group's own function needs to try it."""
    owed: str = ""
    """What builds the door that is attacked, where there is none yet; such a case is named and not run."""
    wrong: str = ""
    """Why the case should not be, where it should not; named and not run."""
    strong: str = ""
    """Why the weak build withstands it too, where something else than the group's guard stands in the way."""

    @property
    def runs(self) -> bool:
        return not (self.owed or self.wrong)

    @property
    def why_not(self) -> str:
        """A line for one that does not run."""
        return f"{self.id} {self.what}: " + (
            f"owed to {self.owed}" if self.owed else f"should not be: {self.wrong}"
        )


@dataclass
class Seen:
    """What came of a case: the outcome that the product showed, and what observers found in spite of it."""

    outcome: Outcome
    alarms: list[str] = field(default_factory=list)
    said: str = ""
    """The product's own words, for whoever reads of a case that went wrong."""

    def faults(self, case: Case) -> list[str]:
        """What is not as it has to be; an alarm is a fault whatever the product said."""
        found = list(self.alarms)
        if self.outcome != case.expect:
            found.append(f"{self.outcome} instead of {case.expect}: {self.said or 'nothing was said'}")
        return found


@dataclass(frozen=True)
class Group:
    """Cases that attack one guard."""

    letter: str
    title: str
    count: int
    """How many cases the group has to have, those that are owed or should not be among them."""
    cases: Sequence[Case]

    @property
    def run(self) -> list[Case]:
        return [case for case in self.cases if case.runs]

    @property
    def attacks(self) -> list[Case]:
        """The cases that the weak build has to let through."""
        return [case for case in self.run if case.expect != "ok" and not case.strong]

    def flaws(self) -> list[str]:
        """What is wrong with the list itself."""
        ids = [case.id for case in self.cases]
        benign = [case for case in self.run if case.expect == "ok"]
        found = [f"{one} is there twice" for one in sorted({one for one in ids if ids.count(one) > 1})]
        found += [f"{one} is not of group {self.letter}" for one in ids if not one.startswith(self.letter)]
        if len(ids) != self.count:
            found.append(f"{len(ids)} cases instead of {self.count}")
        if len(benign) < BENIGN * len(self.run):
            found.append(f"only {len(benign)} of {len(self.run)} are everyday work")
        return found

    def through(self, seen: dict[str, Seen]) -> list[str]:
        """What is wrong with the weak build's results, by the ids of the attacks that were tried on it."""
        held = [case.id for case in self.attacks if not seen[case.id].faults(case)]
        most = (1 - THROUGH) * len(self.attacks)
        return [f"the weak build withstood {len(held)} attacks: {held}"] if len(held) > most else []
