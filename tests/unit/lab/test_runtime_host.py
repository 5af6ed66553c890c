"""Functions in processes of their own, as Lambda runs them."""

import json
import os
import textwrap
import threading
import time

import pytest

from lab.invocation import PAYLOAD_LIMIT_BYTES, Outcome
from lab.runtime import FunctionHost, InProcessHost, LambdaFunction


@pytest.fixture
def host_of(tmp_path):
    """Builds a host around the source of an app.py; all hosts are closed at the end."""
    hosts = []

    def build(source, **settings):
        (tmp_path / "app.py").write_text(textwrap.dedent(source))
        arn = "arn:aws:lambda:us-east-1:000000000000:function:probe"
        settings = {"timeout_seconds": 10, **settings}
        function = LambdaFunction(name="probe", arn=arn, handler="app.handler", code_folder=tmp_path, **settings)
        hosts.append(FunctionHost(function))
        return hosts[-1]

    yield build
    for host in hosts:
        host.close()


def wait_for(condition, seconds=20):
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "the condition did not come true"
        time.sleep(0.01)


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_a_handler_gets_the_event_and_the_context_that_lambda_gives(host_of):
    host = host_of("""
        def handler(event, context):
            left = context.get_remaining_time_in_millis()
            return {"event": event, "id": context.aws_request_id, "left": left, "arn": context.invoked_function_arn,
                    "name": context.function_name, "memory": context.memory_limit_in_mb}
    """)
    result = host.invoke(b'{"n": 1}')
    assert result.outcome is Outcome.ANSWERED
    assert result.answer["event"] == {"n": 1}
    assert result.answer["id"] == result.request_id
    assert 0 < result.answer["left"] <= 10_000
    assert result.answer["arn"].endswith(":function:probe")
    assert (result.answer["name"], result.answer["memory"]) == ("probe", "128")


def test_the_next_invocation_finds_the_same_process_warm(host_of):
    host = host_of("import os\ndef handler(event, context): return os.getpid()")
    assert host.invoke(b"{}").answer == host.invoke(b"{}").answer


