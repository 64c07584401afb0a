"""How many frames there are, and when: from tables and packets, not from headers.

mp4 and mov files have exact tables, read by `fragments`; where they were cut or edited, FFmpeg's
index says which frames are left. An avi file is read by its index, everything else packet by
packet, without decoding.
"""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from av.audio.stream import AudioStream
from av.error import FFmpegError
from av.stream import Stream
from av.video.stream import VideoStream

from dashscope_aa.media._containers.movie import Movie, Track
from dashscope_aa.media._opening.clip import AnyPacket
from dashscope_aa.media._opening.safety import NotReadable, Subject
from dashscope_aa.media._probing.timeline import Pace, pace_of_runs, pace_of_times

if TYPE_CHECKING:
    from av.packet import Packet

__all__ = ["Truth", "stretched", "truth_of_index", "truth_of_packets", "truth_of_tables"]

_PACKETS_BETWEEN_CHECKS: Final = 1000
_STUMBLE_S: Final = 1
"""A clock that goes back by less has stumbled, as at the seams of a stream."""
_JOIN: Final = "Give one of the recordings, or join them with a program that knows how."
_ENOUGH_FRAMES: Final = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What the frames themselves say."""

    picture: Pace
    """The frames of the picture."""
    start_s: float = 0.0
    """When the first is shown, in seconds."""
    sound_start_s: float = 0.0
    """When the sound begins, in seconds from the first frame."""
    sound_s: float = 0.0
    """How long the sound lasts, in seconds."""
    sound_bytes: int | None = 0
    """Size of the encoded sound; None if it was not counted."""
    saw_end: bool = True
    """False if the middle was left out and no frame was found behind it."""


# ── mp4 and mov: sample tables ───────────────────────────────────────────────────────────


def truth_of_tables(
    picture: VideoStream, sound: AudioStream | None, *, movie: Movie, size_bytes: int
) -> Truth | None:
    """Read the truth from the sample tables; None if FFmpeg sees other tracks than we do."""
    tracks = {track.id: track for track in movie.tracks}
    track = tracks.get(picture.id)
    if track is None or not track.runs:
        return None
    pace = pace_of_runs(track.runs, tick_s=Fraction(1, track.timescale), stated=_rate(picture))
    heard = tracks.get(sound.id) if sound is not None else None
    sound_s = min(heard.duration_s, _edited_s(heard, movie)) if heard else 0.0
    # Fragments are read with an eye on what is left of them, and have no edits worth the name.
    if not movie.fragmented and (track.edits or movie.truncated):
        times = _left(picture, size_bytes)
        if len(times) != pace.frames:
            pace = pace_of_times(
                times, tick_s=_tick_s(picture), last=track.runs[-1][1], stated=_rate(picture)
            )
        pace = replace(pace, duration_s=min(pace.duration_s, _edited_s(track, movie)))
    if movie.truncated and sound is not None and (left := _left(sound, size_bytes)):
        sound_s = min(sound_s, float((left[-1] - left[0]) * _tick_s(sound)))
    return Truth(
        picture=pace,
        start_s=_start_s(picture),
        sound_start_s=_start_s(sound) - _start_s(picture) if sound is not None else 0.0,
        sound_s=sound_s,
        sound_bytes=heard.sample_bytes if heard else 0,
    )


def _left(stream: Stream, size_bytes: int) -> list[int]:
    """Take from FFmpeg's index, in which edits are done, the times of frames that are there."""
    return [
        entry.timestamp
        for entry in stream.index_entries
        if not entry.is_discard and entry.pos + entry.size <= size_bytes
    ]


def _edited_s(track: Track, movie: Movie) -> float:
    """Give how long the edit list shows the track; for ever if there is none.

    An edit that shows all is as long as the track, but for rounding to the movie's clock.
    """
    shown_s = sum(ticks for ticks, start in track.edits if start >= 0) / movie.timescale
    shows_all = not track.edits or shown_s + 1 / movie.timescale >= track.duration_s
    return float("inf") if shows_all or shown_s == 0 else shown_s


# ── avi: an index, one row a frame ───────────────────────────────────────────────────────


def truth_of_index(picture: VideoStream, sound: AudioStream | None) -> Truth | None:
    """Read the truth from the index of an avi file; None if it has none.

    A tick is a frame, and one without a row repeats the frame before.
    """
    entries = picture.index_entries
    if len(entries) == 0:
        return None
    tick_s, frames = _tick_s(picture), entries[-1].timestamp - entries[0].timestamp + 1
    sound_bytes = sum(entry.size for entry in sound.index_entries) if sound is not None else 0
    bit_rate = (sound.codec_context.bit_rate or 0) if sound is not None else 0
    return Truth(
        picture=pace_of_runs([(frames, 1)], tick_s=tick_s, stated=_rate(picture)),
        start_s=float(entries[0].timestamp * tick_s),
        sound_start_s=_start_s(sound) - _start_s(picture) if sound is not None else 0.0,
        sound_s=sound_bytes * 8 / bit_rate if bit_rate else 0.0,
        sound_bytes=sound_bytes,
    )


