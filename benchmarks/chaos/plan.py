"""What one run is to be: how long, with how many clients, and which faults in which order."""

import random
from collections import Counter
from dataclasses import dataclass, field

from benchmarks.chaos.plugin import WEB_FAILPOINTS, WORKER_FAILPOINTS

KILLS = frozenset({"kill web", "kill worker", "kill database", "kill backend"})
FAILPOINT = "failpoint "
# Each kind at least once, and together no fewer than 20 kills.
DECK = (
    *["kill web"] * 2,
    *["kill worker"] * 1,
    *["kill database"] * 4,
    *["kill backend"] * 1,
    *[FAILPOINT + name for name in (*WEB_FAILPOINTS, *WORKER_FAILPOINTS)],
    "cut connections",
    "freeze backend",
    "hold course",
    "hold feed",
    "cancel statements",
)
# The short form kills as often, so it has no time to rest.
_SECONDS_EACH = 1.2


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One run. `defect` is planted in the service, to see whether it is found."""

    seed: int
    seconds: float
    clients: int = 32
    web_processes: int = 2
    workers: int = 2
    least_answers: int = 300  # on a slow machine it lasts longer, until there have been so many
    deck: tuple[str, ...] = DECK
    defect: str = ""
    faults: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "faults", self._shuffled())

    def _shuffled(self) -> tuple[str, ...]:
        """The deck, in the seed's order, as often as there is time for it, and at least once."""
        chance = random.Random(self.seed)
        times = max(1, round(self.seconds / _SECONDS_EACH / max(1, len(self.deck))))
        return tuple(fault for _ in range(times) for fault in chance.sample(self.deck, len(self.deck)))

    @property
    def least_kills(self) -> int:
        """Fewer, and the run says nothing."""
        return sum(is_kill(fault) for fault in self.deck)

    def missing(self, fired: Counter[str]) -> list[str]:
        """The faults of the deck that have not fired as often as the deck has them."""
        return [
            f"{fault}: {fired[fault]} of {count}"
            for fault, count in sorted(Counter(self.deck).items())
            if fired[fault] < count
        ]


def is_kill(fault: str) -> bool:
    """Whether a process dies of it by SIGKILL."""
    return fault in KILLS or fault.startswith(FAILPOINT)
