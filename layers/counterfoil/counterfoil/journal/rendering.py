"""Blocks and manifests as an export writes them: Ion text, binary Ion, or JSON.

Each is a document of its own: in text one per line, in binary with its own version marker and symbol table.
"""

from __future__ import annotations

from typing import Any

from counterfoil.ion.codec import encode
from counterfoil.ion.value_text import render_json, render_text
from counterfoil.journal.export_format import OutputFormat
from counterfoil.journal.stored import block_fields


def render_block(data: bytes, output_format: OutputFormat) -> bytes:
    """A stored block in one of the formats."""
    return data if output_format is OutputFormat.ION_BINARY else render_document(block_fields(data), output_format)


def render_document(fields: dict[str, Any], output_format: OutputFormat) -> bytes:
    """A struct, given as Python values, in one of the formats."""
    if output_format is OutputFormat.ION_BINARY:
        return encode(fields)
    text = render_text(fields) if output_format is OutputFormat.ION_TEXT else render_json(fields)
    return text.encode() + b"\n"
