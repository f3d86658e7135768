"""What ``taxes.toml`` says: what can be collected, who shares it, surcharges, late fee and interest."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from ecny_tax.errors import InvalidInputError
from ecny_tax.rulebook.figures import Dated, Row, dated, in_force, keyed, read, single, sources


@dataclass(frozen=True, slots=True)
class CollectionName:
    """What a collection code (征收项目代码) stands for, and the budget subject it is booked under."""

    name_zh: str
    name_en: str
    budget_subject_zh: str
    budget_subject_en: str
    citation: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Share:
    """How central and local budgets share a collection item (中央与地方分享比例)."""

    central: int
    local: int
    citation: str
    evidence: str


@dataclass(frozen=True, slots=True)
class CollectionItem:
    """A tax or fee that is collected (征收项目), and how central and local budgets share it."""

    code: str
    name_zh: str
    name_en: str
    central_weight: int
    local_weight: int
    citation: str
    evidence: str
    budget_subject_zh: str
    budget_subject_en: str


@dataclass(frozen=True, slots=True)
class LocalSplit:
    """How the local share divides: weights of province, city and county; of one treasury or all others."""

    province: int
    city: int
    county: int
    citation: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Surcharge:
    """A tax or fee on the VAT and consumption tax that were paid; ``place`` where its rate depends on it."""

    code: str
    place: str | None
    rate: Fraction
    citation: str
    evidence: str


@dataclass(frozen=True, slots=True)
class DailyRate:
    """A simple rate by the day, such as that of late fees (滞纳金)."""

    rate: Fraction
    citation: str
    evidence: str


@dataclass(frozen=True, slots=True)
class YearlyRate:
    """A simple rate by the year of 360 days, such as that of demand deposits (活期存款利率)."""

    rate: Fraction
    citation: str
    evidence: str


class Figures:
    """The file's figures, of all times."""

    def __init__(self, document: Row) -> None:
        self.names = keyed(document["collection_items"], "code", CollectionName)
        self.shares: dict[tuple[str, str | None], list[Dated[Share]]] = {}
        for row in document["shares"]:
            key = (row["code"], row.get("case"))
            self.shares.setdefault(key, []).append(dated(row, read(Share, row)))
        self.local_splits: dict[str | None, list[Dated[LocalSplit]]] = {}
        for row in document["local_split"]:
            figures = self.local_splits.setdefault(row.get("treasury"), [])
            figures.append(dated(row, read(LocalSplit, row)))
        self.surcharges: dict[tuple[str, str | None], list[Dated[Surcharge]]] = {}
        for row in document["surcharges"]:
            key = (row["code"], row.get("place"))
            value = read(Surcharge, {"place": None, **row}, rate=Fraction)
            self.surcharges.setdefault(key, []).append(dated(row, value))
        self.late_fees = single(document["late_fee"], DailyRate, rate=Fraction)
        self.deposit_interest = single(document["deposit_interest"], YearlyRate, rate=Fraction)


@dataclass(frozen=True, slots=True)
class TaxRules:
    """What is collected on ``day``, and how."""

    day: date
    figures: Figures

    def collection_item(self, code: str, *, case: str | None = None) -> CollectionItem:
        """A collection item, with the shares of ``case`` where the law sets a case apart.

        Cases are ``imports`` of 10101 and ``securities`` of 10111.  Raises ``tax_code_unknown``.
        """
        names, shares = self.figures.names.get(code), self.figures.shares.get((code, case))
        if names is None or shares is None:
            raise InvalidInputError("tax_code_unknown", value=code if case is None else f"{code} ({case})")
        name = in_force(f"taxes.collection_items.{code}", names, self.day)
        share = in_force(f"taxes.shares.{code}", shares, self.day)
        citation, evidence = sources(name, share)
        return CollectionItem(
            code=code,
            name_zh=name.name_zh,
            name_en=name.name_en,
            central_weight=share.central,
            local_weight=share.local,
            citation=citation,
            evidence=evidence,
            budget_subject_zh=name.budget_subject_zh,
            budget_subject_en=name.budget_subject_en,
        )

    def collection_items(self) -> tuple[CollectionItem, ...]:
        """Every collection item in force, by code, special cases apart."""
        return tuple(
            self.collection_item(code)
            for code, figures in self.figures.names.items()
            if any(figure.covers(self.day) for figure in figures)
        )

    def local_split(self, treasury: str | None = None) -> tuple[int, int, int]:
        """How the local share divides: weights of province, city and county.

        A ``treasury`` may have a split of its own; on days without one it has that of all others.
        """
        splits = self.figures.local_splits
        own = next((figure.value for figure in splits.get(treasury, ()) if figure.covers(self.day)), None)
        found = own or in_force("taxes.local_split", splits.get(None, ()), self.day)
        return found.province, found.city, found.county

    def surcharge(self, code: str, *, place: str | None = None) -> Surcharge:
        """A surcharge on VAT and consumption tax; 10109 depends on the ``place``: city, town or other.

        Raises ``surcharge_unknown`` and ``surcharge_place_unknown``.
        """
        places = [known for item, known in self.figures.surcharges if item == code]
        if not places:
            known = " ".join(sorted({item for item, _ in self.figures.surcharges}))
            raise InvalidInputError("surcharge_unknown", value=code, known=known)
        if place not in places:
            raise InvalidInputError(
                "surcharge_place_unknown", code=code, value=place or "–", known=" ".join(map(str, places))
            )
        return in_force(f"taxes.surcharges.{code}", self.figures.surcharges[code, place], self.day)

    @property
    def late_fee(self) -> DailyRate:
        """What a day of delay costs, as part of the tax."""
        return in_force("taxes.late_fee", self.figures.late_fees, self.day)

    @property
    def late_fee_citation(self) -> str:
        """Where the late fee comes from; empty where there is none any more."""
        try:
            return self.late_fee.citation
        except InvalidInputError:
            return ""

    @property
    def deposit_interest(self) -> YearlyRate:
        """What an overpayment that the taxpayer found bears."""
        return in_force("taxes.deposit_interest", self.figures.deposit_interest, self.day)
