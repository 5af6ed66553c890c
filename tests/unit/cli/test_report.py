"""``counterfoil report``: pages, lists and a signed manifest, the same bytes wherever they are made."""

import csv
import io
import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, SECP384R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

import counterfoil
from counterfoil.cli.report.annexes import render_annexes, render_ocsf_lines
from counterfoil.cli.report.command import parse_period
from counterfoil.cli.report.drawing import MAX_POINTS, Path, Rectangle, draw
from counterfoil.cli.report.html import render_html
from counterfoil.cli.report.pdf import render_pdf
from counterfoil.cli.report.presentation import Chart
from counterfoil.errors import InputError
from counterfoil.services.report import compile_report
from tests.report_evidence import FINDINGS, evidence

REPORT = compile_report(evidence())
NOW = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """A private key's file, and its public half's."""
    folder, key = tmp_path_factory.mktemp("keys"), generate_private_key(SECP256R1())
    private, public = folder / "key.pem", folder / "public.pem"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    """A ledger in a folder, and a time behind its last block."""
    folder = tmp_path_factory.mktemp("ledgers") / "bank"
    with counterfoil.open(folder) as opened:
        opened.execute_statement("CREATE TABLE Notes")
        for number in range(5):
            opened.execute_statement("INSERT INTO Notes ?", {"number": number, "text": "\u4e2d & <b>"})
        opened.execute_statement("DELETE FROM Notes AS n WHERE n.number = 3")
    return folder, (datetime.now(UTC) + timedelta(milliseconds=5)).isoformat()


@pytest.fixture(scope="module")
def made(ledger, keys, tmp_path_factory):
    """A report's folder as another process makes it, by environment."""

    def make(**environment):
        folder = tmp_path_factory.mktemp("reports") / "report"
        command = [sys.executable, "-c", "from counterfoil.cli import main; main()", "report", ledger[0]]
        options = ["--from", "2020-01-01", "--to", ledger[1], "--out", folder, "--key-file", keys[0], "--json"]
        answer = subprocess.run(
            [*map(str, command), *map(str, options)], env={**os.environ, **environment}, check=True, capture_output=True
        )
        return folder, json.loads(answer.stdout)

    return make


@pytest.fixture(scope="module")
def here(made):
    return made(PYTHONHASHSEED="1", TZ="UTC", LC_ALL="C.UTF-8")


def contents_of(folder):
    return {each.name: each.read_bytes() for each in folder.iterdir()}


def test_another_hash_seed_zone_and_locale_make_the_same_bytes(made, here):
    there, _ = made(PYTHONHASHSEED="31337", TZ="Asia/Kathmandu", LC_ALL="de_DE.UTF-8", LANG="tr_TR.UTF-8")
    assert contents_of(here[0]) == contents_of(there)


def test_the_report_of_a_journal_has_its_blocks_digest_and_what_was_done_to_it(here, ledger):
    report = json.loads((here[0] / "report.json").read_text())
    with counterfoil.open(ledger[0], create=False) as opened:
        digest = opened.digest()
    [strand] = report["scope"]["strands"]
    assert (strand["firstBlock"], strand["lastBlock"]) == (0, digest.tip_address.sequence_no)
    assert strand["digestAfter"]["digest"] == digest.hash.to_base64()
    assert (report["holds"], report["integrity"]["checksFailed"]) == (True, 0)
    assert {each["ruleId"] for each in report["privilegedActions"]} == {
        "audit.privileged-statement",
        "audit.document-deleted",
    }


def test_an_answer_names_the_hash_that_the_manifest_has(here):
    folder, answer = here
    assert answer["reportHash"] == sha256((folder / "manifest.json").read_bytes()).hexdigest()
    assert answer["signed"]
    assert answer["recorded"] is None
    assert {"report.html", "report.pdf", "report.json", "findings.ocsf.jsonl", "findings.csv"} <= set(answer["files"])


def test_what_was_signed_holds_and_what_was_changed_does_not(made, keys, run):
    folder, answer = made()
    checked = run("verify", "report", folder, "--key", keys[1], "--json")
    assert (checked.status, checked.document["reportHash"]) == (0, answer["reportHash"])
    (folder / "extra.csv").write_bytes(b"")
    assert run("verify", "report", folder, "--key", keys[1]).status == 1
    (folder / "extra.csv").unlink()
    rules = (folder / "rules.csv").read_bytes()
    (folder / "rules.csv").write_bytes(rules + b"x")
    assert run("verify", "report", folder, "--key", keys[1]).status == 1
    (folder / "rules.csv").unlink()
    assert run("verify", "report", folder, "--key", keys[1]).status == 1
    (folder / "rules.csv").write_bytes(rules)
    manifest = (folder / "manifest.json").read_bytes()
    (folder / "manifest.json").write_bytes(manifest.replace(b"2020", b"2021"))
    assert run("verify", "report", folder, "--key", keys[1]).status == 1
    (folder / "manifest.signature.json").write_bytes(b"{}")
    assert run("verify", "report", folder, "--key", keys[1]).status == 2


