"""The service's limits on pictures and clips, a row each, and what it says to a breach.

They are written here a second time on purpose: if the client's table is wrong, the emulator
disagrees with it. Rows are tried from top to bottom and the first breach is the answer. Source
keys are those of ``docs/explanation/sources.md``; where documents contradict each other the
row says what was judged right, and where no document knows, the row says it is a guess.
"""

from typing import Final, Literal, TypeAlias

from dashscope_aa.emulator._judge.rules import (
    Refusal,
    Rule,
    called,
    coded_as,
    edges,
    lasting,
    of,
    paced_from,
    ratio_up_to,
    up_to,
    with_detail,
)
from dashscope_aa.emulator._reading.measures import Clip, Picture

Family: TypeAlias = Literal["animate-anyone", "wan"]
"""Whose limits: those of AnimateAnyone gen2 or those of wan2.2-animate."""

MIB: Final = 1024 * 1024
"""No document defines MB; this is the more lenient reading."""

# ── what is said ─────────────────────────────────────────────────────────────────────────

FORMAT: Final = Refusal(
    code="InvalidFile.Format",
    message=(
        "Invalid file format, the request file format is one of the following types: "
        "MP4, AVI, MOV, MP3, WAV, AAC, JPEG, JPG, PNG, BMP, and WEBP."
    ),
)
IMAGE_TYPE: Final = Refusal(
    code="InvalidImage.FileFormat",
    message="Invalid image type. Please ensure the uploaded file is a valid image.",
)
UNOPENED_IMAGE: Final = Refusal(
    code="InvalidFile.Openerror", message="Invalid file, cannot open file as image."
)
UNOPENED_VIDEO: Final = Refusal(
    code="InvalidFile.Openerror", message="Invalid file, cannot open file as video."
)

# Sources: ERR ("cannot open file as video/audio/image"); ERR, public.
UNREADABLE_PICTURE: Final[dict[Family, Refusal]] = {
    "animate-anyone": UNOPENED_IMAGE,
    "wan": IMAGE_TYPE,
}
# Sources: S1; ERR, where that wan2.2-animate says so too is a guess: no such run is recorded.
UNREADABLE_CLIP: Final[dict[Family, Refusal]] = {
    "animate-anyone": UNOPENED_VIDEO,
    "wan": UNOPENED_VIDEO,
}

# ── the limits ───────────────────────────────────────────────────────────────────────────

PICTURE_RULES: Final[dict[Family, tuple[Rule[Picture], ...]]] = {
    "animate-anyone": (
        Rule(
            allows=up_to(5 * MIB - 1),
            refusal=Refusal(
                code="InvalidFile.Size",
                message="Invalid file size, The image file size must be smaller than 5MB.",
            ),
            source="S2, Zgen-old, ERR; exclusive, as the error text words it",
        ),
        Rule(
            allows=of("jpeg", "png", "bmp"),
            refusal=FORMAT,
            source="S2, Zgen-26, OA; code and text: ERR",
        ),
        Rule(
            allows=edges(225, 4096),
            refusal=Refusal(
                code="InvalidFile.Resolution",
                message=(
                    "The image resolution is invalid, please make sure that the largest length of "
                    "image is smaller than 4096, and the smallest length of image is larger than "
                    "224."
                ),
            ),
            source="Zgen-old, ERR; the prose of S2 and another row of ERR allow 4096 itself",
        ),
        Rule(
            allows=ratio_up_to(2),
            refusal=Refusal(
                code="InvalidFile.AspectRatio",
                message=(
                    "Invalid file ratio. The file aspect ratio (height/width) must be between 2.0 "
                    "and 0.5."
                ),
            ),
            source="S2, ERR",
        ),
        Rule(
            allows=with_detail,
            refusal=Refusal(
                code="InvalidFile.NoHuman",
                message=(
                    "The input image has no human body. Please upload other image with single "
                    "person."
                ),
                human=True,
            ),
            source="Zdet-26, ERR; detail is measured in place of looking for a person",
        ),
    ),
    "wan": (
        Rule(
            allows=called(".jpg", ".jpeg", ".png", ".bmp", ".webp"),
            refusal=IMAGE_TYPE,
            source="Zmove, public: the kind of file is taken from the suffix; code: ERR, public",
        ),
        Rule(
            allows=up_to(5 * MIB),
            refusal=Refusal(
                code="InvalidFile.Size",
                message="Invalid file size. The image file size must be less than 5MB.",
            ),
            source="Zmove, Zmix: not more than 5 MB; the code is a guess, text after ERR",
        ),
        Rule(
            allows=of("jpeg", "png", "bmp", "webp"),
            refusal=IMAGE_TYPE,
            source="Zmove, Zmix; code: ERR, public",
        ),
        Rule(
            allows=edges(200, 4096),
            refusal=Refusal(
                code="InvalidImage.Resolution",
                message="Invalid image resolution. The height or width must be 200 ~ 4096.",
            ),
            source="Zmove, Zmix; code: public, which did not record the text",
        ),
        Rule(
            allows=ratio_up_to(3),
            refusal=Refusal(
                code="InvalidImage.Resolution",
                message="Invalid image resolution. The ratio must be between 1:3 and 3:1.",
            ),
            source="Zmove, Zmix; code: public, which did not record the text",
        ),
        Rule(
            allows=with_detail,
            refusal=Refusal(
                code="InvalidImage.NoHumanFace", message="No human face detected.", human=True
            ),
            source="ERR; detail is measured in place of looking for a face",
        ),
    ),
}

