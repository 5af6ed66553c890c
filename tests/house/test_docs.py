"""The documentation is true of the code: what it links to exists, what code refers to is there, numbers and commands are right."""

import json
import re
import tomllib
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
import typer
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from counterfoil import ports
from counterfoil.adapters import alerts, export_directory
from counterfoil.cli.commands import add_commands_of_others, app
from counterfoil.detection import account, audit_rules, block_assembly, rule_config, snapshot, strand, stream_cursor
from counterfoil.detection.audit_rules import SEVERITIES, AuditRule
from counterfoil.detection.evidence import bundle
from counterfoil.detection.export_rules import ExportRule
from counterfoil.detection.rule_config import RuleConfig
from counterfoil.ion import binary_of_text, hash_of_ion, hash_of_text, read_single, reader, streams
from counterfoil.ion.symbols import MAX_SYMBOLS
from counterfoil.journal import block, export_format, kpl, proofs_file, receipt
from counterfoil.journal.builder import JournalBuilder, Transaction
from counterfoil.merkle import CompactRange, Hash, dot
from counterfoil.services import batch, export_contents, export_proofs, verify_export
from lab.producer import UserRecord, aggregate

ROOT = Path(__file__).resolve().parent.parent.parent
RUNBOOK = ROOT / "docs/runbook.md"
PAGES = sorted([*(ROOT / "docs").rglob("*.md"), ROOT / "events/README.md", *ROOT.glob("*.md")])
DECISIONS = sorted((ROOT / "docs/decisions").glob("*.md"))
SOURCES = [
    *(file for room in ("layers", "lab", "functions", "benchmarks", "tests") for file in (ROOT / room).rglob("*.py")),
    *(ROOT / name for name in ("template.yaml", "samconfig.toml", "pyproject.toml", "Makefile")),
    ROOT / "layers/counterfoil/Makefile",
]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def name_of(path):
    return str(path.relative_to(ROOT))


def prose(path):
    return FENCE.sub("", path.read_text())


@cache
def headings(path):
    return re.findall(r"^#+ (.+)$", prose(path), flags=re.MULTILINE)


def anchor(heading):
    """As the usual renderers of Markdown make it."""
    return re.sub(r"[^\w -]", "", heading.lower().replace("`", "")).replace(" ", "-")


@cache
def anchors(path):
    return {anchor(each) for each in headings(path)}


def section(path, heading):
    """The lines below a heading up to the next of its level or above."""
    text = path.read_text()
    hidden = FENCE.sub(lambda block: re.sub(r"^#", "-", block[0], flags=re.MULTILINE), text)
    start = re.search(rf"^(#+) {re.escape(heading)}$", hidden, flags=re.MULTILINE)
    assert start, f"{path.name} has no heading {heading!r}"
    end = re.compile(rf"^#{{1,{len(start[1])}}} ", flags=re.MULTILINE).search(hidden, start.end())
    return text[start.end() : end.start() if end else None]


def links(path):
    return [
        each
        for each in re.findall(r"\]\(([^)\s]+)\)", prose(path))
        if not each.startswith(("http:", "https:", "mailto:"))
    ]


# ---- links -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page):
    for link in links(page):
        place, _, wanted = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), f"{link} in {name_of(page)}"
        if wanted:
            assert wanted in anchors(target), f"{link} in {name_of(page)}"


def test_the_search_for_links_finds_links():
    assert sum(len(links(page)) for page in PAGES) > 100


def references():
    """(file, page of docs, what of it) as code says it: `docs/x.md, section "Y"`, `docs/x.md#y` or `docs/x.md`."""
    quoted = re.compile(r'(docs/[\w/.-]+?\.md)(#[\w-]+|, (?:section )?"[^"]{1,60}"(?: and "[^"]{1,60}")*|)')
    for file in SOURCES:
        if file == Path(__file__).resolve():
            continue
        text = re.sub(r"\s*\n\s*#?\s*", " ", file.read_text())
        for page, rest in quoted.findall(text):
            yield name_of(file), ROOT / page, rest


def test_every_page_and_section_that_code_refers_to_exists():
    found = list(references())
    assert len(found) > 30
    for file, page, rest in found:
        assert page.exists(), f"{name_of(page)}, named in {file}"
        if rest.startswith("#"):
            assert rest[1:] in anchors(page), f"{name_of(page)}{rest}, named in {file}"
        for wanted in re.findall(r'"([^"]+)"', rest):
            assert wanted in headings(page), f"{name_of(page)}, {wanted!r}, named in {file}"


