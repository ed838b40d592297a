"""A rank that does not go on is named, and every process of the attempt ends with that line.

Each rank has a watchdog, a thread that tells the first rank's once a second how far its main thread is (pulse.py), and
for how long it has been there. When no rank has gone on for `hang-seconds`, the first one's says who is behind: ranks
that tell nothing any more, as a stopped process does; else those that have begun the fewest things, and of these the
ones that do not wait in an exchange. Each watchdog then ends its own process (Context.give_up), as a main thread that
waits in gloo or NCCL hears nothing; ranks that are behind log where their threads stand. Where the first rank itself is
stopped, the others see that it does not answer. A phase of files (fetching, loading, storing) takes as long as it takes
while the process moves a mebibyte in `hang-seconds`. Time is counted in looks, so that a process that was frozen as a
whole blames nobody for it. They talk by UDP, as whoever is stopped then never holds up who tells it something; what is
lost is told again.
"""

import contextlib
import json
import secrets
import socket
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from jobs.lib.context import Context
from jobs.lib.ranks import Ranks
from jobs.train.pulse import Pulse
from polyglot.core.errors import Hang
from polyglot.core.units import show_first
from polyglot.kinds.train import TrainSettings

HANG_SECONDS = 600.0
_LOOK_SECONDS = 1.0
_LOOKS = 10  # at least so many in the time after which a rank hangs
_LONGEST_LOOKS = 5  # what one look may add to a time
_SILENT = 0.75  # of that time without a word: what it told last does not matter
_TELLING_SECONDS = 2.0  # for the first to tell all, who then end before their group or their error ends them
_MOVED_BYTES = 2**20
_DATAGRAM_BYTES = 16_384  # a verdict's ranks as well
_NAMED = 8  # ranks at most, in a line
_OWN_BYTES = 256  # that a look itself reads, at most
_Address = tuple[object, ...]  # of a socket, as the system has it
_LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What a rank says of itself: the things begun, the last of them, for how long, and whether it waits for peers."""

    rank: int
    count: int
    place: str
    seconds: float
    exchanging: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Who is behind, and the line that says so."""

    behind: Sequence[int]
    text: str


def verdict(words: Sequence[Word], silent: Mapping[int, float], ranks: Ranks, limit: float) -> Verdict | None:
    """Who holds the others up, when nobody has gone on for `limit` seconds; `silent`: since each was heard last."""
    still = {word.rank: word.seconds + silent.get(word.rank, 0.0) for word in words}
    if min(still.values()) < limit:
        return None
    quiet = [word for word in words if silent.get(word.rank, 0.0) >= _SILENT * limit]
    least = min(word.count for word in words)
    last = [word for word in words if word.count == least]
    found = quiet or [word for word in last if not word.exchanging] or last
    seconds = max(still[word.rank] for word in found)
    if len(found) == len(words):
        return Verdict(
            behind=[word.rank for word in found],
            text=f"none of {len(words)} ranks has gone on from {found[0].place} for {seconds:.0f} s",
        )
    one = len(found) == 1
    who = show_first([_name(ranks, word.rank) for word in found], _NAMED)
    others = f"the others wait for {'it' if one else 'them'}"
    has = "has" if one else "have"
    if quiet:
        text = f"{who} {has} given no sign of life for {seconds:.0f} s, the last from {found[0].place}; {others}"
    else:
        text = f"{who} {has} not gone on from {found[0].place} for {seconds:.0f} s; {others}"
    return Verdict(behind=[word.rank for word in found], text=text)


def _name(ranks: Ranks, rank: int) -> str:
    pod, process = divmod(rank, ranks.local_ranks)
    return f"rank {rank} (pod {pod}, process {process})"


