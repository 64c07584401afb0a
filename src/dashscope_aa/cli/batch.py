"""``dashscope-aa batch``: many videos from a list, safe to stop and to start again."""

from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Annotated

import typer

from dashscope_aa._prepare import Preflight
from dashscope_aa.cli._app import bare_command
from dashscope_aa.cli._batch import Batch
from dashscope_aa.cli._jobs import BatchRow, read_rows
from dashscope_aa.cli._options import EngineName, MaxCost, Paid, Timeout
from dashscope_aa.cli._place import check_apart, make_folder
from dashscope_aa.cli._results import OWN_FILES
from dashscope_aa.cli._run import WANTING, Bare


@bare_command("batch jobs.csv --out videos --engine wan-std --max-cost 50", shared=Paid)
async def batch(  # noqa: PLR0913 - one parameter an option
    bare: Bare,
    jobs: Annotated[
        Path,
        typer.Argument(
            metavar="JOBS",
            help="A .csv with a head or a .jsonl: image and motion (or template), and per row "
            "output, engine, kind, video_ratio, use_ref_img_bg, watermark, no_check_image, "
            "skip_detect. Paths start at its folder.",
        ),
    ],
    *,
    out: Annotated[
        Path,
        typer.Option(
            help="The folder for the videos, results.jsonl and the ledger; made when it is not "
            "there."
        ),
    ],
    engine: Annotated[
        EngineName,
        typer.Option(envvar="DASHSCOPE_AA_ENGINE", help="For the rows that name none."),
    ] = "animate-anyone",
    preflight: Annotated[
        Preflight,
        typer.Option(
            help="fix: mend what would be refused and can be mended; check: refuse it here; off: "
            "look at nothing."
        ),
    ] = "fix",
    max_cost_cny: MaxCost = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what was found and what it costs; send nothing.")
    ] = False,
    skip_refused: Annotated[
        bool,
        typer.Option("--skip-refused", help="Run the other rows although some would be refused."),
    ] = False,
    parallel: Annotated[
        int, typer.Option(min=1, max=256, help="How many rows are under way at once at most.")
    ] = 16,
    timeout_s: Timeout = None,
) -> None:
    """Make many videos from a list of pictures and motions.

    All rows are looked at first, and nothing is sent if one would be refused. Run the same again
    after Ctrl-C, a crash or a failure: it goes on where it stopped, and pays for nothing twice.
    The exit code is the gravest of the rows'.
    """
    rows = read_rows(jobs, engine=engine)
    ledger = bare.options.ledger or out / "ledger.sqlite"
    _keep_apart(jobs, rows, out=out, ledger=ledger)
    make_folder(out)
    bare.trail.again, bare.trail.ledger = True, ledger
    async with bare.client(ledger=ledger) as client, AsyncExitStack() as stack:
        run = Batch(bare.show, client, rows=rows, out=out)
        await run.look(stack, preflight=preflight, max_cost_cny=max_cost_cny)
        if run.refused and not (skip_refused or dry_run):
            said = "nothing was sent: mend these files, or run the other rows by --skip-refused"
            bare.show.note("stopped", said, {})
        if dry_run or (run.refused and not skip_refused):
            raise typer.Exit(WANTING if run.refused else 0)
        await run.run(preflight=preflight, parallel=parallel, timeout_s=timeout_s)
    run.finish()
    if run.code:
        raise typer.Exit(run.code)


def _keep_apart(jobs: Path, rows: Sequence[BatchRow], *, out: Path, ledger: Path) -> None:
    """Refuse to write a video over what is read, or over what the batch keeps of itself."""
    own = [*(out / name for name in OWN_FILES), ledger]
    read = [str(jobs), *(source for row in rows for source in (row.image, row.motion))]
    check_apart(own, read)
    check_apart((out / row.output for row in rows), [*read, *map(str, own)])
