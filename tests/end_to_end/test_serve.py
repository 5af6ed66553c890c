"""The process ``counterfoil serve``: how it begins and ends, what it keeps, and that nothing a client sends brings it down."""

import http.client
import json
import shlex
import signal
import socket
import subprocess
import sys

import pytest
from botocore.exceptions import ClientError

import counterfoil
from counterfoil.ion.codec import decode_datagram, encode
from counterfoil.journal.builder import Statement, digest_of_statement, hash_of_value
from counterfoil.merkle import dot
from counterfoil.protocol.sessions import MAX_SESSIONS
from tests.served import COUNTERFOIL, Served

pytestmark = [pytest.mark.end_to_end, pytest.mark.xdist_group("driver")]


class Session:
    """A session of the official client's low level."""

    def __init__(self, served, ledger="bank"):
        self.client = served.client("qldb-session")
        self.token = self.client.send_command(StartSession={"LedgerName": ledger})["StartSession"]["SessionToken"]

    def send(self, **command):
        (answer,) = [
            value
            for name, value in self.client.send_command(SessionToken=self.token, **command).items()
            if name != "ResponseMetadata"
        ]
        return answer

    def begin(self):
        self.transaction_id = self.send(StartTransaction={})["TransactionId"]
        self.digest = hash_of_value(self.transaction_id)
        return self

    def execute(self, text, *parameters):
        holders = [{"IonBinary": encode(each)} for each in parameters]
        command = {"TransactionId": self.transaction_id, "Statement": text, "Parameters": holders}
        page = self.send(ExecuteStatement=command)["FirstPage"]
        self.digest = dot(self.digest, digest_of_statement(Statement(text, parameters)))
        return [decode_datagram(each["IonBinary"]) for each in page["Values"]]

    def commit(self, digest=None):
        command = {"TransactionId": self.transaction_id, "CommitDigest": bytes(digest or self.digest)}
        return self.send(CommitTransaction=command)

    def run(self, text, *parameters):
        rows = self.begin().execute(text, *parameters)
        self.commit()
        return rows


def refused(call, name, message=None):
    with pytest.raises(ClientError, match=message) as caught:
        call()
    assert caught.value.response["Error"]["Code"] == name


