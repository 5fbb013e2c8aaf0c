"""A stand-in for the service, as seen by the bisection."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from reconciler.core.planning.bisect import Isolation

Lines = frozenset[int]


@dataclass
class Service:
    """Lines are numbers. What fails: any poison, any whole group, and what `whim` says at each call."""

    poison: Collection[int] = ()
    groups: Collection[Collection[int]] = ()
    whim: Callable[[Lines], bool] = lambda _: False
    passed: list[Lines] = field(default_factory=list)
    failed: list[Lines] = field(default_factory=list)

    def update(self, sent: Iterable[int]) -> bool:
        """Return whether the update passed."""
        lines = frozenset(sent)
        bad = lines & set(self.poison) or any(lines.issuperset(group) for group in self.groups)
        if bad or self.whim(lines):
            self.failed.append(lines)
            return False
        self.passed.append(lines)
        return True

    @property
    def in_place(self) -> Lines:
        return frozenset().union(*self.passed)

    @property
    def updates(self) -> int:
        return len(self.passed) + len(self.failed)

    def carry_out(self, isolation: Isolation[int]) -> None:
        """Send whatever it asks for, until it asks for nothing."""
        while (batch := isolation.next()) is not None:
            isolation.record(passed=self.update(batch.items))


def lines(count: int, size: int = 9) -> list[tuple[int, int]]:
    """Number that many lines, each of *size* bytes, newline excluded."""
    return [(line, size) for line in range(count)]
