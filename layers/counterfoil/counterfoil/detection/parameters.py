"""Settings with limits: how the fields of a rule or a document shape are declared, read from JSON strictly, and written back.

A field of a dataclass has its kind (``whole``, ``ratio``, ``money``, ``NAME`` and so on) as its metadata and so knows what
values it takes. Reading refuses unknown keys, other types and values out of range, each by the name of the setting.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal
from typing import Any, Final, Protocol

from counterfoil.detection.finding import Severity
from counterfoil.detection.money import EXACT, parse_amount_text, plain
from counterfoil.errors import InputError

# What JSON holds once numbers with a point are refused: money and ratios are written as strings.
type Json = str | int | bool | Sequence[Json] | Mapping[str, Json] | None

MAX_NAMES: Final = 100
MAX_NAME_CHARACTERS: Final = 128
MAX_CURRENCIES: Final = 200


@dataclass(frozen=True, slots=True)
class Amounts:
    """An amount for each currency: ``default`` where ``by_currency`` names no other."""

    default: Decimal
    by_currency: tuple[tuple[str, Decimal], ...] = ()

    def of(self, currency: str) -> Decimal:
        for name, amount in self.by_currency:
            if name == currency:
                return amount
        return self.default


class Kind(Protocol):
    """A kind of setting; ``read`` raises ``InputError`` with what was expected, ``where`` being the setting's name."""

    def read(self, value: Json, where: str) -> Any: ...

    def write(self, value: Any) -> Json: ...


@dataclass(frozen=True, slots=True)
class _Whole:
    low: int
    high: int

    def read(self, value: Json, where: str) -> int:
        if type(value) is not int or not self.low <= value <= self.high:
            raise InputError(f"{where} must be a whole number from {self.low} to {self.high}, not {_shown(value)}")
        return value

    def write(self, value: int) -> Json:
        return value


@dataclass(frozen=True, slots=True)
class _Ratio:
    low: Decimal
    high: Decimal

    def read(self, value: Json, where: str) -> Decimal:
        found = _decimal(value, where)
        if not self.low <= found <= self.high or len(found.as_tuple().digits) > 9:
            raise InputError(
                f"{where} must be from {self.low} to {self.high} with at most 9 digits, not {_shown(value)}"
            )
        return found

    def write(self, value: Decimal) -> Json:
        return _shortest(value)


@dataclass(frozen=True, slots=True)
class _Money:
    """One amount for all currencies (a string), or an object of amounts by currency with one called ``default``."""

    low: Decimal | None

    def read(self, value: Json, where: str) -> Amounts:
        if not isinstance(value, Mapping):
            return Amounts(self._amount(value, where))
        if "default" not in value or len(value) > MAX_CURRENCIES:
            raise InputError(f"{where} needs 'default' and at most {MAX_CURRENCIES} currencies")
        amounts = {name: self._amount(each, f"{where}.{name}") for name, each in value.items()}
        return Amounts(amounts.pop("default"), tuple(sorted(amounts.items())))

    def _amount(self, value: Json, where: str) -> Decimal:
        found = _decimal(value, where)
        if self.low is not None and found <= self.low:
            raise InputError(f"{where} must be more than {self.low}, not {_shown(value)}")
        return found

    def write(self, value: Amounts) -> Json:
        if not value.by_currency:
            return _shortest(value.default)
        return {"default": _shortest(value.default)} | {name: _shortest(amount) for name, amount in value.by_currency}


@dataclass(frozen=True, slots=True)
class _Name:
    optional: bool

    def read(self, value: Json, where: str) -> str | None:
        if value is None and self.optional:
            return None
        if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME_CHARACTERS:
            raise InputError(f"{where} must be a text of 1 to {MAX_NAME_CHARACTERS} characters, not {_shown(value)}")
        return value

    def write(self, value: str | None) -> Json:
        return value


class _Names:
    def read(self, value: Json, where: str) -> tuple[str, ...]:
        if isinstance(value, str) or not isinstance(value, Sequence) or len(value) > MAX_NAMES:
            raise InputError(f"{where} must be a list of at most {MAX_NAMES} texts, not {_shown(value)}")
        one = _Name(optional=False)
        return tuple(sorted({str(one.read(each, f"{where}[{index}]")) for index, each in enumerate(value)}))

    def write(self, value: tuple[str, ...]) -> Json:
        return list(value)


