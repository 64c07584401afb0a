"""The work behind a request: fetch the files, look at the real bytes, make the film.

All of it blocks and runs in worker threads. Films are made one at a time. `_judge` and `_film`
bring in PyAV and Pillow, so they are imported here, when the first file is looked at.

Source: S1, S2, Zmove (which files, which sound, which background), Zdet-26 (the verdict).
"""

import shutil
import threading
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

from dashscope_aa.emulator._answers import (
    BAD_TEMPLATE,
    UNREACHABLE,
    WAN_SUFFIX,
    WAN_URL,
    Answer,
    Refused,
)
from dashscope_aa.emulator._checks import Order
from dashscope_aa.emulator._fetch import Fetcher
from dashscope_aa.emulator._limits import IMAGE_FETCH_BYTES, VIDEO_FETCH_BYTES
from dashscope_aa.emulator._names import Names
from dashscope_aa.emulator._results import Results
from dashscope_aa.emulator._storage import SCHEME, Storage
from dashscope_aa.emulator._switches import Switches
from dashscope_aa.emulator._tasks import Work

Kind = Literal["image", "video"]

ANIMATE_ANYONE_FPS: Final = 15
WAN_FPS: Final = {"wan-std": 15, "wan-pro": 25}
"""Frame rates of the results. Source: OVER, public."""
WATERMARK: Final = "qwen.ai"
"""One of the three texts seen. Source: Zmove."""


