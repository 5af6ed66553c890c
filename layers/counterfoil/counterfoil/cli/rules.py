"""``rules``: what the detector looks for; changed by one person, approved by another, on record."""

from __future__ import annotations

import json as json_text
from pathlib import Path
from typing import Annotated, Final

import typer

from counterfoil.cli.desk import AuthorOption, FindingsOption, ReasonOption, RulesOption, StackOption, desk
from counterfoil.cli.output import JsonOption, out, print_json, printable
from counterfoil.detection.rule_log import Life, RuleEvent
from counterfoil.detection.watch_list import WatchList
from counterfoil.errors import InputError
from counterfoil.services.rules import read_version, status_of

app: Final = typer.Typer(help="The rules of fraud and the watch lists: read, check, change them.", no_args_is_help=True)

RuleArgument = Annotated[str, typer.Argument(metavar="RULE", help="The rule's or list's id.", show_default=False)]
FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="A rule or a list in JSON.", show_default=False)]
VersionOption = Annotated[int, typer.Option("--version", min=0, help="Which version; 0 is the newest.")]


@app.command("list")
def list_rules(*, stack: StackOption = "", rules_table: RulesOption = "", json: JsonOption = False) -> None:
    """List all rules and watch lists with what of them is in force."""
    lives = desk(stack, rules=rules_table).rules.lives()
    if json:
        print_json({"holds": True, "rules": [_life(each) for _, each in sorted(lives.items())]})
        return
    for rule_id, life in sorted(lives.items()):
        out.print(f"{printable(rule_id)}  newest {life.newest}, {status_of(life)}", soft_wrap=True)


@app.command()
def show(
    rule_id: RuleArgument,
    *,
    version: VersionOption = 0,
    stack: StackOption = "",
    rules_table: RulesOption = "",
    json: JsonOption = False,
) -> None:
    """Show a version of a rule as it was written."""
    life = desk(stack, rules=rules_table).rules.life(rule_id)
    written = life.versions.get(version or life.newest)
    if written is None:
        raise InputError(f"{rule_id} has no version {version}; the newest is {life.newest}")
    document = json_text.loads(written.text)
    if json:
        print_json({"holds": True, **_life(life), "document": document, "author": written.author})
        return
    out.print(printable(json_text.dumps(document, ensure_ascii=False, indent=2)), soft_wrap=True)


@app.command()
def validate(file: FileArgument, *, json: JsonOption = False) -> None:
    """Check a rule or a list, and run the rule's tests, without keeping it."""
    read = read_version(_text(file))
    if isinstance(read, WatchList):
        rule_id, version, digest = read.id, read.version, read.hash
    else:
        rule_id, version, digest = read.rule_id, read.document.version, read.document.hash
    if json:
        print_json({"holds": True, "rule_id": rule_id, "version": version, "hash": digest})
        return
    out.print(f"{rule_id} version {version} is sound: {digest}", soft_wrap=True)


@app.command()
def submit(
    file: FileArgument,
    *,
    author: AuthorOption,
    reason: ReasonOption = "",
    stack: StackOption = "",
    rules_table: RulesOption = "",
    json: JsonOption = False,
) -> None:
    """Keep the next version of a rule or a list: as a draft, or on trial. Nothing becomes active by this."""
    _tell(desk(stack, rules=rules_table).rules.submit(_text(file), author, reason), as_json=json)


@app.command()
def approve(  # noqa: PLR0913 - one parameter for each option
    rule_id: RuleArgument,
    *,
    author: AuthorOption,
    version: VersionOption = 0,
    reason: ReasonOption = "",
    override: Annotated[bool, typer.Option("--override", help="Without a second person: becomes a finding.")] = False,
    stack: StackOption = "",
    rules_table: RulesOption = "",
    findings_table: FindingsOption = "",
    json: JsonOption = False,
) -> None:
    """Make a version active that somebody else wrote; every detector follows within 30 seconds."""
    rules = desk(stack, rules=rules_table, findings=findings_table).rules
    chosen = version or rules.life(rule_id).newest
    act = rules.override if override else rules.approve
    _tell(act(rule_id, chosen, author, reason), as_json=json)


@app.command()
def pause(
    rule_id: RuleArgument,
    *,
    author: AuthorOption,
    reason: ReasonOption = "",
    stack: StackOption = "",
    rules_table: RulesOption = "",
    json: JsonOption = False,
) -> None:
    """Stop evaluating a rule, or using a list, until somebody else approves a version."""
    _tell(desk(stack, rules=rules_table).rules.pause(rule_id, author, reason), as_json=json)


@app.command()
def history(
    rule_id: RuleArgument, *, stack: StackOption = "", rules_table: RulesOption = "", json: JsonOption = False
) -> None:
    """Show who did what with a rule, and when."""
    events = desk(stack, rules=rules_table).rules.history(rule_id)
    if json:
        print_json({"holds": True, "events": [_event(each) for each in events]})
        return
    for each in events:
        out.print(printable(_line(each)), soft_wrap=True)


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{file} cannot be read: {error}") from None


def _tell(event: RuleEvent, *, as_json: bool) -> None:
    if as_json:
        print_json({"holds": True, "event": _event(event)})
    else:
        out.print(printable(_line(event)), soft_wrap=True)


def _line(event: RuleEvent) -> str:
    why = f": {event.reason}" if event.reason else ""
    return f"{event.at.isoformat()}  {event.act} {event.rule_id} version {event.version} by {event.by}{why}"


def _event(event: RuleEvent) -> dict[str, str | int]:
    return {
        "revision": event.revision,
        "rule_id": event.rule_id,
        "act": str(event.act),
        "version": event.version,
        "by": event.by,
        "at": event.at.isoformat(),
        "reason": event.reason,
    }


def _life(life: Life) -> dict[str, str | int | None]:
    return {
        "rule_id": life.rule_id,
        "newest": life.newest,
        "active": life.active,
        "shadow": life.shadow,
        "status": status_of(life),
    }
