"""What `sam build` makes of the layer, with uv as `make build` does and with pip as AWS's build image does."""

import hashlib
import os
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("layer")  # one worker builds once

LAYER = "layers/counterfoil"
# The machine field of an ELF header, by the name that Python puts into an extension's file name.
ELF_MACHINES = {"x86_64": 62, "aarch64": 183}
SIZE_LIMIT = 30 * 1024 * 1024

# Stands in for uv: writes one file into the folder it is asked to install to, for the architecture it is asked for.
FAKE_UV = """#!/bin/bash
while [ $# -gt 0 ]; do case "$1" in --target) target=$2;; --python-platform) platform=$2;; esac; shift; done
mkdir -p "$target/amazon"
"""


def build(scratch: Path, *variables: str, layer: str = "CounterfoilLayer") -> subprocess.CompletedProcess[str]:
    """Run the layers' Makefile as `sam build` does: in a copy of the folder, with ARTIFACTS_DIR set."""
    make = ["make", "--silent", f"build-{layer}", f"ARTIFACTS_DIR={scratch / 'artifacts'}", *variables]
    clean = {name: value for name, value in os.environ.items() if name not in {"UV", "PYTHONPATH", "VIRTUAL_ENV"}}
    clean["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{clean['PATH']}"
    return subprocess.run(make, cwd=scratch / "layer", env=clean, capture_output=True, text=True, check=False)


def copy_of(root: Path, scratch: Path) -> Path:
    shutil.copytree(root / LAYER, scratch / "layer")
    return scratch


@pytest.fixture(scope="module")
def built(root, tmp_path_factory):
    """The folder that becomes /opt/python, made with uv."""
    scratch = copy_of(root, tmp_path_factory.mktemp("layer"))
    done = build(scratch, f"UV={root / '.tools/uv/bin/uv'}")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"layer: \d+ KiB unzipped, limit 30720 KiB", done.stdout)
    return scratch / "artifacts/python"


@pytest.fixture(scope="module")
def sealing(root, tmp_path_factory):
    """The folder of the other layer, with the cipher of sealed fields."""
    scratch = copy_of(root, tmp_path_factory.mktemp("sealing"))
    done = build(scratch, f"UV={root / '.tools/uv/bin/uv'}", layer="SealingLayer")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"layer: \d+ KiB unzipped, limit 40960 KiB", done.stdout)
    return scratch / "artifacts/python"