@dataclass(frozen=True, slots=True)
class Template:
    """A motion template: whose it is, and the clip it was made from."""

    account: str
    clip: Path


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the image check found."""

    bodystyle: str = ""
    """``full`` or ``half``; empty for a picture that was refused."""
    refusal: Answer | None = None
    """Why it was refused: no fit person in it."""
    as_400: bool = False
    """Say so by HTTP 400, whatever the switch says."""


class Studio:
    """Does the work, in a folder of its own."""

    def __init__(
        self, *, storage: Storage, results: Results, names: Names, switches: Switches
    ) -> None:
        self._storage = storage
        self._results = results
        self._names = names
        self._switches = switches
        self._templates: dict[str, Template] = {}
        self._filming = threading.Lock()
        self._fetcher = Fetcher()
        self._folder = Path()

    def open(self, folder: Path) -> None:
        """Begin to work in *folder*."""
        self._folder = folder

    def close(self) -> None:
        """Break off what can be broken off."""
        self._fetcher.stop()

    # ── the three kinds of work ──────────────────────────────────────────────────────────

    def look(self, order: Order, *, account: str) -> Verdict:
        """Check a picture (aa-detect)."""
        from dashscope_aa.emulator._judge import verdict  # noqa: PLC0415 - brings in PyAV and Pillow

        with self._room() as room:
            image = self._get("image", order, account=account, room=room)
            refusal = verdict.judge_image(
                image, family="animate-anyone", name=_name(order.image_url)
            )
            if refusal is None:
                return Verdict(bodystyle=verdict.bodystyle(image))
        answer = Answer(400, refusal.code, refusal.message)
        if not refusal.human:
            raise Refused(answer)
        return Verdict(refusal=answer)

    def make(self, order: Order, *, account: str) -> Work:
        """Carry out a task; whatever the service finds wanting becomes its refusal."""
        work = self._make_template if order.operation == "template" else self._make_film
        try:
            return work(order, account)
        except Refused as refused:
            return Work(refusal=refused.answer)

    def _make_template(self, order: Order, account: str) -> Work:
        from dashscope_aa.emulator._reading import measures  # noqa: PLC0415 - brings in PyAV

        with self._room() as room:
            clip = self._get("video", order, account=account, room=room)
            self._judge("video", clip, order)
            kept = self._folder / f"template-{self._names.word(16)}"
            shutil.copyfile(clip, kept)
        template_id = self._names.template()
        self._templates[template_id] = Template(account, kept)
        return Work(template_id=template_id, duration_s=measures.Clip(kept).duration_s)

    def _make_film(self, order: Order, account: str) -> Work:
        with self._room() as room:
            image = self._get("image", order, account=account, room=room)
            self._judge("image", image, order)
            clip = self._motion(order, account=account, room=room)
            target = self._folder / f"{self._names.word(32)}.mp4"
            duration_s = self._render(order, image, clip, target)
        self._results.add(target)
        return Work(film=target.name, duration_s=duration_s)

    def _motion(self, order: Order, *, account: str, room: str) -> Path:
        if order.family == "wan":
            clip = self._get("video", order, account=account, room=room)
            self._judge("video", clip, order)
            return clip
        template = self._templates.get(order.template_id)
        if template is None or template.account != account:
            raise Refused(BAD_TEMPLATE)
        return template.clip

    def _render(self, order: Order, image: Path, clip: Path, target: Path) -> float:
        from dashscope_aa.emulator._film import render  # noqa: PLC0415 - brings in PyAV

        wan = order.family == "wan"
        image_background = order.operation == "move" or order.use_ref_img_bg
        with self._filming:
            film = render.render(
                image,
                clip,
                target,
                background="image" if image_background else "video",
                fps=WAN_FPS[order.mode] if wan else ANIMATE_ANYONE_FPS,
                video_ratio=order.video_ratio if order.use_ref_img_bg else None,
                sound=wan or self._switches.sound,
                watermark=WATERMARK if order.watermark else None,
            )
        return film.duration_s

    # ── the files ────────────────────────────────────────────────────────────────────────

    def _room(self) -> TemporaryDirectory[str]:
        return TemporaryDirectory(dir=self._folder)

    def _get(self, kind: Kind, order: Order, *, account: str, room: str) -> Path:
        """Fetch the picture or the clip of an order; give where it is now."""
        if order.missing is not None:
            raise Refused(order.missing)
        url = order.image_url if kind == "image" else order.video_url
        if order.family == "wan":
            self._check_wan_url(kind, url)
        if url.startswith(SCHEME):
            model = order.model if self._switches.upload_model_check else None
            return self._storage.find(url, account=account, model=model).path
        target = Path(room, kind)
        try:
            self._fetch(kind, url, target)
        except Refused as refused:
            unreachable = refused.answer.code == UNREACHABLE.code
            if order.family == "wan" and unreachable:
                raise Refused(WAN_URL) from None
            raise
        return target

    def _fetch(self, kind: Kind, url: str, target: Path) -> None:
        image, switches = kind == "image", self._switches
        self._fetcher.fetch(
            url,
            target,
            timeout_s=switches.image_fetch_s if image else switches.video_fetch_s,
            max_bytes=IMAGE_FETCH_BYTES if image else VIDEO_FETCH_BYTES,
        )

    def _check_wan_url(self, kind: Kind, url: str) -> None:
        """Refuse what wan2.2-animate was seen to refuse: no suffix, signs outside ASCII."""
        if not url.isascii():
            raise Refused(WAN_URL)
        if self._switches.wan_suffix_check and not PurePosixPath(_name(url)).suffix:
            raise Refused(WAN_SUFFIX if kind == "image" else WAN_URL)

    def _judge(self, kind: Kind, path: Path, order: Order) -> None:
        """Refuse a task over a picture or a clip that is not within the limits."""
        from dashscope_aa.emulator._judge import verdict  # noqa: PLC0415 - brings in PyAV and Pillow

        judge = verdict.judge_image if kind == "image" else verdict.judge_video
        url = order.image_url if kind == "image" else order.video_url
        name = _name(url) if self._switches.wan_suffix_check else ""
        refusal = judge(path, family=order.family, name=name)
        waived = kind == "image" and not order.check_image
        if refusal is not None and not (refusal.human and waived):
            raise Refused(Answer(400, refusal.code, refusal.message))


def _name(url: str) -> str:
    """Give the last part of the path of a URL."""
    return PurePosixPath(unquote(urlsplit(url).path)).name
