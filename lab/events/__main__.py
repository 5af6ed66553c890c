"""``python -m lab.events``: write every sample event and its expected result to events/, and remove what is no longer made."""

from __future__ import annotations

from lab.events.files import EVENTS, rendered_files


def main() -> None:
    files = rendered_files()
    for stale in {each.name for each in EVENTS.glob("*.json")} - files.keys():
        (EVENTS / stale).unlink()
    for name, text in files.items():
        (EVENTS / name).write_text(text, encoding="utf-8")
    size = sum(len(text) for text in files.values())
    print(f"{len(files) // 2} events with their expected results, {size / 1e6:.1f} MB, in {EVENTS.name}/")


if __name__ == "__main__":
    main()