# ── everything else: packets ─────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Heard:
    """What the packets of one stream say."""

    times: "array[int]" = field(default_factory=lambda: array("q"))
    """When each starts, in ticks."""
    size_bytes: int = 0
    """What their sizes come to."""
    saw_end: bool = False
    """True once a packet came from behind a hole in the file."""
    latest: int | None = None
    """When the latest one starts."""
    last_dts: int | None = None
    """When the last one had to be decoded."""
    latest_ticks: int = 0
    """How long that one lasts; 0 if it does not say."""

    def add(self, packet: "Packet[Stream]", *, counts: bool) -> None:
        """Take a packet; one behind a hole in the file only shows how far the file goes.

        Raises:
            NotReadable: the clock starts anew.
        """
        self._check_clock(packet)
        time = packet.dts if packet.pts is None else packet.pts
        if time is None:
            return
        if counts:
            self.times.append(time)
            self.size_bytes += packet.size
        else:
            self.saw_end = True
        if self.latest is None or time >= self.latest:
            self.latest, self.latest_ticks = time, packet.duration or 0

    def _check_clock(self, packet: "Packet[Stream]") -> None:
        if packet.dts is None:
            return
        back = 0 if self.last_dts is None else self.last_dts - packet.dts
        if back > 0 and back * Fraction(packet.time_base or 0) > _STUMBLE_S:
            message = "its clock starts anew midway, as where recordings are put one after another"
            raise NotReadable("damaged", message, hint=_JOIN)
        self.last_dts = packet.dts


def truth_of_packets(
    packets: Iterable[AnyPacket],
    picture: VideoStream,
    *,
    sound: AudioStream | None,
    subject: Subject,
) -> Truth | None:
    """Read the truth from every packet; None if there is no picture in any of them."""
    seen, heard = _Heard(), _Heard()
    wanted = {picture.index: seen} | ({sound.index: heard} if sound is not None else {})
    _listen(packets, wanted, subject)
    if not seen.times:
        return None
    pace = pace_of_times(
        seen.times, tick_s=_tick_s(picture), last=seen.latest_ticks, stated=_rate(picture)
    )
    start_s = float(min(seen.times) * _tick_s(picture))
    from_s, to_s = _span_s(heard, sound, start_s) if sound is not None else (start_s, start_s)
    truth = Truth(
        picture=pace,
        start_s=start_s,
        sound_start_s=from_s - start_s,
        sound_s=to_s - from_s,
        sound_bytes=heard.size_bytes,
    )
    if subject.omitted is None:
        return truth
    if not heard.saw_end:
        truth = replace(truth, sound_s=0.0)  # that it is not known
    return replace(_of_part(truth, picture, latest=seen.latest or 0), saw_end=seen.saw_end)


def _of_part(truth: Truth, picture: VideoStream, *, latest: int) -> Truth:
    """Reckon the whole from its beginning; too few frames tell less than the header."""
    pace, stated, tick_s = truth.picture, _rate(picture), _tick_s(picture)
    if pace.frames < _ENOUGH_FRAMES and stated:
        duration_s = pace.frames / float(stated)
        pace = Pace(pace.frames, duration_s, float(stated), variable=False)
    frame_ticks = int(pace.duration_s / pace.frames / tick_s)
    end_s = float((latest + frame_ticks) * tick_s)
    return stretched(replace(truth, picture=pace), end_s - truth.start_s)


def _listen(packets: Iterable[AnyPacket], wanted: dict[int, _Heard], subject: Subject) -> None:
    """Read all packets, up to the end or to where the file makes no more sense."""
    hole = subject.omitted.start if subject.omitted else subject.size_bytes
    try:
        for number, packet in enumerate(packets):
            # The empty packets at the end are of no stream, whatever their number says.
            if (heard := wanted.get(packet.stream_index)) is not None:
                heard.add(packet, counts=packet.pos is None or packet.pos < hole)
            if number % _PACKETS_BETWEEN_CHECKS == 0:
                subject.checkpoint()
    except FFmpegError:
        return


def _span_s(heard: _Heard, stream: Stream, picture_start_s: float) -> tuple[float, float]:
    """Give when the sound begins and ends."""
    if heard.latest is None:
        return picture_start_s, picture_start_s
    # What comes before zero is the encoder's warming up, which is not played. Where the
    # beginning has no sound, the sound is taken to start with the picture.
    start_s = float(max(0, min(heard.times)) * _tick_s(stream)) if heard.times else picture_start_s
    return start_s, float((heard.latest + heard.latest_ticks) * _tick_s(stream))


def stretched(truth: Truth, duration_s: float) -> Truth:
    """Go on at the pace of the beginning, up to *duration_s*; with sound of unknown length too."""
    pace = truth.picture
    longer = duration_s / pace.duration_s if pace.duration_s else 1.0
    return replace(
        truth,
        picture=replace(pace, frames=round(pace.fps * duration_s), duration_s=duration_s),
        sound_s=truth.sound_s or duration_s,
        sound_bytes=round((truth.sound_bytes or 0) * longer) or None,
    )


def _tick_s(stream: Stream) -> Fraction:
    return stream.time_base or Fraction(0)


def _start_s(stream: Stream) -> float:
    return float((stream.start_time or 0) * _tick_s(stream))


def _rate(picture: VideoStream) -> Fraction:
    # Truthiness, since newer versions give a falsy ratio instead of None.
    rate = picture.average_rate or picture.codec_context.framerate
    return Fraction(rate.numerator, rate.denominator) if rate else Fraction(0)