def test_the_environment_is_lambdas_and_the_functions_and_nothing_of_the_callers(host_of, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "a-persons-own")
    host = host_of(
        "import os\ndef handler(event, context): return dict(os.environ)",
        environment={"TABLE": "findings", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"},
    )
    variables = host.invoke(b"{}").answer
    assert "AWS_PROFILE" not in variables
    assert variables["TABLE"] == "findings"
    assert variables["AWS_LAMBDA_FUNCTION_NAME"] == "probe"
    assert variables["AWS_REGION"] == "us-east-1"
    assert variables["_HANDLER"] == "app.handler"
    assert variables["_X_AMZN_TRACE_ID"].endswith("Sampled=0")


def test_code_comes_before_layers_and_layers_before_the_runtimes_packages(host_of, tmp_path):
    layer = tmp_path / "layer"
    (layer / "python").mkdir(parents=True)
    for name in ("yaml", "shared"):
        (layer / "python" / f"{name}.py").write_text("place = 'layer'")
    (tmp_path / "shared.py").write_text("place = 'code'")
    source = "import yaml, shared\ndef handler(event, context): return [yaml.place, shared.place]"
    assert host_of(source, layer_folders=(layer,)).invoke(b"{}").answer == ["layer", "code"]


def test_an_exception_is_a_function_error_and_the_environment_lives_on(host_of):
    host = host_of("""
        import os
        def handler(event, context):
            if event:
                raise ValueError("no such block")
            return os.getpid()
    """)
    pid = host.invoke(b"0").answer
    result = host.invoke(b"1")
    assert result.outcome is Outcome.FAILED
    assert (result.answer["errorType"], result.answer["errorMessage"]) == ("ValueError", "no such block")
    assert host.invoke(b"0").answer == pid
    wait_for(lambda: any("no such block" in line for line in host.log.tail()))


def test_a_timeout_kills_the_process_and_the_next_invocation_starts_a_fresh_one(host_of):
    host = host_of(
        """
        import os, time
        def handler(event, context):
            if event:
                time.sleep(60)
            return os.getpid()
        """,
        timeout_seconds=1,
    )
    pid = host.invoke(b"0").answer
    result = host.invoke(b"1")
    assert result.outcome is Outcome.FAILED
    assert result.answer["errorType"] == "Sandbox.Timedout"
    assert result.answer["errorMessage"] == f"RequestId: {result.request_id} Error: Task timed out after 1.00 seconds"
    assert gone(pid)
    assert host.invoke(b"0").answer != pid
    wait_for(lambda: any("Task timed out after 1.00 seconds" in line for line in host.log.tail()))


@pytest.mark.parametrize(
    ("end", "words"), [("os._exit(3)", "exit status 3"), ("os.kill(os.getpid(), 9)", "signal: killed")]
)
def test_a_process_that_ends_is_an_error_and_the_next_invocation_starts_a_fresh_one(host_of, end, words):
    host = host_of(f"""
        import os
        def handler(event, context):
            if event:
                {end}
            return os.getpid()
    """)
    pid = host.invoke(b"0").answer
    result = host.invoke(b"1")
    assert result.answer["errorType"] == "Runtime.ExitError"
    assert result.answer["errorMessage"].endswith(f"Error: Runtime exited with error: {words}")
    assert host.invoke(b"0").answer != pid


def test_a_handler_that_cannot_be_imported_is_the_error_of_every_invocation(host_of):
    host = host_of("import no_such_module")
    for _ in range(2):
        result = host.invoke(b"{}")
        assert result.outcome is Outcome.FAILED
        assert result.answer["errorType"] == "Runtime.ImportModuleError"
        assert "no_such_module" in result.answer["errorMessage"]


def test_whether_a_handler_can_be_loaded_is_known_before_it_is_invoked(host_of):
    assert host_of("import no_such_module").load_error().answer["errorType"] == "Runtime.ImportModuleError"
    host = host_of("import os\ndef handler(event, context): return os.getpid()")
    assert host.load_error() is None
    assert host.invoke(b"{}").outcome is Outcome.ANSWERED


def test_a_module_that_ends_the_process_is_an_error_too(host_of):
    result = host_of("import os; os._exit(7)").invoke(b"{}")
    assert result.answer["errorType"] == "Runtime.ExitError"
    assert "exit status 7" in result.answer["errorMessage"]


def test_a_request_beyond_six_megabytes_is_refused_without_reaching_the_function(host_of):
    host = host_of("def handler(event, context): return len(event)")
    assert host.invoke(b'"' + b"x" * (PAYLOAD_LIMIT_BYTES - 2) + b'"').answer == PAYLOAD_LIMIT_BYTES - 2
    result = host.invoke(b'"' + b"x" * (PAYLOAD_LIMIT_BYTES - 1) + b'"')
    assert result.outcome is Outcome.REFUSED
    assert result.answer["errorType"] == "RequestTooLargeException"


def test_a_response_beyond_six_megabytes_is_a_function_error(host_of):
    result = host_of("def handler(event, context): return 'x' * event").invoke(str(PAYLOAD_LIMIT_BYTES).encode())
    assert result.outcome is Outcome.FAILED
    assert result.answer["errorType"] == "Function.ResponseSizeTooLarge"


def test_callers_at_the_same_time_get_environments_of_their_own_up_to_the_limit(host_of, tmp_path):
    host = host_of(
        """
        import os, pathlib, time
        def handler(event, context):
            folder = pathlib.Path(event)
            (folder / f"arrived-{os.getpid()}").touch()
            while not (folder / "leave").exists():
                time.sleep(0.01)
            return os.getpid()
        """,
        maximum_concurrency=2,
    )
    answers = []
    event = json.dumps(str(tmp_path)).encode()
    callers = [threading.Thread(target=lambda: answers.append(host.invoke(event).answer)) for _ in range(2)]
    for caller in callers:
        caller.start()
    wait_for(lambda: len(list(tmp_path.glob("arrived-*"))) == 2)
    refused = host.invoke(event)
    (tmp_path / "leave").touch()
    for caller in callers:
        caller.join()
    assert len(set(answers)) == 2
    assert (refused.outcome, refused.answer["errorType"]) == (Outcome.REFUSED, "TooManyRequestsException")


def test_what_a_function_prints_is_its_log(host_of):
    host = host_of(
        "import sys\ndef handler(event, context):\n    print('to out')\n    print('to err', file=sys.stderr)"
    )
    result = host.invoke(b"{}")
    wait_for(lambda: {"to out", "to err"} <= set(host.log.tail()))
    assert f"START RequestId: {result.request_id} Version: $LATEST" in host.log.tail()
    assert host.log.tail(0) == []


def test_closing_ends_the_process_and_refuses_further_invocations(host_of):
    host = host_of("import os\ndef handler(event, context): return os.getpid()")
    pid = host.invoke(b"{}").answer
    host.close()
    assert gone(pid)
    assert host.invoke(b"{}").outcome is Outcome.REFUSED


def test_closing_while_a_handler_runs_ends_it_with_an_error(host_of, tmp_path):
    host = host_of(
        "import pathlib, time\ndef handler(event, context):\n    pathlib.Path(event).touch()\n    time.sleep(60)",
        timeout_seconds=60,
    )
    results = []
    started = tmp_path / "started"
    caller = threading.Thread(target=lambda: results.append(host.invoke(json.dumps(str(started)).encode())))
    caller.start()
    wait_for(started.exists)
    host.close()
    caller.join(20)
    assert results[0].outcome is Outcome.FAILED


def test_a_handler_in_this_process_goes_through_the_same_json():
    host = InProcessHost(lambda event, context: {"tuple": (1, 2), "event": event, "id": context.aws_request_id})
    result = host.invoke(b'{"n": 1}')
    assert result.answer == {"tuple": [1, 2], "event": {"n": 1}, "id": result.request_id}


def test_a_handler_in_this_process_fails_as_lambda_says_it():
    result = InProcessHost(lambda event, _context: event["missing"]).invoke(b"{}")
    assert result.outcome is Outcome.FAILED
    assert (result.answer["errorType"], result.answer["errorMessage"]) == ("KeyError", "'missing'")


def test_a_function_is_loaded_in_this_process_with_its_environment_for_the_time_of_the_import(tmp_path):
    (tmp_path / "app.py").write_text(
        "import os\nTABLE = os.environ['TABLE']\ndef handler(event, context): return TABLE"
    )
    function = LambdaFunction(
        name="p", arn="p", handler="app.handler", code_folder=tmp_path, environment={"TABLE": "t"}
    )
    assert InProcessHost.load(function).invoke(b"{}").answer == "t"
    assert "TABLE" not in os.environ


NAPPING = """
    import os, time
    def handler(event, context):
        open(event["mark"], "w").write(str(os.getpid()))
        while event.get("nap"):
            time.sleep(0.01)
        return os.getpid()
"""


def test_a_busy_environment_that_is_killed_is_the_error_that_lambda_gives(host_of, tmp_path):
    host = host_of(NAPPING)
    results = []
    mark = tmp_path / "mark"
    event = json.dumps({"mark": str(mark), "nap": True}).encode()
    running = threading.Thread(target=lambda: results.append(host.invoke(event)))
    running.start()
    wait_for(lambda: mark.exists() and mark.read_text())
    assert host.kill("function.0") == 0
    assert host.kill() == 1
    running.join(20)
    assert results[0].outcome is Outcome.FAILED
    assert results[0].answer["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")
    assert gone(int(mark.read_text()))
    assert host.invoke(json.dumps({"mark": str(mark)}).encode()).outcome is Outcome.ANSWERED
    assert host.kill() == 0


def test_a_retired_function_ends_what_runs_and_takes_nothing_more(host_of, tmp_path):
    source = NAPPING.replace('event.get("nap")', 'not os.path.exists(event["mark"] + ".go")')
    host = host_of(source)
    results = []
    mark = tmp_path / "mark"
    event = json.dumps({"mark": str(mark)}).encode()
    running = threading.Thread(target=lambda: results.append(host.invoke(event)))
    running.start()
    wait_for(lambda: mark.exists() and mark.read_text())
    host.retire()
    assert host.invoke(event).outcome is Outcome.REFUSED
    (tmp_path / "mark.go").write_text("")
    running.join(20)
    assert results[0].outcome is Outcome.ANSWERED
    wait_for(lambda: gone(results[0].answer))


def test_an_environment_is_known_by_its_functions_name_in_what_it_asks_of_aws(host_of):
    host = host_of("import os\ndef handler(event, context): return os.environ['AWS_SDK_UA_APP_ID']", label="Probe")
    name = host.invoke(b"{}").answer
    assert name.partition(".")[0] == "Probe"
    assert host.invoke(b"{}").answer == name


def test_attempts_of_one_event_have_one_request_id(host_of):
    host = host_of("def handler(event, context): return context.aws_request_id")
    assert host.invoke(b"{}", "the-id").answer == "the-id"
    assert host.invoke(b"{}").answer != "the-id"
