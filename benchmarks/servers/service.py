"""The emulator in a process of its own, with switches that its command has not.

Run as ``python -m benchmarks.servers.service '{"run_s": 1.0}'``; prints its base URL, and at each
line on standard input what it has seen since the last one.
"""

import json
import sys

from dashscope_aa.emulator import Emulator


def main() -> None:
    """Serve until standard input ends."""
    with Emulator(**json.loads(sys.argv[1])) as emulator:
        print(f"Listening on {emulator.base_url}", flush=True)
        for _ in sys.stdin:
            seen = [it for it in emulator.requests if it.operation not in {"hosted", "other"}]
            told = {"requests": len(seen), "paid": emulator.paid_submits()}
            emulator.requests.clear()
            print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
