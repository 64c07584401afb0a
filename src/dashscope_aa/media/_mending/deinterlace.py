"""Make whole frames of interlaced ones, whose lines show two moments: combs, where they are joined.

Lines of the other moment are reckoned from the frames around (FFmpeg's bwdif), so each frame comes
out when the next one is known.
"""

from collections.abc import Iterator

from av.error import BlockingIOError as NotYetError
from av.error import EOFError as EndError
from av.filter import Graph
from av.video.frame import VideoFrame

__all__ = ["Deinterlacer"]


class Deinterlacer:
    """Takes frames in their order, and gives as many back; their times stay."""

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._shape: tuple[int, int, str] | None = None

    def feed(self, frame: VideoFrame) -> Iterator[VideoFrame]:
        """Take a frame, and give those that are ready. Frames marked as whole are not changed."""
        shape = (frame.width, frame.height, frame.format.name)
        if self._graph is None or shape != self._shape:
            yield from self.finish()
            self._graph, self._shape = _filters(frame), shape
        self._graph.vpush(frame)
        yield from _ready(self._graph)

    def finish(self) -> Iterator[VideoFrame]:
        """Give those that are left."""
        if self._graph is not None:
            self._graph.vpush(None)
            yield from _ready(self._graph)


def _filters(frame: VideoFrame) -> Graph:
    graph = Graph()
    source = graph.add_buffer(
        width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
    )
    bwdif = graph.add("bwdif", "mode=send_frame:deint=interlaced")
    graph.link_nodes(source, bwdif, graph.add("buffersink")).configure()
    return graph


def _ready(graph: Graph) -> Iterator[VideoFrame]:
    while True:
        try:
            yield graph.vpull()
        except (NotYetError, EndError):
            return  # the next one is not known yet, or there is none
