"""The main job: a photo and a clip in, a video out.

It asks the real service and costs money; scripts/demo shows the same without a key. Run it by:

    DASHSCOPE_API_KEY=sk-... python examples/quickstart.py
"""

import asyncio
from pathlib import Path

from dashscope_aa import Client, WanAnimate

HERE = Path(__file__).parent


async def main() -> None:
    """Animate the example portrait, and say where the video is."""
    async with Client() as client:  # the key comes from DASHSCOPE_API_KEY
        engine = WanAnimate(mode="wan-std")
        animation = await client.animate(HERE / "portrait.jpg", HERE / "dance.mp4", engine=engine)
        path = await client.download(animation, "result.mp4")
    print(f"{path}, until {animation.expires_at:%Y-%m-%d %H:%M} also at {animation.video_url}")


if __name__ == "__main__":
    asyncio.run(main())
