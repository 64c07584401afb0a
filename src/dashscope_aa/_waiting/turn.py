"""Wait for a place in a bucket."""

import anyio

from dashscope_aa._waiting.pace import Bucket


async def turn(bucket: Bucket) -> None:
    """Take the next place and wait for its moment; who is cancelled meanwhile gives it back."""
    now = anyio.current_time()
    place = bucket.take(now)
    if place <= now:  # a sleep of no time would still cost a turn of the loop
        return
    try:
        await anyio.sleep_until(place)
    except BaseException:
        bucket.give_back(place)
        raise