def run(*arguments):
    done = subprocess.run([COUNTERFOIL, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout, done.stderr


# ---- begin and end -----------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_and_keeps_everything(tmp_path, number):
    with Served(tmp_path / "data") as served:
        served.client().create_ledger(Name="bank", PermissionsMode="STANDARD", Tags={"a": "b"})
        session = Session(served)
        session.run("CREATE TABLE T")
        session.run("INSERT INTO T ?", {"a": 1})
        before = served.client().get_digest(Name="bank")
        session.begin().execute("INSERT INTO T ?", {"a": "not committed"})
        assert served.stop(number) == ""
        assert served.process.returncode == 0
    with Served(tmp_path / "data") as again:
        described = again.client().describe_ledger(Name="bank")
        assert (described["State"], described["PermissionsMode"]) == ("ACTIVE", "STANDARD")
        assert again.client().list_tags_for_resource(ResourceArn=described["Arn"])["Tags"] == {"a": "b"}
        after = again.client().get_digest(Name="bank")
        assert (after["Digest"], after["DigestTipAddress"]) == (before["Digest"], before["DigestTipAddress"])
        session.client = again.client("qldb-session")
        refused(session.begin, "InvalidSessionException", "No such session")
        assert Session(again).run("SELECT VALUE a FROM T") == [1]


def test_with_json_it_prints_one_document_when_it_is_ready(tmp_path):
    with Served(tmp_path / "data", "--json") as served:
        served.process.send_signal(signal.SIGTERM)
        document = json.loads(served.process.communicate(timeout=60)[0])
    assert document == {"holds": True, "url": served.url, "port": served.port, "data": str(tmp_path / "data")}


def test_a_port_that_is_taken_is_said_to_be_and_nothing_is_made(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        status, out, error = run("serve", "--data", tmp_path / "data", "--port", taken.getsockname()[1], "--json")
    assert status == 3
    assert "cannot be listened on" in json.loads(out)["error"]["message"]
    assert error == ""
    assert not (tmp_path / "data").exists()


def test_a_folder_has_one_server_at_a_time(tmp_path):
    with Served(tmp_path / "data"):
        status, _, error = run("serve", "--data", tmp_path / "data", "--port", 0)
        assert status == 2
        assert "another process" in error


def test_a_file_of_keys_that_is_none_is_refused(tmp_path):
    (tmp_path / "keys.json").write_text("{}")
    status, _, error = run("serve", "--data", tmp_path / "data", "--port", 0, "--keys", tmp_path / "keys.json")
    assert status == 2
    assert "'keys' must be a list" in error


def test_a_ledger_that_was_made_in_process_is_served(tmp_path):
    with counterfoil.open(tmp_path / "data/books") as ledger:
        ledger.execute(lambda tx: tx.execute("CREATE TABLE T"))
        ledger.execute(lambda tx: tx.execute("INSERT INTO T ?", [{"a": 7}]))
    with Served(tmp_path / "data") as served:
        assert Session(served, "books").run("SELECT VALUE a FROM T") == [7]
        assert served.client().describe_ledger(Name="books")["DeletionProtection"] is True


def test_what_client_env_prints_points_a_client_of_a_shell_at_it(tmp_path):
    with Served(tmp_path / "data") as served:
        script = (
            "import botocore.session; c = botocore.session.get_session().create_client('qldb'); "
            "c.create_ledger(Name='made', PermissionsMode='ALLOW_ALL'); "
            "print([each['Name'] for each in c.list_ledgers()['Ledgers']])"
        )
        command = (
            f'eval "$({shlex.quote(str(COUNTERFOIL))} client-env --port {served.port})"; '
            f'{shlex.quote(sys.executable)} -c "{script}"'
        )
        done = subprocess.run(["sh", "-ec", command], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout == "['made']\n", done.stderr


def test_limits_are_qldbs_own_where_that_is_asked_for(tmp_path):
    with Served(tmp_path / "data", "--qldb-limits") as served:
        for number in range(5):
            served.client().create_ledger(Name=f"l-{number}", PermissionsMode="ALLOW_ALL")
        with pytest.raises(ClientError, match="LimitExceededException"):
            served.client().create_ledger(Name="one-more", PermissionsMode="ALLOW_ALL")
        session = Session(served, "l-0")
        session.run("CREATE TABLE T")
        session.begin().execute("INSERT INTO T ?", [{"a": number} for number in range(40)])
        refused(lambda: session.execute("INSERT INTO T ?", {"a": 41}), "BadRequestException", "40")
        refused(lambda: session.execute("INSERT INTO T ?", {"a": "x" * 131_072}), "BadRequestException", "131072")


# ---- bad input -----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with Served(tmp_path_factory.mktemp("served") / "data") as running:
        running.client().create_ledger(Name="bank", PermissionsMode="ALLOW_ALL")
        session = Session(running)
        session.run("CREATE TABLE T")
        session.run("INSERT INTO T ?", {"a": 1})
        yield running
        assert running.stop() == ""


@pytest.fixture
def unchanged(served):
    """Whatever a test does, nothing of it is in the ledger afterwards, and the server is there."""
    before = served.client().get_digest(Name="bank")
    yield
    after = served.client().get_digest(Name="bank")
    assert (after["Digest"], after["DigestTipAddress"]) == (before["Digest"], before["DigestTipAddress"])
    assert Session(served).begin().execute("SELECT VALUE a FROM T") == [1]


STATEMENTS = {
    "too long": "SELECT * FROM T -- " + "x" * 100_000,
    "long and wrong": "SELECT " + "a," * 49_000,
    "deep parentheses": "SELECT " + "(" * 30_000 + "1" + ")" * 30_000 + " FROM T",
    "deep lists": "SELECT " + "[" * 40_000,
    "deep negation": "SELECT * FROM T WHERE " + "NOT " * 20_000 + "TRUE",
    "deep minus": "SELECT " + "- " * 40_000 + "1 FROM T",
    "deep paths": "SELECT a" + ".a" * 40_000 + " FROM T",
    "many ands": "SELECT * FROM T WHERE " + " AND ".join(["b = 1"] * 9_000),
    "many ors": "SELECT * FROM T WHERE " + " OR ".join(["b = 1"] * 9_000),
    "deep Ion": "SELECT `" + "[" * 40_000 + "` FROM T",
    "open Ion": "SELECT `{a: ",
    "open string": "SELECT 'abc",
    "nothing": "   ",
    "control characters": "SELECT \x00\x01 FROM T",
    "half a pair": "SELECT '\ud800' FROM T WHERE a = 2",
    "two statements": "SELECT * FROM T; DELETE FROM T",
    "unknown table": 'SELECT * FROM "T; DROP TABLE T"',
    "no such thing": "DROP TABLE \u202eT",
    "huge number": "SELECT " + "9" * 90_000 + " FROM T",
    "huge exponent": "SELECT 1e999999999 FROM T",
    "wrong parameter count": "SELECT * FROM T WHERE a = ? AND b = ?",
}


@pytest.mark.parametrize("name", STATEMENTS)
@pytest.mark.usefixtures("unchanged")
def test_a_hostile_statement_has_an_answer_and_no_effect(served, name):
    session = Session(served).begin()
    command = {"TransactionId": session.transaction_id, "Statement": STATEMENTS[name]}
    try:
        session.send(ExecuteStatement=command)
    except ClientError as error:
        assert error.response["Error"]["Code"] == "BadRequestException", error
    except UnicodeEncodeError:
        assert name == "half a pair"  # the client itself cannot send it
    session.send(AbortTransaction={})


@pytest.mark.usefixtures("unchanged")
def test_names_may_be_any_text_between_quotes(served):
    session = Session(served).begin()
    for name in ('a "quoted" name', "имя", "select", "a.b", "\U0001f9c0"):
        quoted = name.replace('"', '""')
        row = {name: 1}
        assert session.execute(f'SELECT d."{quoted}" AS "{quoted}" FROM ? AS d', [row]) == [row]
    refused(lambda: session.execute('CREATE TABLE "имя"'), "BadRequestException")
    session.send(AbortTransaction={})


@pytest.mark.usefixtures("unchanged")
def test_a_wrong_digest_commits_nothing(served):
    session = Session(served).begin()
    session.execute("INSERT INTO T ?", {"a": 2})
    for wrong in (hash_of_value("x"), b"x", session.transaction_id.encode()):
        refused(lambda digest=wrong: session.commit(digest), "BadRequestException", "Digests don't match")
    session.send(AbortTransaction={})


@pytest.mark.usefixtures("unchanged")
def test_what_has_ended_cannot_be_used_again(served):
    session = Session(served).begin()
    session.execute("INSERT INTO T ?", {"a": 2})
    session.send(AbortTransaction={})
    refused(session.commit, "BadRequestException", "is not open")
    session.send(EndSession={})
    refused(session.begin, "InvalidSessionException", "No such session")


@pytest.mark.usefixtures("unchanged")
def test_a_client_that_leaves_in_the_middle_leaves_nothing(served):
    session = Session(served).begin()
    session.execute("INSERT INTO T ?", {"a": 2})
    command = {"TransactionId": session.transaction_id, "CommitDigest": "x"}
    body = json.dumps({"SessionToken": session.token, "CommitTransaction": command}).encode()
    head = (
        "POST / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Target: QLDBSession.SendCommand\r\n"
        f"Content-Type: application/x-amz-json-1.0\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    for cut in (10, len(head), len(head) + 20, len(head) + len(body) - 1):
        with socket.create_connection(("127.0.0.1", served.port)) as connection:
            connection.sendall((head + body)[:cut])
    session.send(AbortTransaction={})


def start_sessions(served, count):
    """Start sessions on one connection; the token of the last."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port)
    headers = {"X-Amz-Target": "QLDBSession.SendCommand", "Content-Type": "application/x-amz-json-1.0"}
    for _ in range(count):
        connection.request("POST", "/", b'{"StartSession":{"LedgerName":"bank"}}', headers)
        answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer["StartSession"]["SessionToken"]


def test_three_thousand_idle_sessions_are_borne_and_the_next_is_told(tmp_path):
    with Served(tmp_path / "data") as served:
        served.client().create_ledger(Name="bank", PermissionsMode="ALLOW_ALL")
        working = Session(served)
        working.run("CREATE TABLE T")
        last = start_sessions(served, MAX_SESSIONS - 1)
        refused(lambda: Session(served), "LimitExceededException", "3000 sessions")
        working.run("INSERT INTO T ?", {"a": 1})
        working.client.send_command(SessionToken=last, EndSession={})
        assert Session(served).run("SELECT VALUE a FROM T") == [1]
