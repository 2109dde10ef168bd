"""What queueing theory says of a call centre: Erlang B, C and A.

Calls come at random (Poisson), ``rate`` a second; a conversation lasts ``handling`` seconds on average, exponentially;
``agents`` answer in the order of arrival. Erlang C has everybody wait for ever, Erlang A (Palm) has callers give up after
``patience`` seconds on average, exponentially. All times are seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, expm1, inf, log

STEPS = 4000
# A density that has fallen to this power of e of its peak is left out.
NOTHING = 40.0


@dataclass(frozen=True, slots=True)
class Expected:
    """Averages of the steady state.

    ``service_level`` counts calls answered within the target among all calls, ``answer_seconds`` is the average speed of
    answer of the calls answered, ``occupancy`` the share of their time that agents talk.
    """

    waits: float
    service_level: float
    answer_seconds: float
    occupancy: float
    abandoned: float = 0.0


def erlang_b(agents: int, load: float) -> float:
    """The share of calls lost when none can wait; ``load`` in erlangs. By the recursion, in which nothing overflows."""
    lost = 1.0
    for number in range(1, agents + 1):
        lost = load * lost / (number + load * lost)
    return lost


def erlang_c(agents: int, load: float) -> float:
    """The share of calls that wait, 1 when the load is as much as the agents or more."""
    if load >= agents:
        return 1.0
    lost = erlang_b(agents, load)
    return lost / (1 - load / agents * (1 - lost))


def patient(agents: int, rate: float, handling: float, target: float) -> Expected:
    """M/M/c. A load that the agents cannot carry has no steady state: nobody is answered in any time."""
    load = rate * handling
    if load >= agents:
        return Expected(1.0, 0.0, inf, 1.0)
    waits = erlang_c(agents, load)
    late = waits * exp(-(agents - load) * target / handling)
    return Expected(waits, 1 - late, waits * handling / (agents - load), load / agents)


def impatient(agents: int, rate: float, handling: float, target: float, patience: float) -> Expected:
    """M/M/c+M, by the density of the time that an infinitely patient caller would wait (Baccelli and Hebuterne 1981)."""
    leave, pace = 1 / patience, agents / handling

    def height(x: float) -> float:
        """The logarithm of the density, but for a constant."""
        return -rate * expm1(-leave * x) / leave - pace * x

    mode = max(0.0, log(rate / pace) / leave)
    peak, spread = height(mode), 1 / pace
    while height(mode + spread) > peak - NOTHING:
        spread *= 2
    end = mode + spread
    # Weights of the states with a free agent and of those without, as in Erlang's loss system but for a constant.
    lost = erlang_b(agents, rate * handling)

    def integral(of: Callable[[float], float], until: float) -> float:
        return lost * simpson(lambda x: of(x) * pace * exp(height(x) - peak), min(until, end))

    free = (1 - lost) * exp(-peak)
    waiting = integral(lambda _: 1.0, inf)
    total = free + waiting
    abandoned = integral(lambda x: -expm1(-leave * x), inf) / total
    in_time = integral(lambda x: exp(-leave * x), target) / total
    waited = integral(lambda x: x * exp(-leave * x), inf) / total
    return Expected(
        waits=waiting / total,
        service_level=free / total + in_time,
        answer_seconds=waited / (1 - abandoned),
        occupancy=rate * handling * (1 - abandoned) / agents,
        abandoned=abandoned,
    )


def simpson(of: Callable[[float], float], end: float) -> float:
    """The integral of a smooth function from 0 to ``end``."""
    if end <= 0:
        return 0.0
    step = end / STEPS
    odd = sum(of(step * place) for place in range(1, STEPS, 2))
    even = sum(of(step * place) for place in range(2, STEPS, 2))
    return step / 3 * (of(0.0) + of(end) + 4 * odd + 2 * even)
