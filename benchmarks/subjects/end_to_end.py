"""Go the whole way: ``python -m benchmarks.subjects.end_to_end WHO URL FOLDER CLIP PICTURE…``.

WHO is ``ours``, or ``skill:TEMPLATE_S:VIDEO_S``: the steps of the public animate_anyone skill, one
after the other, asking after so many seconds each. It has a bucket of its own; the temporary
storage stands for it here.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.subjects.meter import tell

KEY: Final = "sk-bench"
FINE: Final = frozenset({".mp4", ".avi", ".mov"})
API: Final = "services/aigc/image2video"


async def ours(base_url: str, folder: Path, clip: Path, pictures: Sequence[Path]) -> None:
    """Use this library: one call and one download a picture."""
    from dashscope_aa import AnimateAnyone, Client

    async with Client(KEY, base_url=base_url) as client:
        for number, picture in enumerate(pictures):
            made = await client.animate(picture, clip, engine=AnimateAnyone())
            await client.download(made, folder / f"{number}.mp4")


class Skill:
    """What the skill does for each picture, in its order."""

    def __init__(self, base_url: str, *pauses_s: float) -> None:
        import dashscope

        dashscope.base_http_api_url = base_url
        self._base_url = base_url
        self._template_s, self._video_s = pauses_s

    def animate(self, folder: Path, clip: Path, picture: Path) -> None:
        """Convert, upload, detect, make the template, make the video, download."""
        import requests

        fit = self._fit(clip, folder)
        image_url = self._upload(picture, "animate-anyone-detect-gen2")
        seen = self._post(
            f"{API}/aa-detect", "animate-anyone-detect-gen2", {"image_url": image_url}
        )
        assert seen["check_pass"], seen
        video_url = self._upload(fit, "animate-anyone-template-gen2")
        made = self._task(
            f"{API}/aa-template-generation",
            "animate-anyone-template-gen2",
            {"video_url": video_url},
            self._template_s,
        )
        done = self._task(
            f"{API}/video-synthesis/",
            "animate-anyone-gen2",
            {"image_url": image_url, "template_id": made["template_id"]},
            self._video_s,
        )
        film = requests.get(done["video_url"], timeout=300).content
        (folder / f"{picture.stem}.mp4").write_bytes(film)

    def _fit(self, clip: Path, folder: Path) -> Path:
        if clip.suffix in FINE:
            return clip
        target = folder / "converted.mp4"
        how = [
            "-c:v",
            "libx264",
            "-preset",
            "fast",
            "-crf",
            "22",
            "-c:a",
            "aac",
            "-movflags",
            "+faststart",
        ]
        command = ["ffmpeg", "-v", "error", "-y", "-i", str(clip), *how, str(target)]
        subprocess.run(command, check=True)
        return target

    def _upload(self, path: Path, model: str) -> str:
        from dashscope.utils.oss_utils import OssUtils

        url, _ = OssUtils.upload(model=model, file_path=str(path), api_key=KEY)
        return str(url)

    def _post(
        self, path: str, model: str, given: dict[str, str], *, task: bool = False
    ) -> dict[str, Any]:
        import requests

        headers = {"Authorization": f"Bearer {KEY}", "X-DashScope-OssResourceResolve": "enable"}
        if task:
            headers["X-DashScope-Async"] = "enable"
        body: dict[str, Any] = {"model": model, "input": given, "parameters": {}}
        answer = requests.post(f"{self._base_url}/{path}", json=body, headers=headers, timeout=60)
        answer.raise_for_status()
        output: dict[str, Any] = answer.json()["output"]
        return output

    def _task(self, path: str, model: str, given: dict[str, str], pause_s: float) -> dict[str, Any]:
        import requests

        name = self._post(path, model, given, task=True)["task_id"]
        while True:
            time.sleep(pause_s)
            answer = requests.get(
                f"{self._base_url}/tasks/{name}",
                headers={"Authorization": f"Bearer {KEY}"},
                timeout=60,
            )
            output: dict[str, Any] = answer.json()["output"]
            if output["task_status"] == "SUCCEEDED":
                return output
            assert output["task_status"] != "FAILED", output


def main(who: str, base_url: str, folder: Path, clip: Path, pictures: Sequence[Path]) -> None:
    """Go the whole way for each picture."""
    if who == "ours":
        import dashscope_aa.media  # noqa: F401 - imports are another family

        began = time.perf_counter()
        asyncio.run(ours(base_url, folder, clip, pictures))
    else:
        skill = Skill(base_url, *map(float, who.split(":")[1:]))
        import requests  # noqa: F401 - the same

        began = time.perf_counter()
        for picture in pictures:
            skill.animate(folder, clip, picture)
    tell({"wall_s": time.perf_counter() - began})


if __name__ == "__main__":
    way, url, into, moving, *shown = sys.argv[1:]
    main(way, url, Path(into), Path(moving), [Path(it) for it in shown])
