"""wan2.2-animate: move and mix.

Move: the picture's person does what the clip's person does, before the picture's background.
Mix: the clip's person is replaced by the picture's, before the clip's background.

Source: Model Studio help, the wan2.2-animate-move and -mix pages (Zmove, Zmix); OA.
"""

from typing import Literal

from pydantic import StrictBool

from dashscope_aa.models._base import MediaUrl, Request

WanMode = Literal["wan-std", "wan-pro"]


class WanAnimateInput(Request):
    """The ``input`` of a move or mix request."""

    image_url: MediaUrl
    """URL of the picture: http, https, or ``oss://`` from a temporary upload."""
    video_url: MediaUrl
    """URL of the clip. The kind of file is judged by the suffix of its path."""
    watermark: StrictBool = False
    """True adds the service's mark to the video. Stands here, not in `parameters`."""


class WanAnimateParameters(Request):
    """The ``parameters`` of a move or mix request."""

    mode: WanMode
    """``wan-std`` (15 fps, cheaper) or ``wan-pro`` (25 fps)."""
    check_image: StrictBool = True
    """False skips the check of the picture before the task, for drawn characters."""


class WanAnimateRequest(Request):
    """The body of ``POST …/image2video/video-synthesis`` for move and mix; asynchronous."""

    model: str
    """``wan2.2-animate-move`` or ``wan2.2-animate-mix``."""
    input: WanAnimateInput
    """The picture and the clip."""
    parameters: WanAnimateParameters
    """The price tier and the check; required."""