def test_every_decision_that_code_refers_to_by_number_exists():
    numbers = {each.name[:4] for each in DECISIONS}
    for file in SOURCES:
        assert set(re.findall(r"docs/decisions/(\d{4})", file.read_text())) <= numbers, name_of(file)


@pytest.mark.parametrize("page", DECISIONS, ids=name_of)
def test_a_decision_bears_the_number_of_its_file(page):
    assert page.read_text().startswith(f"# {int(page.name[:4])}. ")


def test_decisions_are_numbered_without_a_hole():
    assert [int(each.name[:4]) for each in DECISIONS] == list(range(1, len(DECISIONS) + 1))


# ---- the runbook -----------------------------------------------------------------------------------------------------

RULES = {str(each): SEVERITIES[each].name for each in AuditRule} | {
    rule.rule_id: rule.severity.name for rule in RuleConfig().rules
}
EXPORT_RULES = list(map(str, ExportRule))


@pytest.mark.parametrize("rule_id", [*RULES, *EXPORT_RULES])
def test_every_rule_has_its_entry_with_causes_steps_and_an_end(rule_id):
    entry = section(RUNBOOK, rule_id)
    assert "*Likely causes.*" in entry
    assert "*Closed*" in entry
    assert re.findall(r"^(\d)\. ", entry, flags=re.MULTILINE) == ["1", "2", "3"]


def test_no_entry_is_of_a_rule_that_does_not_exist():
    entries = {each for each in headings(RUNBOOK) if each.startswith(("audit.", "fraud.", "export."))}
    assert entries == {*RULES, *EXPORT_RULES}


def rows(text):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]


def test_the_runbook_gives_every_rule_its_severity():
    said = {}
    for severity, _, names in rows(section(RUNBOOK, "Before anything else"))[2:]:
        groups = (
            zip(severity.split(", "), names.split("; "), strict=True)
            if severity == "LOW, INFO"
            else [(severity, names)]
        )
        for level, group in groups:
            said |= dict.fromkeys(re.split(r"[,;] ", group), level)
    assert said == {rule_id.partition(".")[2]: level for rule_id, level in RULES.items()}


def test_the_runbook_gives_the_fraud_rules_defaults():
    table = {row[0]: row for row in rows(section(RUNBOOK, "Findings of the fraud detector"))[2:]}
    for rule in RuleConfig().rules:
        row = next(row for name, row in table.items() if f"`{rule.rule_id.removeprefix('fraud.')}`" in name)
        assert row[-2:] == [rule.severity.name, str(rule.document.status)]
        for name, value in rule.document.parameters.items():
            said = re.search(rf"`{name}` (\S+)", row[1])
            assert said is None or said[1].rstrip(",;") == str(value), rule.rule_id


def test_every_alarm_has_its_entry_with_three_steps():
    named = set(re.findall(r"docs/runbook\.md#([a-z-]+):", (ROOT / "template.yaml").read_text()))
    assert len(named) == 17
    for each in named:
        entry = section(RUNBOOK, each)
        assert "*Means:*" in entry
        assert re.findall(r"^([123])\. ", entry, flags=re.MULTILINE) == ["1", "2", "3"], each


# ---- commands --------------------------------------------------------------------------------------------------------


def command_lines(path, program):
    """What follows a program's name in code blocks and in code inside sentences."""
    text = path.read_text()
    inside = re.findall(rf"`{program} ([^`\n]+)`", FENCE.sub("", text))
    blocks = (body for kind, body in FENCE.findall(text) if kind in {"sh", "console", "bash"})
    lines = (line.partition(" #")[0] for body in blocks for line in body.splitlines())
    return inside + [match[2] for line in lines if (match := re.match(rf"(\$ |\S*/)?{program} (.*)", line))]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_named_in_the_docs_exists_with_its_options(page):
    for line in command_lines(page, "counterfoil"):
        if line in snapshot.CONTEXT.decode():
            continue
        add_commands_of_others()
        command, words = typer.main.get_command(app), line.split()
        while (children := getattr(command, "commands", None)) and words and not words[0].startswith("-"):
            assert words[0] in children, f"counterfoil {line}"
            command = children[words.pop(0)]
        options = {each for one in command.params for each in (*one.opts, *one.secondary_opts)} | {"--help"}
        assert {word.partition("=")[0] for word in words if word.startswith("--")} <= options, f"counterfoil {line}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_make_target_named_in_the_docs_exists(page):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    for line in command_lines(page, "make"):
        named = line.partition("&&")[0].split()
        assert {word for word in named if "=" not in word} <= targets, f"make {line}"


