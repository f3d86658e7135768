"""The rules in force on a day, by subject."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING

from ecny_tax.rulebook.book import Rulebook

if TYPE_CHECKING:  # as in ``book``: a subject is imported when it is asked for
    from ecny_tax.rulebook.income_tax import IncomeTaxRules
    from ecny_tax.rulebook.offline import OfflineRules
    from ecny_tax.rulebook.scheme import SchemeRules
    from ecny_tax.rulebook.stamp_duty import StampDutyRules
    from ecny_tax.rulebook.taxes import TaxRules
    from ecny_tax.rulebook.wallets import WalletRules


@dataclass(frozen=True)
class Rules:
    """The rules in force on ``day``, each subject once it is asked for.

    Every look-up raises ``InvalidInputError``: ``no_rule_on_date`` where the rulebook knows the thing but
    has no rule for that day, or a code of its own where it does not know the thing at all.  What was found
    is kept: a rule never changes, and whoever settles a million people asks a million times.
    """

    day: date
    book: Rulebook

    @cached_property
    def stamp_duty(self) -> StampDutyRules:
        from ecny_tax.rulebook.stamp_duty import StampDutyRules

        return StampDutyRules(self.day, self.book.stamp_duty)

    @cached_property
    def income_tax(self) -> IncomeTaxRules:
        from ecny_tax.rulebook.income_tax import IncomeTaxRules

        return IncomeTaxRules(self.day, self.book.income_tax)

    @cached_property
    def taxes(self) -> TaxRules:
        from ecny_tax.rulebook.taxes import TaxRules

        return TaxRules(self.day, self.book.taxes)

    @cached_property
    def wallets(self) -> WalletRules:
        from ecny_tax.rulebook.wallets import WalletRules

        return WalletRules(self.day, self.book.wallets)

    @cached_property
    def scheme(self) -> SchemeRules:
        from ecny_tax.rulebook.scheme import SchemeRules

        return SchemeRules(self.day, self.book.scheme)

    @cached_property
    def offline(self) -> OfflineRules:
        from ecny_tax.rulebook.offline import OfflineRules

        return OfflineRules(self.day, self.book.offline)