CLIP_RULES: Final[dict[Family, tuple[Rule[Clip], ...]]] = {
    "animate-anyone": (
        Rule(
            allows=up_to(200 * MIB - 1),
            refusal=Refusal(
                code="InvalidFile.Size",
                message=(
                    "Invalid file size. The video file size must be less than 200MB, and the "
                    "audio file size must be less than 15MB."
                ),
            ),
            source="S1; exclusive, as the error text words it",
        ),
        Rule(allows=of("mp4", "avi"), refusal=FORMAT, source="S1; code and text: ERR"),
        Rule(
            allows=coded_as("h264", "hevc"),
            refusal=UNOPENED_VIDEO,
            source="S1; the code is a guess: its advice is to re-encode to H.264 or H.265",
        ),
        Rule(
            allows=edges(200, 2048),
            refusal=Refusal(
                code="InvalidFile.Resolution",
                message=(
                    "Invalid video resolution. The height or width of video must be 200 ~ 2048."
                ),
            ),
            source="S1",
        ),
        Rule(
            allows=ratio_up_to(3),
            refusal=Refusal(
                code="InvalidFile.AspectRatio",
                message=(
                    "Invalid file ratio. The file aspect ratio (height/width) must be between 3:1 "
                    "and 1:3."
                ),
            ),
            source="S1",
        ),
        Rule(
            allows=lasting(2, 60),
            refusal=Refusal(
                code="InvalidFile.Duration",
                message="Invalid file duration. The file duration must be 2s ~ 60s.",
            ),
            source="S1",
        ),
        Rule(
            allows=paced_from(24),
            refusal=Refusal(
                code="InvalidFile.FPS",
                message="Invalid video FPS. The video FPS must be at least 24.",
            ),
            source="S1; the code is a guess: ERR documents it for another model only",
        ),
        Rule(
            allows=with_detail,
            refusal=Refusal(
                code="InvalidFile.Content",
                message=(
                    "The first frame of input video has no human body. Please choose another clip."
                ),
                human=True,
            ),
            source="S1, ERR; detail is measured in place of looking for a person",
        ),
    ),
    "wan": (
        Rule(
            allows=called(".mp4", ".avi", ".mov"),
            refusal=FORMAT,
            source="Zmove, public: the kind of file is taken from the suffix; code: a guess",
        ),
        Rule(
            allows=up_to(200 * MIB),
            refusal=Refusal(
                code="InvalidFile.Size",
                message="Invalid file size. The video file size must be less than 200MB.",
            ),
            source="Zmove, Zmix: not more than 200 MB; the code is a guess, text after ERR",
        ),
        Rule(allows=of("mp4", "avi"), refusal=FORMAT, source="Zmove, Zmix; the code is a guess"),
        Rule(
            allows=edges(200, 2048),
            refusal=Refusal(
                code="InvalidVideo.Resolution",
                message="Invalid video resolution. The height or width must be 200 ~ 2048.",
            ),
            source="Zmove, Zmix; code: public, which did not record the text",
        ),
        Rule(
            allows=ratio_up_to(3),
            refusal=Refusal(
                code="InvalidVideo.Resolution",
                message="Invalid video resolution. The ratio must be between 1:3 and 3:1.",
            ),
            source="Zmove, Zmix; code: public, which did not record the text",
        ),
        Rule(
            allows=lasting(2, 30),
            refusal=Refusal(
                code="InvalidVideo.Duration",
                message="Invalid file duration. The file duration must be 2s ~ 30s.",
            ),
            source="Zmove, Zmix; code: public, which did not record the text",
        ),
        Rule(
            allows=with_detail,
            refusal=Refusal(
                code="InvalidVideo.NoHuman",
                message="The input video has no human body. Please choose another clip.",
                human=True,
            ),
            source="public, which did not record the text; detail is measured instead",
        ),
    ),
}
