"""Draw charts, told as JSON on standard input, into a folder, as PNG and as SVG."""

import json
import sys
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl

mpl.use("agg")
mpl.rcParams["svg.hashsalt"] = "dashscope-aa"  # the same chart gives the same file
from matplotlib import pyplot as plt  # noqa: E402 - after its settings

OURS: Final = "#c2410c"
THEIRS: Final = "#94a3b8"
FAR: Final = 20.0


def draw(chart: dict[str, Any], folder: Path) -> None:
    """Draw one chart of bars that lie."""
    bars = chart["bars"][::-1]
    values = [bar["value"] for bar in bars]
    around = [
        [bar["value"] - bar["low"] for bar in bars],
        [bar["high"] - bar["value"] for bar in bars],
    ]
    figure, axes = plt.subplots(figsize=(8, 1.1 + 0.32 * len(bars)), layout="constrained")
    colours = [OURS if bar["ours"] else THEIRS for bar in bars]
    axes.barh([bar["label"] for bar in bars], values, xerr=around, color=colours, capsize=2)
    if min(values) > 0 and max(values) / min(values) > FAR:
        axes.set_xscale("log")
    axes.set_xlabel(chart["unit"])
    axes.set_title(chart["title"], loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(folder / f"{chart['name']}.png", dpi=120)
    figure.savefig(folder / f"{chart['name']}.svg", metadata={"Date": None})
    plt.close(figure)


if __name__ == "__main__":
    for each in json.load(sys.stdin):
        draw(each, Path(sys.argv[1]))
