"""What a deliberate bug is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mutant:
    """``old`` in ``file`` becomes ``new``; ``breaks`` says what that means; ``tests`` must notice.

    ``file`` is below the library's package, or below the project's root where it begins with ``lab/``. ``tests`` are arguments
    of pytest: files, tests, ``-k`` and its words; tests on the emulator are left out.
    """

    breaks: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    @property
    def package(self) -> str:
        """The package that is copied and changed."""
        return "lab" if self.file.startswith("lab/") else "counterfoil"