@dataclass(frozen=True, slots=True)
class _Text:
    low: int
    high: int

    def read(self, value: Json, where: str) -> str:
        if not isinstance(value, str) or not (self.low <= len(value) <= self.high and value.isprintable()):
            raise InputError(
                f"{where} must be a printable text of {self.low} to {self.high} characters, not {_shown(value)}"
            )
        return value

    def write(self, value: str) -> Json:
        return value


@dataclass(frozen=True, slots=True)
class _Choice:
    choices: tuple[str, ...]

    def read(self, value: Json, where: str) -> str:
        if not isinstance(value, str) or value not in self.choices:
            raise InputError(f"{where} must be one of {', '.join(self.choices)}, not {_shown(value)}")
        return value

    def write(self, value: str) -> Json:
        return value


class _Flag:
    def read(self, value: Json, where: str) -> bool:
        if not isinstance(value, bool):
            raise InputError(f"{where} must be true or false, not {_shown(value)}")
        return value

    def write(self, value: bool) -> Json:  # noqa: FBT001 - the value of a setting
        return value


class _SeverityName:
    def read(self, value: Json, where: str) -> Severity:
        if not isinstance(value, str) or value not in Severity.__members__:
            raise InputError(f"{where} must be one of {', '.join(Severity.__members__)}, not {_shown(value)}")
        return Severity[value]

    def write(self, value: Severity) -> Json:
        return value.name


# What ``dataclasses.field`` takes as ``metadata``: a field and its kind of setting.
type Setting = Mapping[str, Kind]


def whole(low: int, high: int) -> Setting:
    return {"kind": _Whole(low, high)}


def ratio(low: str, high: str) -> Setting:
    return {"kind": _Ratio(Decimal(low), Decimal(high))}


def money(*, above: str | None = "0") -> Setting:
    """An amount for each currency; ``above`` of ``None`` allows any, negative ones too."""
    return {"kind": _Money(None if above is None else Decimal(above))}


def text(low: int, high: int) -> Setting:
    return {"kind": _Text(low, high)}


def choice(*choices: str) -> Setting:
    return {"kind": _Choice(choices)}


NAME: Final[Setting] = {"kind": _Name(optional=False)}
OPTIONAL_NAME: Final[Setting] = {"kind": _Name(optional=True)}
NAMES: Final[Setting] = {"kind": _Names()}
FLAG: Final[Setting] = {"kind": _Flag()}
LEVEL: Final[Setting] = {"kind": _SeverityName()}


def read_settings[T](cls: type[T], given: Json, where: str) -> T:
    """The settings given as a JSON object, the others at their defaults."""
    if not isinstance(given, Mapping):
        raise InputError(f"{where} must be an object, not {_shown(given)}")
    kinds: dict[str, Kind] = {each.name: each.metadata["kind"] for each in fields(cls)}  # type: ignore[arg-type]
    refuse_unknown(given, kinds, where)
    return cls(**{name: kinds[name].read(value, f"{where}.{name}") for name, value in given.items()})


def write_settings(settings: Any) -> dict[str, Json]:
    """All settings as ``read_settings`` takes them."""
    return {each.name: each.metadata["kind"].write(getattr(settings, each.name)) for each in fields(settings)}


def refuse_unknown(given: Mapping[str, Json], known: Mapping[str, object], where: str) -> None:
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise InputError(f"{where} has no setting {_shown(unknown[0])}; it has {', '.join(sorted(known))}")


def _decimal(value: Json, where: str) -> Decimal:
    if not isinstance(value, str):
        raise InputError(f"{where} must be a decimal written as a string, not {_shown(value)}")
    try:
        return parse_amount_text(value)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _shown(value: object) -> str:
    return repr(value)[:80]


def _shortest(value: Decimal) -> str:
    """One text per number, so that ``100`` and ``100.00`` are the same setting."""
    return plain(value.normalize(EXACT))
