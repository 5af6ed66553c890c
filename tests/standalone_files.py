"""Verifiers that are one file each, run as somebody would who has nothing but Python."""

import subprocess
import sys


def runner_of(folder, name, text):
    """A function that runs the file with arguments: (exit status, what it says). Nothing may go to standard error."""
    file = folder / f"{name}.py"
    file.write_text(text)

    def run(*arguments):
        command = [sys.executable, "-I", "-S", file, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.stderr == ""
        return done.returncode, done.stdout

    return run
