"""Ids that look like the service's own; the same ones again for the same seed."""

import random
import uuid


class Names:
    """A source of ids."""

    def __init__(self, seed: int | None = None) -> None:
        # Nothing here is a secret: a seed makes test runs comparable.
        self._random = random.Random(seed)  # noqa: S311

    def uuid(self) -> str:
        """Make the id of a request or a task."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def word(self, length: int) -> str:
        """Make a word of *length* hexadecimal digits."""
        return f"{self._random.getrandbits(4 * length):0{length}x}"

    def template(self) -> str:
        """Make the id of a template: ``AACT.xxx.xxx-xxx.xxx`` (S2)."""
        return f"AACT.{self.word(8)}.{self.word(12)}-{self.word(6)}.{self.word(8)}"
