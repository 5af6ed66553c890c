"""The Ion values that the official driver's integration tests write and read back, as text: 25, and each with an annotation."""

PLAIN = (
    '{{"This is a CLOB of text."}}',
    "{{aGVsbG8=}}",
    "true",
    "0.1",
    "0.2e0",
    "1",
    "[1,2]",
    "null",
    "(cons 1 2)",
    '"string"',
    "{a:1}",
    "abc",
    "2016-12-20T05:23:43.000000-00:00",
    *(
        f"null.{name}"
        for name in (
            "clob", "blob", "bool", "decimal", "float", "int", "list", "sexp", "string", "struct", "symbol", "timestamp"
        )
    ),
)  # fmt: skip
VALUES = (*PLAIN, *(f"annotation::{text}" for text in PLAIN))