def test_the_hash_is_noted_in_a_ledger_once(ledger, run, tmp_path):
    target = tmp_path / "audit"
    counterfoil.open(target).close()
    ids = []
    for name in ("one", "two"):
        options = ["--from", "2020-01-01", "--to", ledger[1], "--format", "json", "--record-in", target]
        answer = run("report", ledger[0], *options, "--out", tmp_path / name, "--json")
        assert answer.status == 0, answer.err
        ids.append(answer.document["recorded"])
    assert ids[0] == ids[1]
    with counterfoil.open(target, create=False) as opened:
        [noted] = opened.execute_statement("SELECT r.reportHash, r.holds FROM AuditReports AS r")
    assert (noted["reportHash"], noted["holds"]) == (answer.document["reportHash"], True)


def test_a_part_of_the_journal_is_reported_with_digests_at_both_ends(ledger, run, tmp_path):
    options = [
        "--from",
        ledger[1],
        "--to",
        (datetime.now(UTC)).isoformat(),
        "--format",
        "json",
        "--out",
        tmp_path / "r",
    ]
    assert run("report", ledger[0], *options).status == 0
    [strand] = json.loads((tmp_path / "r/report.json").read_text())["scope"]["strands"]
    assert strand["firstBlock"] is None
    assert strand["digestBefore"] == strand["digestAfter"]


@pytest.mark.parametrize(
    ("begin", "end", "says"),
    [
        ("2026-01-02", "2026-01-01", "before"),
        ("2026-01-01", "2026-01-01", "before"),
        ("2026-01-01", "2026-06-01", "yet to come"),
        ("soon", "2026-01-01", "no day"),
    ],
)
def test_a_period_that_is_none_or_not_over_is_refused(begin, end, says):
    with pytest.raises(InputError, match=says):
        parse_period(begin, end, NOW)


def test_a_day_is_one_of_utc():
    begin, end = parse_period("2026-01-01", "2026-02-01T01:00:00+01:00", NOW)
    assert (begin, end) == (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    "more",
    [["--format", "docx"], ["--stack", "one"], ["--key-file", "nowhere.pem"], ["--key-file", "k", "--kms-key", "k"]],
)
def test_what_cannot_be_asked_for_is_refused(more, ledger, run, tmp_path):
    answer = run("report", ledger[0], "--from", "2020-01-01", "--to", ledger[1], "--out", tmp_path / "r", *more)
    assert answer.status == 2
    assert not (tmp_path / "r").exists()


def test_another_curve_and_a_folder_in_use_are_refused(ledger, run, write):
    key = generate_private_key(SECP384R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    period = ["--from", "2020-01-01", "--to", ledger[1]]
    assert run("report", ledger[0], *period, "--key-file", write(key, "k.pem")).status == 2
    assert run("report", ledger[0], *period, "--out", write(b"", "file").parent).status == 2


def test_pages_need_nothing_from_elsewhere_and_show_what_was_written_as_text():
    page = render_html(REPORT).decode()
    assert "=CREATE TABLE \u4e2d &lt;b&gt;" not in page  # evidence of what was done openly stands in the annexes
    assert "<script" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert page.count("<svg") == 4
    assert "Not covered: policies are elsewhere." in page
    assert all(f'id="{name}"' in page for name in ("scope", "integrity", "controls", "verification"))


def test_a_pdf_is_the_same_twice_and_takes_any_character():
    strange = json.loads(json.dumps(REPORT).replace("it was seen", "<b>\\u4e2d\\u0000\\ud83d&" * 300))
    assert render_pdf(strange) == render_pdf(strange)
    assert render_pdf(strange).startswith(b"%PDF-")


def test_a_cell_that_a_spreadsheet_would_compute_is_a_text():
    quiet = json.loads(json.dumps(REPORT))
    quiet["findings"]["list"][0]["reason"] = "=HYPERLINK(1)"
    [head, first, *_] = csv.reader(io.StringIO(render_annexes(quiet)["findings.csv"].decode()))
    assert first[head.index("reason")] == "'=HYPERLINK(1)"


def test_every_annex_has_its_head_and_all_of_its_entries():
    rows = {name: list(csv.reader(io.StringIO(data.decode()))) for name, data in render_annexes(REPORT).items()}
    assert {name: len(each) - 1 for name, each in rows.items()} == {
        "findings.csv": 6, "integrity-failures.csv": 2, "privileged-actions.csv": 1, "redactions.csv": 1, "rules.csv": 1,
        "rule-changes.csv": 1, "suppressions.csv": 1, "cases.csv": 2, "controls.csv": len(REPORT["controls"]),
    }  # fmt: skip


def test_findings_are_lines_of_ocsf_in_order():
    lines = render_ocsf_lines(FINDINGS[::-1], "1").splitlines()
    times = [json.loads(each)["time"] for each in lines]
    assert times == sorted(times)
    assert len(lines) == len(FINDINGS)


def test_a_chart_keeps_its_peak_however_many_points_it_has():
    points = [(str(number), 1000.0 if number == 1234 else 1.0) for number in range(5_000)]
    drawing = draw(Chart("many", "line", points))
    [line] = [each for each in drawing.marks if isinstance(each, Path) and len(each.points) > 3]
    assert len(line.points) <= MAX_POINTS
    assert min(y for _, y in line.points) == 8.0
    bars = draw(Chart("few", "bars", [("a", 0.0), ("b", 2.0)]))
    assert [each.height for each in bars.marks if isinstance(each, Rectangle)] == [0.0, 120.0]
    assert draw(Chart("none", "line", [])) is None
    assert draw(Chart("one", "line", [("a", 1.0)])) is not None
