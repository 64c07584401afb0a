"""The four tables of rules, by what a picture or a clip is for."""

from typing import Final

from dashscope_aa.media._judging.rules_image import ANIMATE_ANYONE_IMAGE, WAN_IMAGE
from dashscope_aa.media._judging.rules_video import TEMPLATE_VIDEO, WAN_VIDEO

__all__ = [
    "ANIMATE_ANYONE_IMAGE",
    "IMAGE_TABLES",
    "TEMPLATE_VIDEO",
    "VIDEO_TABLES",
    "WAN_IMAGE",
    "WAN_VIDEO",
]

IMAGE_TABLES: Final = {table.role: table for table in (ANIMATE_ANYONE_IMAGE, WAN_IMAGE)}
VIDEO_TABLES: Final = {table.role: table for table in (TEMPLATE_VIDEO, WAN_VIDEO)}
