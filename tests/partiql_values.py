"""Hypothesis strategies for values as PartiQL has them: of every type, small, and often equal to one another."""

from decimal import Decimal

from hypothesis import strategies as st

from counterfoil.ion.reader import IonType
from counterfoil.ion.timestamps import IonTimestamp
from counterfoil.ion.values import Annotated, Clob, IonNull, IonSymbol, RepeatedStruct, Sexp
from counterfoil.partiql.values import Bag

names = st.sampled_from(["a", "b", "c"])
numbers = (
    st.integers(-3, 3)
    | st.sampled_from([0.0, -0.0, 1.0, 0.1, 1e23, 2.0**63, float("nan"), float("inf"), float("-inf")])
    | st.sampled_from([Decimal(text) for text in ("0", "-0.00", "1", "1.0", "1e0", "0.1", "10e-1", "1e23", "3.00")])
    | st.sampled_from([10**23, 2**63, 10**30, Decimal(10) ** 30])
    | st.integers()
    | st.floats()
    | st.decimals(allow_nan=False, allow_infinity=False)
)
timestamps = st.builds(
    IonTimestamp,
    st.sampled_from(
        [(2020,), (2020, 1), (2020, 1, 1), (2020, 1, 1, 0, 0), (2020, 1, 1, 0, 0, 0), (2021, 2, 3, 4, 5, 6)]
    ),
    st.none(),
    st.none(),
) | st.builds(
    IonTimestamp,
    st.just((2020, 1, 1, 0, 0, 0)),
    st.sampled_from([None, Decimal("0.0"), Decimal("0.5"), Decimal("0.500")]),
    st.sampled_from([None, 0, 60, -90]),
)
texts = st.sampled_from(["", "a", "b", "ab", "é", "😀"]) | st.sampled_from(
    [IonSymbol("a"), IonSymbol("", unknown=True)]
)
lobs = st.sampled_from([b"", b"a", Clob(b"a"), Clob(b"")])
unknown = st.sampled_from([None, IonNull(IonType.INT), IonNull(IonType.STRUCT)])
scalars = unknown | st.booleans() | numbers | timestamps | texts | lobs


def _containers(inner):
    items = st.lists(inner, max_size=3)
    fields = st.lists(st.tuples(names, inner), max_size=3)
    return (
        items
        | items.map(Sexp)
        | st.dictionaries(names, inner, max_size=3)
        | fields.map(RepeatedStruct)
        | inner.filter(lambda value: type(value) is not Annotated).map(lambda value: Annotated(("note",), value))
    )


values = st.recursive(scalars, _containers, max_leaves=6)
bags = st.lists(values, max_size=4).map(Bag)
documents = st.dictionaries(names, values, max_size=3)