class Watchdog(threading.Thread):
    """The watchdog of one rank. The first rank's `address` is for the others to give to theirs."""

    def __init__(self, ranks: Ranks, pulse: Pulse, context: Context, *, address: str = "", host: str = "") -> None:
        """`address` and `host` are those of the first rank's watchdog; it begins with `start()`."""
        super().__init__(name="watchdog", daemon=True)
        self._ranks, self._context = ranks, context
        self._limit = float(TrainSettings.of(context.settings).hang_seconds or HANG_SECONDS)
        self._interval = min(_LOOK_SECONDS, self._limit / _LOOKS)
        self._own = OwnRank(ranks.rank, pulse)
        self._done = threading.Event()
        self._peer: _Address = ()  # where the first rank's watchdog listens
        port, _, token = address.partition(" ")
        self._token = token or secrets.token_hex(8)
        if ranks.first:
            self._socket = _bound(alone=ranks.pods == 1)
        else:
            there = _LOOPBACK if ranks.pods == 1 else host
            family, _, _, _, self._peer = socket.getaddrinfo(there, int(port), type=socket.SOCK_DGRAM)[0]
            self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._words = {
            rank: Word(rank=rank, count=0, place=str(pulse.now), seconds=0.0, exchanging=False)
            for rank in (range(ranks.ranks) if ranks.first else (0, ranks.rank))
        }
        self._silent = dict.fromkeys(self._words, 0.0)

    @property
    def address(self) -> str:
        """Where it listens, and what it is to be told with so that nobody else's words count."""
        return f"{self._socket.getsockname()[1]} {self._token}"

    def close(self) -> None:
        """End it: what comes now is nobody's to wait for."""
        self._done.set()
        if self.ident is not None:
            self.join(_LOOK_SECONDS)
        self._socket.close()

    def run(self) -> None:
        """Look, tell and hear, until it is closed or there is a verdict."""
        before = time.monotonic()
        while not self._done.wait(self._interval):
            now = time.monotonic()
            elapsed, before = min(now - before, _LONGEST_LOOKS * self._interval), now
            for rank in self._silent:
                self._silent[rank] += elapsed
            self._note(self._own.look(elapsed, waiting=self._limit / 2))
            try:
                found = self._lead() if self._ranks.first else self._follow()
            except OSError:  # nobody is there, or no way leads there: told by the silence
                continue
            if found is not None:
                self._end(found)
                return

    def _note(self, word: Word) -> None:
        self._words[word.rank], self._silent[word.rank] = word, 0.0

    def _lead(self) -> Verdict | None:
        """Hear all, and answer; say who hangs."""
        self._answer(None)
        found = verdict(list(self._words.values()), self._silent, self._ranks, self._limit)
        if found is None or self._done.is_set():
            return None
        told, until = {0}, time.monotonic() + _TELLING_SECONDS
        alive = {rank for rank, silent in self._silent.items() if silent < _SILENT * self._limit}
        while not alive <= told and time.monotonic() < until:
            told |= self._answer(found)
            time.sleep(self._interval / _LOOKS)
        time.sleep(self._interval)  # they hear it when they look
        return found

    def _answer(self, found: Verdict | None) -> set[int]:
        """Note what was told and answer with the verdict; return the ranks that were answered."""
        answered = set()
        for message, sender in self._heard():
            with contextlib.suppress(TypeError, KeyError):
                word = Word(**message)
                if word.rank in self._words:
                    self._note(word)
                    self._say(None if found is None else asdict(found), sender)
                    answered.add(word.rank)
        return answered

    def _follow(self) -> Verdict | None:
        """Tell the first rank how far this one is; return what it has found, or that it is not there any more."""
        self._say(asdict(self._words[self._ranks.rank]), self._peer)
        for message, _ in self._heard():
            self._silent[0] = 0.0
            if message:
                return Verdict(**message)
        own = self._words[self._ranks.rank]
        if min(self._silent[0], own.seconds) < self._limit:
            return None
        silence = f"{_name(self._ranks, 0)} has given no sign of life for {self._silent[0]:.0f} s"
        text = f"{silence}; {_name(self._ranks, own.rank)} waits for it in {own.place}"
        return Verdict(behind=[0], text=text)

    def _heard(self) -> Iterator[tuple[dict[str, Any], _Address]]:
        """All that has come with our token."""
        while True:
            try:
                data, sender = self._socket.recvfrom(_DATAGRAM_BYTES)
            except BlockingIOError:
                return
            with contextlib.suppress(ValueError, TypeError, KeyError):
                message = json.loads(data)
                if secrets.compare_digest(message["token"], self._token):
                    yield message["says"] or {}, sender

    def _say(self, what: Mapping[str, object] | None, to: _Address) -> None:
        with contextlib.suppress(BlockingIOError):
            self._socket.sendto(json.dumps({"token": self._token, "says": what}).encode(), to)

    def _end(self, found: Verdict) -> None:
        """Say where this rank stands if it is behind, and end the process."""
        if self._done.is_set():
            return
        error = Hang(found.text)
        if self._ranks.rank in found.behind:
            error.add_note(f"The threads of rank {self._ranks.rank} stand at\n{_stacks(but=self.ident)}")
        self._context.give_up(error)


class OwnRank:
    """How far this rank is, looked at from its watchdog."""

    def __init__(self, rank: int, pulse: Pulse) -> None:
        self._rank, self._pulse = rank, pulse
        self._count, self._seconds, self._bytes = -1, 0.0, 0

    def look(self, elapsed: float, *, waiting: float) -> Word:
        """What there is to tell; whether it waits in an exchange only after `waiting` seconds."""
        now = self._pulse.now
        moved = _moved_bytes() if now.files else None
        if moved is not None:
            self._bytes += _OWN_BYTES
        goes_on = now.files and (moved is None or moved - self._bytes >= _MOVED_BYTES)
        if now.number != self._count or goes_on:
            self._count, self._seconds, self._bytes = now.number, 0.0, moved or 0
        else:
            self._seconds += elapsed
        exchanging = self._seconds >= waiting and _is_exchanging()
        return Word(
            rank=self._rank, count=now.number, place=str(now), seconds=round(self._seconds, 3), exchanging=exchanging
        )


def _moved_bytes() -> int | None:
    """What this process has read and written so far, files and disk; None where the system does not say."""
    try:
        lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    counters = dict(line.split(": ") for line in lines)
    return sum(int(counters[name]) for name in ("rchar", "wchar", "read_bytes", "write_bytes"))


def _is_exchanging() -> bool:
    """Whether the main thread is in torch.distributed, called from a module of ours."""
    frame = sys._current_frames().get(threading.main_thread().ident or 0)
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith("torch.distributed"):
            return True
        if module.startswith("jobs."):
            return False
        frame = frame.f_back
    return False


def _stacks(*, but: int | None) -> str:
    """Where all threads stand, the main one first."""
    main = threading.main_thread().ident
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    frames = sorted(sys._current_frames().items(), key=lambda item: item[0] != main)
    return "\n".join(
        f"thread {names.get(ident, ident)}:\n{''.join(traceback.format_stack(frame))}"
        for ident, frame in frames
        if ident != but
    )


def _bound(*, alone: bool) -> socket.socket:
    """A socket that hears this machine alone, or all pods."""
    if alone or not socket.has_dualstack_ipv6():
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind((_LOOPBACK if alone else "", 0))
        return made
    made = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    made.bind(("::", 0))
    return made
