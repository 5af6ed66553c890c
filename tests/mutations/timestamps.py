"""Mutants of time stamps: what of a token is checked beyond the library, and what a server may do."""

from __future__ import annotations

from tests.mutations.mutant import Mutant

TOKENS = "tests/unit/adapters/test_timestamp_tokens.py"
COMMANDS = "tests/unit/cli/test_timestamps.py"
FILE = "adapters/timestamp_tokens.py"

TIMESTAMPS = [
    Mutant(
        "timestamps: a token over other bytes holds",
        FILE,
        "        expected = sha256(checkpoint).digest()\n",
        "        expected = token.imprint\n",
        (COMMANDS,),
    ),
    Mutant(
        "timestamps: the nonce does not matter",
        FILE,
        "        if nonce is not None and token.nonce != nonce:\n",
        "        if False:\n",
        (TOKENS,),
    ),
    Mutant(
        "timestamps: a time to come is taken",
        FILE,
        "        if token.says.latest > now + MAX_SKEW:\n",
        "        if False:\n",
        (TOKENS,),
    ),
    Mutant(
        "timestamps: whatever an authority signed is a time stamp",
        FILE,
        " != [_TST_INFO]:",
        " == []:",
        (TOKENS,),
    ),
    Mutant(
        "timestamps: the certificate that signed need not be named",
        FILE,
        "        _check_bound(token)\n",
        "",
        (TOKENS,),
    ),
    Mutant(
        "timestamps: signature and chain are not checked",
        FILE,
        "            verifier.verify(decode_timestamp_response(ordered), expected)\n",
        "            verifier\n",
        (TOKENS,),
    ),
    Mutant(
        "timestamps: certificates must come in DER's order",
        FILE,
        "        ordered = _in_order(answer)\n",
        "        ordered = answer\n",
        (TOKENS,),
    ),
    Mutant(
        "timestamps: several signers are one",
        FILE,
        "    if len(signers) != 1:\n",
        "    if not signers:\n",
        (TOKENS,),
    ),
    Mutant(
        "timestamps: the log need not extend what was stamped",
        "cli/timestamps.py",
        "    kept.verify_extends(checkpoint, newest)\n",
        "",
        (COMMANDS,),
    ),
    Mutant(
        "timestamps: an answer may be of any length",
        "adapters/timestamp_client.py",
        "            data = answer.read(MAX_TIMESTAMP_BYTES + 1)\n",
        "            data = answer.read()[:MAX_TIMESTAMP_BYTES]\n",
        (COMMANDS,),
    ),
    Mutant(
        "timestamps: accuracy does not count against a time to come",
        FILE,
        "        if token.says.latest > now + MAX_SKEW:\n",
        "        if token.says.at > now + MAX_SKEW:\n",
        (TOKENS,),
    ),
    Mutant(
        "timestamps: critical extensions are passed over",
        FILE,
        "    if read.critical:\n",
        "    if False:\n",
        (TOKENS,),
    ),
    Mutant(
        "timestamps: a signer may be for more than time stamps",
        FILE,
        "list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]",
        "ExtendedKeyUsageOID.TIME_STAMPING not in usage.value",
        (TOKENS,),
    ),
    Mutant(
        "timestamps: an authority above may be for something else",
        FILE,
        "        return _may_stamp(found) or not _is_authority(found)\n",
        "        return found is not None\n",
        (TOKENS,),
    ),
    Mutant(
        "timestamps: the token may name anybody",
        FILE,
        "    if token.name is not None and token.name.raw not in subjects:\n",
        "    if False:\n",
        (TOKENS,),
    ),
    Mutant(
        "timestamps: what is finer than a microsecond is cut",
        "adapters/timestamp_info.py",
        " + (len(digits) > _MICROSECOND_DIGITS)\n",
        "\n",
        (TOKENS,),
    ),
]
