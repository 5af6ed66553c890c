"""Amazon Ion: values, a reader and a writer of the binary form, Ion Hash over it, and the text form through amazon.ion."""

from counterfoil.ion.codec import decode, decode_datagram, encode
from counterfoil.ion.hashing import hash_of_ion, hash_of_text, serialize
from counterfoil.ion.reader import MAX_DEPTH, IonType, IonValue
from counterfoil.ion.streams import MAX_SIZE_BYTES, read_single, read_values
from counterfoil.ion.symbols import VERSION_MARKER
from counterfoil.ion.text import binary_of_text, dump_binary, dump_text, load_binary, load_text, text_of
from counterfoil.ion.timestamps import IonTimestamp
from counterfoil.ion.value_hashing import hash_of_python
from counterfoil.ion.value_text import from_json, parse_text, parse_texts, render_json, render_text, to_json
from counterfoil.ion.values import Annotated, Clob, IonNull, IonSymbol, RepeatedStruct, Sexp, Value, pairs_of

__all__ = [
    "MAX_DEPTH",
    "MAX_SIZE_BYTES",
    "VERSION_MARKER",
    "Annotated",
    "Clob",
    "IonNull",
    "IonSymbol",
    "IonTimestamp",
    "IonType",
    "IonValue",
    "RepeatedStruct",
    "Sexp",
    "Value",
    "binary_of_text",
    "decode",
    "decode_datagram",
    "dump_binary",
    "dump_text",
    "encode",
    "from_json",
    "hash_of_ion",
    "hash_of_python",
    "hash_of_text",
    "load_binary",
    "load_text",
    "pairs_of",
    "parse_text",
    "parse_texts",
    "read_single",
    "read_values",
    "render_json",
    "render_text",
    "serialize",
    "text_of",
    "to_json",
]
