"""What ``wallets.toml`` says: classes of wallets with their limits, type codes, and the fee."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cached_property

from ecny_tax.errors import InvalidInputError
from ecny_tax.money import Fen, yuan
from ecny_tax.rulebook.figures import Row, in_force, keyed, read, single


@dataclass(frozen=True, slots=True)
class WalletClass:
    """A class of wallet (钱包类别) with its limits; ``None`` means without limit.

    ``assumed`` names the limits that have no published source, whatever ``evidence`` says of the others.
    """

    wallet_class: str
    name_zh: str
    name_en: str
    cap: Fen | None
    single: Fen | None
    day: Fen | None
    year: Fen | None
    citation: str
    evidence: str
    assumed: tuple[str, ...] = ()
    minimum_age: int | None = None


@dataclass(frozen=True, slots=True)
class WalletType:
    """A type code of wallets (钱包类型), such as ``WT09`` for a corporate wallet."""

    code: str
    kind: str
    name_zh: str
    name_en: str
    citation: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Fee:
    """What part of an amount is charged as a fee (手续费): 0."""

    rate: Fraction
    citation: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Stops:
    """For how many hours a protective stop (保护性停付) lasts, and at most may."""

    default_hours: int
    most_hours: int
    citation: str
    evidence: str


@dataclass(frozen=True, slots=True)
class StopReason:
    """Why a wallet is stopped, and by whom."""

    code: str
    name_zh: str
    name_en: str
    stopped_by: str
    citation: str
    evidence: str


class Figures:
    """The file's figures, of all times."""

    def __init__(self, document: Row) -> None:
        self.classes = keyed(
            document["classes"], "wallet_class", WalletClass,
            cap=_limit, single=_limit, day=_limit, year=_limit, assumed=tuple,
        )  # fmt: skip
        self.types = tuple(read(WalletType, row) for row in document["types"])
        self.stops = single(document["stops"], Stops)
        self.stop_reasons = keyed(document["stop_reasons"], "code", StopReason)
        self.fees = single(document["fees"], Fee, rate=Fraction)


@dataclass(frozen=True)
class WalletRules:
    """The rules of wallets in force on ``day``."""

    day: date
    figures: Figures

    def wallet_class(self, name: str) -> WalletClass:
        """A wallet class: ``I`` to ``IV``, or ``corporate`` (``wallet_class_unknown``)."""
        figures = self.figures.classes.get(name)
        if figures is None:
            raise InvalidInputError("wallet_class_unknown", value=name)
        return in_force(f"wallets.classes.{name}", figures, self.day)

    @property
    def stops(self) -> Stops:
        return in_force("wallets.stops", self.figures.stops, self.day)

    @property
    def stop_reasons(self) -> dict[str, StopReason]:
        """Every reason for a protective stop in force, by its code."""
        return {
            code: figure.value
            for code, figures in self.figures.stop_reasons.items()
            for figure in figures
            if figure.covers(self.day)
        }

    @cached_property
    def fee_rate(self) -> Fraction:
        """What part of an amount is charged as a fee: 0."""
        return in_force("wallets.fees", self.figures.fees, self.day).rate


def _limit(text: str) -> Fen | None:
    return None if text == "unlimited" else yuan(text)
