"""Amazon Ion: values, a reader and a writer of the binary form, Ion Hash over it, and the text form through amazon.ion."""

from counterfoil.ion.codec import decode, decode_datagram, encode
from counterfoil.ion.hashing import hash_of_ion, hash_of_text, serialize
from counterfoil.ion.reader import MAX_DEPTH, IonType, IonValue
from counterfoil.ion.streams import MAX_SIZE_BYTES, read_single, read_values
from counterfoil.ion.symbols import VERSION_MARKER
from counterfoil.ion.text import binary_of_text, dump_binary, dump_text, load_binary, load_text, text_of
from counterfoil.ion.timestamps import IonTimestamp
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
    "hash_of_ion",
    "hash_of_text",
    "load_binary",
    "load_text",
    "pairs_of",
    "read_single",
    "read_values",
    "serialize",
    "text_of",
]
