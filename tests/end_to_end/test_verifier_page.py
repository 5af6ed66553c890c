"""docs/verifier.html as a person uses it: opened from disk in a browser, with no way out."""

import json
from hashlib import sha256
from pathlib import Path

import pytest

from lab import verifier_page
from lab.verifier_page import sealed
from tests.chromium import NAMES, Chromium, chromium_here
from tests.served import PATIENCE_SECONDS
from tests.verifier_page import PAGE, verdict_of

pytestmark = pytest.mark.xdist_group("browser")

DATA = Path(__file__).parents[2] / "lab/data"
RECEIPT = DATA / "aws-cli-example-receipt.json"
EXAMPLE = json.loads((DATA / "aws-cli-example.json").read_text())

# Waits for the verdict that comes next, and tells what the page then says.
ASKED = """new Promise((resume) => {
  const told = (id) => [...document.getElementById(id).querySelectorAll(":scope > *")].map((each) => each.textContent);
  const look = () => {
    const verdict = document.getElementById("verdict");
    if (!verdict.dataset.outcome) return setTimeout(look, 20);
    resume({ outcome: verdict.dataset.outcome, verdict: told("verdict"), steps: told("steps"), limits: told("limits") });
  };
  look();
})"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if chromium_here() is None:
        pytest.skip(
            f"no Chromium: make setup unpacks one on x86_64 Linux; elsewhere one of {', '.join(NAMES)} on PATH is taken"
        )
    with Chromium(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture
def page(browser):
    browser.call("Emulation.clearDeviceMetricsOverride")
    browser.open(PAGE)
    return browser


@pytest.fixture
def give(page, tmp_path):
    """Chooses files with these texts and returns what the page makes of them."""

    def choose(*texts):
        files = [tmp_path / f"file-{number}.json" for number in range(len(texts))]
        for file, text in zip(files, texts, strict=True):
            file.write_text(text)
        page.run("delete document.getElementById('verdict').dataset.outcome")
        page.choose("#file", *files)
        return page.run(ASKED)

    return choose


def test_a_receipt_of_the_real_service_holds_and_nothing_leaves_the_browser(page, give):
    told = give(RECEIPT.read_text())
    assert told["outcome"] == "holds"
    assert told["verdict"][0].endswith("holds")
    assert (
        told["verdict"][1]
        == "the revision in block KmA3ZZca7vAIiJAK9S5Iwl#100 is under the digest at KmA3ZZca7vAIiJAK9S5Iwl#123"
    )
    assert len(told["steps"]) == 4
    assert all(step.startswith("\u2713") for step in told["steps"])
    assert EXAMPLE["GetDigest"]["Digest"] in told["steps"][-1]
    assert "it came with the receipt" in told["limits"][0]
    assert {address.partition(":")[0] for address in page.requested()} <= {"file", "blob"}
    assert page.reached_outside() == []


def test_an_altered_receipt_does_not_hold_and_the_step_that_fails_is_shown(give):
    altered = RECEIPT.read_text().replace("Everett", "Everest")
    told = give(altered)
    assert (told["outcome"], told["verdict"][1]) == verdict_of(altered)
    assert told["outcome"] == "does not hold"
    assert [step[0] for step in told["steps"]] == ["\u2717"]
    assert "do not give the hash that it says" in told["steps"][-1]


@pytest.mark.parametrize("text", ["", "{}", "[1]", "no JSON", '{"Revision": {"IonText": "{{{"}}'])
def test_a_file_that_is_no_receipt_cannot_be_read(give, text):
    assert give(text)["outcome"] == "cannot be read"
    assert verdict_of(text)[0] == "cannot be read"


def test_a_block_holds_with_the_digest_in_a_file_of_its_own(give):
    told = give(json.dumps(EXAMPLE["GetBlock"]), json.dumps(EXAMPLE["GetDigest"]))
    assert told["outcome"] == "holds"
    assert not any("it came with the receipt" in limit for limit in told["limits"])


def test_the_digest_that_was_kept_must_be_the_receipts(page, give):
    page.run(f"document.getElementById('kept').value = '{EXAMPLE['GetDigest']['Digest']}'")
    assert give(RECEIPT.read_text())["steps"][-1].endswith("The digest is the one that you kept")
    page.run(f"document.getElementById('kept').value = '{'A' * 43}='")
    told = give(RECEIPT.read_text())
    assert told["outcome"] == "does not hold"
    assert "the one that you kept is 0000" in told["verdict"][1]


def test_a_receipt_may_be_dropped_or_pasted(page):
    drop = "const given = new DataTransfer(); given.items.add(new File([receipt], 'r.json'));"
    drop += (
        "document.body.dispatchEvent(new DragEvent('drop', { dataTransfer: given, bubbles: true, cancelable: true }));"
    )
    page.run(f"{{ const receipt = {json.dumps(RECEIPT.read_text())}; {drop} }}")
    assert page.run(ASKED)["outcome"] == "holds"
    altered = json.dumps(RECEIPT.read_text().replace("Everett", "Everest"))
    page.run(f"document.getElementById('pasted').value = {altered}; document.getElementById('verify').click()")
    assert page.run(ASKED)["outcome"] == "does not hold"


def test_what_a_receipt_says_is_text_and_never_markup(page, give):
    bad = "<img src=x onerror=alert(1)><script>alert(2)</script>\u202e"
    told = give(json.dumps(json.loads(RECEIPT.read_text()) | {"DocumentId": bad}))
    assert "<img src=x onerror=alert(1)>" in told["verdict"][1]
    assert "\u202e" not in told["verdict"][1]
    assert page.run("document.querySelectorAll('main img, main script').length") == 0


def test_the_page_answers_while_hostile_text_is_read_and_another_receipt_ends_that(page, give, tmp_path):
    hostile = tmp_path / "hostile.json"
    hostile.write_text(json.dumps(json.loads(RECEIPT.read_text()) | {"Revision": "[" + "{a:1}," * 240_000 + "]"}))
    page.choose("#file", hostile)
    assert (
        page.run("new Promise(requestAnimationFrame).then(() => document.getElementById('verdict').dataset.outcome)")
        is None
    )
    assert give(RECEIPT.read_text())["outcome"] == "holds"


def test_its_policy_lets_nothing_out(page):
    """What a script in the page could try; the browser's only way out is a socket of this test's, where it would be seen."""
    for attempt in (
        "fetch('http://outside.example/')",
        "new Promise((resume, refuse) => Object.assign(new Image(), {onload: resume, onerror: refuse, src: 'http://outside.example/i'}))",
        "new Promise((resume, refuse) => Object.assign(new WebSocket('ws://outside.example/'), {onopen: resume, onerror: refuse}))",
    ):
        assert page.run(f"({attempt}).then(() => 'went out', () => 'refused')") == "refused"
    tries = "fetch('http://outside.example/').then(() => postMessage(1), () => postMessage(0))"
    worker = f'new Worker(URL.createObjectURL(new Blob(["{tries}"])))'
    assert page.run(f"new Promise((resume) => {{ {worker}.onmessage = ({{ data }}) => resume(data); }})") == 0
    page.run(
        "{ const s = document.createElement('script'); s.textContent = 'globalThis.ran = true'; document.body.append(s); }"
    )
    assert page.run("globalThis.ran") is None
    assert page.reached_outside() == []


def test_the_socket_would_have_seen_it(browser, tmp_path):
    free = tmp_path / "free.html"
    free.write_text("<!doctype html>")
    browser.open(free)
    browser.run("void fetch('http://outside.example/').catch(() => null)")
    assert "outside.example" in browser.reached_outside(PATIENCE_SECONDS)[0]


@pytest.mark.parametrize("script", ["verifier", "page"])
def test_a_page_whose_script_was_changed_does_not_run_it(browser, tmp_path, script):
    changed = tmp_path / "changed.html"
    mark = f'<script id="{script}">'
    changed.write_text(PAGE.read_text().replace(mark, f"{mark}document.title = 'changed';"))
    browser.open(changed)
    assert browser.run("document.title") == "Verify a receipt - counterfoil"
    changed.write_text(sealed(changed.read_text()))
    browser.open(changed)
    assert browser.run("document.title") == "changed"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_on_a_phone_by_day_and_by_night(page, give, scheme):
    page.call("Emulation.setDeviceMetricsOverride", width=320, height=640, deviceScaleFactor=2, mobile=True)
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    told = [give(text) for text in (RECEIPT.read_text().replace("Everett", "Everest"), "{}", RECEIPT.read_text())]
    assert [each["outcome"] for each in told] == ["does not hold", "cannot be read", "holds"]
    assert page.run("document.documentElement.scrollWidth") <= 320
    assert page.run(CONTRASTS) == []


# Elements with text whose contrast with what is behind them is below WCAG's 4.5 : 1; each of the verdict's colours is tried.
CONTRASTS = """(() => {
  const light = (colour) => {
    const parts = colour.match(/[\\d.]+/g).map((part) => part / 255);
    const [r, g, b] = parts.map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    const colour = getComputedStyle(node).backgroundColor;
    return colour === "rgba(0, 0, 0, 0)" ? behind(node.parentElement) : colour;
  };
  const low = [];
  const look = (node) => {
    const [a, b] = [light(getComputedStyle(node).color), light(behind(node))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) low.push([node.outerHTML.slice(0, 80), contrast]);
  };
  document.querySelectorAll("h1, h2, p, li, dt, dd, label, summary, textarea, button, strong").forEach(look);
  const strong = document.querySelector("#verdict strong");
  for (const name of ["holds", "fails", "unread"]) {
    strong.className = name;
    look(strong);
  }
  return low;
})()"""


def test_every_control_has_a_name_and_the_verdict_is_announced(page, give):
    give(RECEIPT.read_text())
    page.run("document.querySelector('details').open = true")
    page.call("Accessibility.enable")
    nodes = [node for node in page.call("Accessibility.getFullAXTree")["nodes"] if not node["ignored"]]
    focusable = [
        node
        for node in nodes
        if any(each["name"] == "focusable" and each["value"]["value"] for each in node.get("properties", ()))
    ]
    controls = {
        (node["role"]["value"], node["name"]["value"]) for node in focusable if node["role"]["value"] != "RootWebArea"
    }
    assert {role for role, _ in controls} >= {"textbox", "button"}
    assert all(name for _, name in controls), controls
    (status,) = [node for node in nodes if node["role"]["value"] == "status"]
    assert {each["name"]: each["value"]["value"] for each in status["properties"]}["live"] == "polite"


def test_it_is_one_file_that_asks_for_no_other():
    text = PAGE.read_text()
    assert sealed(text) == text, "make verifier writes the policy anew"
    markup = {"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("}
    assert {each for each in markup | {" src=", " href=", "@import", "url("} if each in text} == set()


def test_the_documentation_says_its_hash():
    assert f"{sha256(PAGE.read_bytes()).hexdigest()}  docs/verifier.html" in (PAGE.parent / "verify.md").read_text()


def test_the_copy_that_make_verifier_leaves_is_the_page(tmp_path):
    verifier_page.main(tmp_path)
    assert (tmp_path / PAGE.name).read_bytes() == PAGE.read_bytes()