def test_the_search_for_commands_finds_commands():
    found = {line.split()[0] for page in PAGES for line in command_lines(page, "counterfoil")}
    assert {"verify", "redrive", "accept"} <= found


# ---- numbers ---------------------------------------------------------------------------------------------------------


def genuine():
    return json.loads((ROOT / "lab/data/aws-cli-example.json").read_text())


def ion(text):
    return read_single(binary_of_text(text))


def hashes_of(value):
    return [Hash(each.as_bytes()) for each in value.items()]


def steps_of_the_example():
    answer = genuine()["GetBlock"]
    fields = ion(answer["Block"]["IonText"]).fields()
    (revision,) = fields["revisions"].items()
    metadata, data = (Hash(hash_of_ion(revision.fields()[name])) for name in ("metadata", "data"))
    entries, previous = hashes_of(fields["entriesHashList"]), Hash(fields["previousBlockHash"].as_bytes())
    left, right = dot(entries[0], entries[1]), dot(entries[2], entries[3])
    last = dot(dot(left, right), previous)
    return [metadata, data, dot(metadata, data), *entries, left, right, dot(left, right), previous, last]


def test_the_worked_example_has_the_numbers_of_the_genuine_block():
    example = section(ROOT / "docs/format.md", "Example")
    for step in steps_of_the_example():
        assert f"{step.hex()[:8]}…{step.hex()[-6:]}" in example


def test_the_worked_proof_has_the_numbers_of_the_genuine_proof():
    example = re.sub(r"\s+", " ", section(ROOT / "docs/format.md", "Example"))
    reached = steps_of_the_example()[-1]
    for sibling in hashes_of(ion(genuine()["GetBlock"]["Proof"]["IonText"])):
        following = dot(reached, sibling)
        assert f"{reached.hex()[:8]} · {sibling.hex()[:8]} ► {following.hex()[:8]}" in example
        reached = following
    assert f"► {reached.hex()[:8]} = digest" in example


def test_the_worked_ion_hashes_and_the_frame_are_right():
    page = ROOT / "docs/format.md"
    for digest in (hash_of_text("WA"), hash_of_ion(ion("90.25")), hash_of_ion(ion('{State:"WA",City:"Everett"}'))):
        assert f"{digest.hex()[:8]}…{digest.hex()[-6:]}" in section(page, "Ion Hash")
    shown = re.findall(r"\b(?:[0-9a-f]{2} ?)+\b", FENCE.findall(section(page, "KPL frames"))[0][1].splitlines()[0])
    frame = aggregate([UserRecord("k", b"a"), UserRecord("k", b"bc")])
    assert bytes.fromhex("".join(shown).replace(" ", "")) == frame


LIMITS = [
    (batch.MAX_BATCH_RECORDS, "10,000"),
    (kpl.MAX_FRAME_BYTES, "10 MiB"),
    (kpl.MAX_USER_RECORDS, "100,000 user records"),
    (streams.MAX_SIZE_BYTES, "16 MiB, 100 levels"),
    (reader.MAX_DEPTH, "100 levels"),
    (MAX_SYMBOLS, "65,536 a table"),
    (streams.MAX_STREAM_SYMBOLS, "262,144 a stream"),
    (reader.MAX_INT_BYTES, "1,024 bytes"),
    (reader.MAX_EXPONENT, "±100,000"),
    (block.MAX_ENTRIES, "1,024"),
    (receipt.MAX_PATH, "256 hashes"),
    (strand.STANDARD.segments, "400 segments"),
    (strand.STANDARD.awaited, "1,000 awaited"),
    (strand.STANDARD.early, "1,000 early"),
    (strand.STANDARD.size_bytes, "360,000 bytes"),
    (strand.MAX_EXPLAINED, "1,000, forgets"),
    (ports.MAX_RUNS, "80"),
    (block_assembly.MAX_HELD_RECORDS, "20,000 records"),
    (block_assembly.MAX_HELD_BYTES, "16 MiB"),
    (block_assembly.MAX_AHEAD, "10,000 blocks"),
    (stream_cursor.MAX_PASSED, "64, forgets"),
    (account.MAX_OUTFLOWS, "448 outflows"),
    (account.MAX_INFLOWS, "64 inflows"),
    (account.MAX_PAYEES, "128 payees"),
    (account.MAX_HOLDINGS, "16 holdings"),
    (audit_rules.MAX_EVIDENCE, "1,000 characters"),
    (snapshot.MAX_DOCUMENT_BYTES, "64 KiB"),
    (bundle.MAX_BUNDLE_BYTES, "32 MiB; 128 blocks"),
    (bundle.MAX_BLOCKS, "128 blocks"),
    (bundle.MAX_REVISIONS, "128 revisions"),
    (bundle.MAX_STATEMENTS, "8 statements"),
    (verify_export.MAX_MANIFEST_BYTES, "16 MiB, 200,000 keys"),
    (export_format.MAX_KEYS, "200,000 keys"),
    (export_contents.MAX_OBJECT_BYTES, "5 GiB"),
    (export_contents.MAX_FINDINGS, "100 findings"),
    (verify_export.MAX_FINDINGS, "1,000 in an export"),
    (proofs_file.MAX_FILE_BYTES, "64 MiB, 3,000,000 values"),
    (proofs_file.MAX_VALUES, "3,000,000 values"),
    (proofs_file.MAX_LINES, "1,000,000 lines"),
    (proofs_file.MAX_DEPTH, "64 levels"),
    (export_proofs.MAX_TIPS, "1,000 different blocks"),
    (export_proofs.MAX_FINDINGS, "1,000 findings"),
    (export_proofs.MAX_TOLD, "20 sentences"),
    (export_directory.MAX_FILES, "500,000"),
    (alerts.REMEMBERED.days, "400 days"),
    (rule_config.MAX_CHARACTERS, "65,536 characters"),
]
UNITS = {"GiB": 1 << 30, "MiB": 1 << 20, "KiB": 1 << 10}


