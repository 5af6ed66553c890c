"""Blocks and manifests as an export writes them: Ion text, binary Ion, or JSON.

Each is a document of its own: in text one per line, in binary with its own version marker and symbol table.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from counterfoil.ion import dump_text
from counterfoil.ion.codec import encode
from counterfoil.journal.export_format import OutputFormat
from counterfoil.journal.stored import block_fields


def render_block(data: bytes, output_format: OutputFormat) -> bytes:
    """A stored block in one of the formats."""
    return data if output_format is OutputFormat.ION_BINARY else render_document(block_fields(data), output_format)


def render_document(fields: Mapping[str, Any], output_format: OutputFormat) -> bytes:
    """A struct, given as Python values, in one of the formats."""
    if output_format is OutputFormat.ION_BINARY:
        return encode(fields)
    text = dump_text(fields) if output_format is OutputFormat.ION_TEXT else to_json(fields)
    return text.encode() + b"\n"


def to_json(value: Any) -> str:
    raise ValueError(value)
