"""Where an account's money may have come from, as far as its profile remembers it."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from counterfoil.detection.network.entries import Texts, Times, quoted
from counterfoil.detection.network.flows import Flow
from counterfoil.detection.network.limits import MAX_HOPS, MAX_TAKEN, MAX_TRACED, MONTH, MOST, SLACK


class Trace(NamedTuple):
    """Money may have come here by ``via``, at ``at``: of each origin over so many first payments, the last of them this one."""

    sequence_no: int
    at: int
    via: str
    hops: Mapping[str, int]


class Origins(NamedTuple):
    """Where money may have come from, as often as it may, and over how many first payments each time."""

    names: Sequence[str]
    hops: Sequence[int]


NOWHERE: Final = Origins((), ())


class Traces:
    """The newest traces in journal order, all their origins side by side: those of a trace end where ``_ends`` says."""

    __slots__ = ("_ends", "_hops", "_origins", "_sequence_nos", "_text", "_texts", "_times", "_vias")

    def __init__(self, traces: Iterable[Trace] = ()) -> None:
        self._sequence_nos, self._times = array("q"), Times()
        self._origins: list[str] = []
        self._hops = bytearray()
        # Of each origin with its hops, and of all traces until there is another one.
        self._texts = Texts()
        self._text: str | None = None
        self._vias: list[str] = []
        self._ends: list[int] = []
        for each in traces:
            self._enter(each)

    def __len__(self) -> int:
        return len(self._vias)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Traces) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # it changes

    def __iter__(self) -> Iterator[Trace]:
        return map(self._trace, range(len(self)))

    def add(self, trace: Trace) -> None:
        """Add a trace and drop the oldest as flows are; what is counted are origins, and of a trace only some may be dropped."""
        self._enter(trace)
        count = len(self._origins)
        if count > MAX_TRACED:
            old = self._begin(bisect_right(self._sequence_nos, trace.sequence_no - SLACK))
            self._forget(max(old - MAX_TRACED, count - MOST * MAX_TRACED, 0))

    def within(self, at: int, span: int) -> Origins:
        """All origins of the traces less than ``span`` seconds from a time."""
        near = self._times.near(at, span)
        if isinstance(near, range):
            begin = self._begin(near.start)
            return Origins(self._origins[begin:], self._hops[begin:])
        return self._of(near)

    def by_way(self, at: int, span: int) -> Iterator[tuple[str, Sequence[str]]]:
        """For each of these traces by whom the money came, and its origins."""
        for index in self._times.near(at, span):
            yield self._vias[index], self._origins[self._begin(index) : self._ends[index]]

    def before(self, sequence_no: int, at: int) -> Origins:
        """The newest origins of the time before a block, those of traces within a month of ``at``."""
        count = bisect_left(self._sequence_nos, sequence_no)
        end = self._begin(count)
        first = max(end - MAX_TAKEN, 0)
        near = self._times.near(at, MONTH)
        if isinstance(near, range):
            begin = max(first, self._begin(near.start))
            return Origins(self._origins[begin:end], self._hops[begin:end])
        return self._of([index for index in near if index < count], first)

    def rendered(self) -> str:
        """All traces as JSON, compact."""
        if self._text is None:
            known = len(self._texts)
            pairs = zip(self._origins[known:], self._hops[known:], strict=True)
            self._texts.extend([f"{quoted(origin)}:{hops}" for origin, hops in pairs])
            rows = zip(self._sequence_nos, self._times.values, self._vias, self._texts.groups(self._ends), strict=True)
            listed = [f"[{sequence_no},{at},{quoted(via)},{{{hops}}}]" for sequence_no, at, via, hops in rows]
            self._text = f"[{','.join(listed)}]"
        return self._text

    def _enter(self, trace: Trace) -> None:
        self._sequence_nos.append(trace.sequence_no)
        self._times.append(trace.at)
        self._vias.append(trace.via)
        self._origins += trace.hops
        self._hops += bytes(trace.hops.values())
        self._ends.append(len(self._origins))
        self._text = None

    def _begin(self, index: int) -> int:
        return self._ends[index - 1] if index else 0

    def _of(self, indexes: list[int], first: int = 0) -> Origins:
        """The origins of some traces, from one of all origins on."""
        spans = [(max(first, self._begin(index)), self._ends[index]) for index in indexes]
        names = [name for begin, end in spans for name in self._origins[begin:end]]
        return Origins(names, [hops for begin, end in spans for hops in self._hops[begin:end]])

    def _trace(self, index: int) -> Trace:
        begin, end = self._begin(index), self._ends[index]
        hops = dict(zip(self._origins[begin:end], self._hops[begin:end], strict=True))
        return Trace(self._sequence_nos[index], self._times.values[index], self._vias[index], hops)

    def _forget(self, count: int) -> None:
        """Drop the ``count`` oldest origins, and the traces that have none left."""
        if count:
            gone = bisect_right(self._ends, count)
            del self._origins[:count], self._hops[:count]
            self._ends = [end - count for end in self._ends[gone:]]
            del self._sequence_nos[:gone], self._times.values[:gone], self._vias[:gone]
            self._texts.forget(count)


def onward(flow: Flow, reached: Origins, own_name: str) -> Trace:
    """Where money that came by ``flow`` may be from: by the shortest way what had ``reached`` the payer, and the payer itself."""
    found: dict[str, int] = {}
    for origin, hops in zip(*reached, strict=True):
        if hops < MAX_HOPS and found.get(origin, MAX_HOPS + 1) > hops + 1:
            found[origin] = hops + 1
    found.pop(own_name, None)
    found.pop(flow.party, None)
    found[flow.party] = 1
    return Trace(flow.sequence_no, flow.at, flow.party, found)
