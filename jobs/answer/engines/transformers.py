"""The usual engine: a loop of our own around a model of transformers, on any device.

Prompts of similar length are one group: its conversations share slots, are kept together, and are repeated together
after a kill. So what is computed at once, which may change the last bits of a logit, depends neither on what an earlier
attempt has done nor on the number of shards: a killed run ends with the bytes of one that was left alone.
"""

from collections.abc import Callable, Mapping, Sequence

from jobs.answer.engines.engine import Generated, Opening, Request
from jobs.answer.engines.generation import Generator
from jobs.answer.engines.slots import Slots
from jobs.lib.model.loading import DTYPES, choose_device, embedded, load_model, max_positions
from polyglot.core.canonical import Json
from polyglot.kinds.answer import GROUP_TOKENS
from polyglot.kinds.settings import count_of

BATCH_SIZE = {"cpu": 64, "cuda": 128}
_TIMES = (4, 3, 2)  # conversations of a group, in slots
_LEAST_GROUPS = 8  # so that shards have something each, and a kill costs little


class TransformersEngine:
    """See Engine. One group at once."""

    at_once = 1

    def __init__(self, opening: Opening) -> None:
        """Load the model, and try once which of its answers may share a batch. Raises Permanent."""
        params, device = opening.params, choose_device()
        model = load_model(opening.directory, dtype=DTYPES[params.dtype], device=device)
        self.generator = Generator(model, opening.chat, top_k=params.top_k, top_p=params.top_p, stops=params.stops)
        self.unusual = self.generator.batching.name(has_cache=self.generator.has_cache)
        if self.unusual is not None:
            opening.log.warning(
                "%s answers otherwise in a batch than alone; it answers so: %s", type(model).__name__, self.unusual
            )
        self.positions, self.embedded = max_positions(model), embedded(model)
        self._size, self._tokens = _batch_size(opening.settings), GROUP_TOKENS[device.type]
        self._waiting: list[tuple[str, Request]] = []
        self._slots = Slots(self.generator, self._size, self._tokens) if self.generator.slotted else None
        if self._slots is None and self.unusual is None:
            opening.log.info("%s keeps more than keys and values: answers go turn by turn", type(model).__name__)

    @staticmethod
    def conditions(settings: Mapping[str, Json]) -> dict[str, Json]:
        """See Engine. Answers from before there were slots may differ where two tokens are nearly as likely."""
        return {"batch_size": _batch_size(settings), "decoding": "slots"}

    def groups(self, lengths: Sequence[int]) -> list[int]:
        """See Engine."""
        # on a processor wider rows cost what fewer steps save (docs/engines.md)
        again = self._slots is not None and self.generator.model.device.type == "cuda"
        return (slot_group_sizes if again else group_sizes)(lengths, self._size, self._tokens)

    def add(self, name: str, request: Request) -> None:
        """See Engine."""
        if self._slots is not None:
            self._slots.add(name, request)
        else:
            self._waiting.append((name, request))

    def step(self, check: Callable[[], None]) -> list[tuple[str, Generated]]:
        """Compute on in slots; a model that has none answers all that waits, as one batch, in its order."""
        if self._slots is not None:
            return self._slots.step(check)
        names, requests = [name for name, _ in self._waiting], [request for _, request in self._waiting]
        self._waiting.clear()
        return list(zip(names, self.generator.answer(requests, check), strict=True))

    def close(self) -> None:
        """Nothing: it goes with the process."""


def group_sizes(lengths: Sequence[int], size: int, tokens: int) -> list[int]:
    """Of neighbours in the order of their lengths: at most `size` of them, and of several at most `tokens`, padded."""
    sizes: list[int] = []
    for length in lengths:  # the one that is next is the longest so far
        if not sizes or sizes[-1] == size or (sizes[-1] + 1) * length > tokens:
            sizes.append(0)
        sizes[-1] += 1
    return sizes


def slot_group_sizes(lengths: Sequence[int], size: int, tokens: int) -> list[int]:
    """The same where slots are taken again: what would be many groups is fewer, up to four times as large."""
    for times in _TIMES:
        sizes = group_sizes(lengths, times * size, times * tokens)
        if len(sizes) >= _LEAST_GROUPS:
            return sizes
    return group_sizes(lengths, size, tokens)


def _batch_size(settings: Mapping[str, Json]) -> int:
    return count_of(settings, "batch_size") or BATCH_SIZE[choose_device().type]
