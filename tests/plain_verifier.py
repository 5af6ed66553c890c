"""The plain verifier and the product asked the same: what a value hashes to, what a receipt or an export comes to."""

import json
import re
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from counterfoil.adapters.export_directory import ExportDirectory
from counterfoil.errors import InputError, IntegrityError
from counterfoil.ion import binary_of_text, read_single, serialize
from counterfoil.journal import parse_digest, verify_receipt
from counterfoil.plain import command, ion_binary, ion_hash, ion_text
from counterfoil.plain.receipts import single
from counterfoil.plain.values import BAD_INPUT
from counterfoil.services.verify_export import verify_export
from tests.exports import NOW


def serialized_by_product(data):
    """What Ion Hash hashes of the only value of text or of binary Ion; ``None`` where it is refused."""
    try:
        return serialize(read_single(binary_of_text(data) if isinstance(data, str) else data)).hex()
    except InputError:
        return None


def serialized_plainly(data):
    try:
        values = ion_text.text_values(data) if isinstance(data, str) else ion_binary.binary_values(data)
        return ion_hash.serialize(single(list(values))).hex()
    except BAD_INPUT:
        return None


def run(*arguments):
    """(exit status, what it says) of the plain verifier."""
    with redirect_stdout(StringIO()) as said:
        status = command.main([str(each) for each in arguments])
    return status, said.getvalue()


def receipt_by_product(document):
    try:
        verify_receipt(document)
    except InputError:
        return 2
    except IntegrityError:
        return 1
    return 0


def receipt_plainly(document):
    with TemporaryDirectory() as directory:
        file = Path(directory) / "receipt.json"
        file.write_text(json.dumps(document))
        return run("receipt", file)


def write_export(files, directory):
    for key, data in files.items():
        path = directory / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return directory


def digest_document(digest):
    tip = f'{{strandId:"{digest.tip_address.strand_id}",sequenceNo:{digest.tip_address.sequence_no}}}'
    return {"Digest": digest.hash.to_base64(), "DigestTipAddress": {"IonText": tip}}


def export_by_product(directory, digest=None):
    """(exit status, number of the first block that does not hold) as the command has them."""
    try:
        given = None if digest is None else parse_digest(digest_document(digest))
        verdicts = verify_export(ExportDirectory(directory), NOW, given)
    except InputError:
        return 2, None
    damage = [each.contents.damage for each in verdicts if each.contents is not None]
    firsts = [each.first for each in damage if each.first is not None]
    return (1 if any(each.findings for each in verdicts) else 0), min(firsts, default=None)


def export_plainly(directory, digest=None):
    if digest is None:
        status, said = run("export", directory)
    else:
        with TemporaryDirectory() as beside:
            file = Path(beside) / "digest.json"
            file.write_text(json.dumps(digest_document(digest)))
            status, said = run("export", directory, "--digest", file)
    found = re.search(r"first bad block (\d+)", said)
    return status, None if found is None else int(found[1])


def exports_agree(files, digest=None):
    """The exit status that both give; with the first block that does not hold, which both name."""
    with TemporaryDirectory() as directory:
        written = write_export(files, Path(directory))
        ours, plain = export_by_product(written, digest), export_plainly(written, digest)
    assert plain == ours
    return ours