def files(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def fingerprint(folder):
    """Every file by name, with a hash of what is in it; bytecode of one source may differ from one compilation to the next."""
    return {
        str(path.relative_to(folder)): "" if path.suffix == ".pyc" else hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files(folder)
    }


def test_it_is_small(built):
    assert sum(path.stat().st_size for path in files(built)) < SIZE_LIMIT


def test_the_library_is_there_without_its_command_line(built):
    assert (built / "counterfoil/__init__.py").exists()
    assert not (built / "counterfoil/cli").exists()
    assert not (built / "counterfoil/plain").exists()


def test_what_the_runtime_has_is_not_shipped_again(built):
    assert not {"boto3", "botocore", "s3transfer", "urllib3"} & {path.name for path in built.iterdir()}


def test_nothing_is_shipped_that_no_function_imports(built):
    unwanted = {"tests", "test", "bin", "objects-Release", "ionbenchmark", "direct_url.json"}
    assert not [path for path in built.rglob("*") if path.name in unwanted or path.suffix in {".c", ".o"}]


def test_every_source_has_bytecode_that_a_cold_start_takes_without_looking(built):
    """PEP 552: flags 1 is hash-based and unchecked. Lambda cannot write what is missing, /opt is read-only."""
    for source in built.rglob("*.py"):
        bytecode = source.parent / "__pycache__" / f"{source.stem}.cpython-313.pyc"
        assert bytecode.read_bytes()[4:8] == b"\x01\0\0\0", source


def test_every_extension_is_there_for_both_processors_under_its_own_name(built):
    machines = {}
    for path in built.rglob("*.so"):
        stem, tag, _ = path.name.split(".")
        machine = tag.removeprefix("cpython-313-").removesuffix("-linux-gnu")
        assert struct.unpack_from("<H", path.read_bytes(), 18) == (ELF_MACHINES[machine],), path
        machines.setdefault(stem, set()).add(machine)
    assert machines.keys() >= {"_ioncmodule", "_wrappers"}
    assert all(found == ELF_MACHINES.keys() for found in machines.values())


def test_this_machine_s_python_takes_the_extension_for_its_own_processor(built):
    code = "import amazon._ioncmodule as c, amazon.ion.simpleion as s; print(s.c_ext, c.__file__)"
    alone = {"PATH": os.environ["PATH"], "PYTHONPATH": str(built)}
    done = subprocess.run(
        [sys.executable, "-S", "-B", "-c", code], env=alone, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"True {built}")
    assert os.uname().machine in done.stdout


@pytest.mark.parametrize(("layer", "fixture"), [("CounterfoilLayer", "built"), ("SealingLayer", "sealing")])
def test_pip_builds_the_same_layer_as_uv(layer, fixture, root, tmp_path, request):
    scratch = copy_of(root, tmp_path)
    done = build(scratch, "UV=", layer=layer)
    assert done.returncode == 0, done.stdout + done.stderr
    assert fingerprint(scratch / "artifacts/python") == fingerprint(request.getfixturevalue(fixture))


def test_the_layer_for_sealing_has_a_cipher_for_both_processors_and_nothing_of_the_other(built, sealing):
    code = (
        "from counterfoil.adapters.aes_gcm import AesGcmCipher; import cryptography; "
        "box = AesGcmCipher('s', lambda: b'k' * 32); key, kept = box.new_key('d'); "
        "print(box.unwrap(kept) == key, cryptography.__file__)"
    )
    alone = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{built}{os.pathsep}{sealing}"}
    done = subprocess.run(
        [sys.executable, "-S", "-B", "-c", code], env=alone, capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith(f"True {sealing}"), done.stderr
    extensions = {path.name for path in sealing.rglob("*.so")}
    wanted = {f"{stem}.cpython-313-{each}-linux-gnu.so" for each in ELF_MACHINES for stem in ("_rust", "_cffi_backend")}
    assert extensions == wanted
    assert not {path.name for path in built.iterdir()} & {path.name for path in sealing.iterdir()}


def test_what_no_function_needs_before_a_field_is_sealed_is_not_in_the_layer_of_all(built):
    assert not (built / "cryptography").exists()


def fake_build(root, tmp_path, script, *variables):
    """Build with a stand-in for uv that installs what the script writes."""
    scratch = copy_of(root, tmp_path)
    fake = scratch / "uv"
    fake.write_text(FAKE_UV + script)
    fake.chmod(0o755)
    return build(scratch, f"UV={fake}", *variables), scratch / "artifacts/python"


def test_a_file_that_differs_between_the_processors_stops_the_build(root, tmp_path):
    done, _ = fake_build(root, tmp_path, 'echo "$platform" > "$target/amazon/constants.py"\n')
    assert done.returncode != 0
    assert "constants.py: FAILED" in done.stdout


def test_an_extension_without_a_platform_in_its_name_gets_one(root, tmp_path):
    done, made = fake_build(root, tmp_path, 'echo "$platform" > "$target/amazon/_fast.so"\n')
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (made / "amazon").iterdir()} == {
        "_fast.cpython-313-x86_64-linux-gnu.so",
        "_fast.cpython-313-aarch64-linux-gnu.so",
    }


def test_a_layer_that_grew_too_large_stops_the_build(root, tmp_path):
    done, _ = fake_build(root, tmp_path, 'echo > "$target/amazon/constants.py"\n', "SIZE_LIMIT_KIB=1")
    assert done.returncode != 0
    assert "too large" in done.stderr


def test_a_failed_download_stops_the_build(root, tmp_path):
    done, _ = fake_build(root, tmp_path, "exit 1\n")
    assert done.returncode != 0


@pytest.fixture(scope="module")
def sam_build(root, tmp_path_factory):
    """A whole build of a copy of the tree, as `make build` does it."""
    copy = tmp_path_factory.mktemp("tree")
    for name in ("layers", "functions"):
        shutil.copytree(root / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("template.yaml", "qldb.yaml", "samconfig.toml"):
        shutil.copy(root / name, copy)
    environment = os.environ | {
        "PATH": f"{root / '.venv/bin'}{os.pathsep}{os.environ['PATH']}",
        "UV": str(root / ".tools/uv/bin/uv"),
        "SAM_CLI_TELEMETRY": "0",
        "DOCKER_HOST": "unix:///nowhere",
    }
    command = [root / ".tools/sam/bin/sam", "build"]
    done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return copy / ".aws-sam/build"


def test_sam_builds_every_function_and_the_layer_without_docker(sam_build, template):
    buildable = {"AWS::Serverless::Function", "AWS::Serverless::LayerVersion", "AWS::CloudFormation::Stack"}
    expected = {name for name, body in template["Resources"].items() if body["Type"] in buildable}
    assert {path.name for path in sam_build.iterdir() if path.is_dir()} == expected


def test_a_function_carries_its_door_and_nothing_else(sam_build):
    doors = {path.name for folder in sam_build.glob("*Function") for path in files(folder)}
    assert doors == {"app.py"}


def test_sam_s_layer_is_the_same_too(sam_build, built):
    assert fingerprint(sam_build / "CounterfoilLayer/python") == fingerprint(built)


def test_sam_s_layer_for_sealing_is_the_same_too(sam_build, sealing):
    assert fingerprint(sam_build / "SealingLayer/python") == fingerprint(sealing)
