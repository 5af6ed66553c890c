"""How far it scales: strands, shards, partitions, instances and money for rates up to a million transfers per second.

``python -m benchmarks scale`` prints the tables of docs/scale.md, ``python -m benchmarks scale --write`` writes them there.
"""

from __future__ import annotations

import sys

from benchmarks.scale import page


def run() -> None:
    tables = {name: make() for name, make in page.TABLES.items()}
    for name, content in tables.items():
        print(f"{name}\n{content}\n")
    if "--write" in sys.argv:
        page.write(tables)
