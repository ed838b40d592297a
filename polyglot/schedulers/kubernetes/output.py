"""The output of an attempt's pods: of one after the other, or of all side by side while they run."""

import queue
import threading
from collections.abc import Iterator, Mapping

from polyglot.schedulers.kubernetes.api import Api, ApiError


def output(api: Api, pods: Mapping[int, str], *, follow: bool) -> Iterator[tuple[int, bytes]]:
    """Yield (rank, piece) of the pods named by rank; with `follow`, as they come, until every pod has ended.

    A rank whose peers are quiet is heard at once: each has a connection of its own.
    """
    if not follow or len(pods) == 1:
        for rank, pod in pods.items():
            for piece in api.log(pod, follow=follow):
                yield rank, piece
        return
    pieces: queue.SimpleQueue[tuple[int, bytes | ApiError | None]] = queue.SimpleQueue()

    def read(rank: int, pod: str) -> None:
        end: ApiError | None = None
        try:
            for piece in api.log(pod, follow=True):
                pieces.put((rank, piece))
        except ApiError as error:
            end = error
        finally:
            pieces.put((rank, end))

    for rank, pod in pods.items():
        threading.Thread(target=read, args=(rank, pod), name=f"output-{pod}", daemon=True).start()
    left = len(pods)
    while left:
        rank, found = pieces.get()
        if isinstance(found, bytes):
            yield rank, found
        elif found is None:
            left -= 1
        else:
            raise found