@pytest.mark.parametrize(("limit", "said"), LIMITS, ids=[said for _, said in LIMITS])
def test_the_table_of_limits_has_the_limits_of_the_code(limit, said):
    number, unit = re.match(r"±?([\d,]+)(?: (\w+))?", said).groups()
    assert int(number.replace(",", "")) * UNITS.get(unit, 1) == limit
    assert said in section(ROOT / "docs/architecture.md", "Limits")


def test_the_rooms_are_drawn_in_the_order_that_imports_may_point():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(each["layers"] for each in contracts if each["type"] == "layers")
    drawn = FENCE.findall(section(ROOT / "docs/architecture.md", "Rooms"))[0][1].splitlines()
    rooms = [line.strip().replace(" · ", " : ") for line in drawn if line.startswith("    ")]
    assert len(rooms) == len(layers)
    for room, layer in zip(rooms, layers, strict=True):
        assert re.match(rf"{re.escape(layer)}( |$)", room)


# ---- code in the docs ------------------------------------------------------------------------------------------------


def programs(heading):
    return [body for kind, body in FENCE.findall(section(ROOT / "docs/format.md", heading)) if kind == "python"]


def run(program):
    exec(compile(program, "docs/format.md", "exec"), {})


def test_the_example_program_holds(monkeypatch):
    monkeypatch.chdir(ROOT)
    (program,) = programs("Example")
    run(program)


def test_the_program_that_checks_a_snapshot_takes_a_genuine_one_and_no_other(monkeypatch, tmp_path):
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    taken = snapshot_of_one_block()
    value = key.sign(snapshot.signed_bytes(taken), ec.ECDSA(hashes.SHA256()))
    document = snapshot.render_document(taken, snapshot.Signature("key", "ECDSA_SHA_256", value))
    monkeypatch.chdir(tmp_path)
    Path("public-key.der").write_bytes(public)
    Path("snapshot.json").write_bytes(document)
    (program,) = programs("Snapshots")
    run(program)
    Path("snapshot.json").write_bytes(document.replace(b"VERIFIED", b"DIVERGED"))
    with pytest.raises(InvalidSignature):
        run(program)


def snapshot_of_one_block():
    at = datetime(2024, 1, 25, 10, tzinfo=UTC)
    built = JournalBuilder("JdxjkR9bSYB5jMHWcI464T").append(Transaction("FnQeJBAicTX0Ah32ZnVtSX", at, at))
    covered = CompactRange.of_leaf(0, built.block_hash)
    return snapshot.DigestSnapshot(
        built.address, covered, built.block_hash, "2024-01-25T10:00:00.000Z", at, "VERIFIED", None, None
    )


def test_the_snapshot_shown_has_the_fields_of_a_real_one():
    (shown,) = [body for kind, body in FENCE.findall(section(ROOT / "docs/format.md", "Snapshots")) if kind == "json"]
    real = json.loads(snapshot.render_document(snapshot_of_one_block(), snapshot.Signature("key", "any", b"x")))
    assert {name: part.keys() for name, part in json.loads(shown).items()} == {
        name: part.keys() for name, part in real.items()
    }
