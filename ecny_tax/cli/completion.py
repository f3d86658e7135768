"""What a shell offers when somebody presses TAB: commands and options by typer, values from here.

Closed lists come from where the commands themselves have them, numbers of records from the database that the
line names, by a look that makes nothing.  What is not known here is left to the shell, which offers files.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from inspect import Parameter
from typing import TYPE_CHECKING, Any

import typer

from ecny_tax.cli.command import DEFAULT_DATABASE

if TYPE_CHECKING:
    from ecny_tax.rulebook import Rules

#: A value and what the shell may say about it.
Offer = tuple[str, str]

#: Option or argument → the kind of record whose number it is.
_RECORDS = {
    **dict.fromkeys(("WALLET", "FROM", "TO", "PARENT", "--wallet", "--parent", "--payee"), "wallet"),
    "AGREEMENT": "agreement",
    "--agreement": "agreement",
    "BILL": "bill",
    "--bill": "open_bill",
    "PAYMENT": "payment",
    "--payment": "payment",
    "TRANSFER": "payment",
    "RECEIPT": "receipt",
    "REFUND": "refund",
    "BATCH": "batch",
    "FAILURE": "failure",
    "LOAD": "load",
    "--load": "load",
    "VOUCHER_ID": "disputed",
    "KEY_ID": "key",
    "--authority": "tax_authority",
    "--treasury": "treasury",
}
#: A metavar that is a closed list, such as ``buy|sell``.
_CHOICES = re.compile(r"[a-z-]+|[IV]+(\|[IV]+)+|[a-z-]+(\|[a-z-]+)+")
#: What every number and code is made of.  A database may be anybody's, and shells evaluate what they hear.
_PLAIN = re.compile(r"[\w.:-]+")
#: What is left out of the words on a value: whatever a shell or a terminal might obey.
_OBEYED = re.compile(r"[^\w .,:()（）、·-]")


def words_before() -> list[str]:
    """The words that stand, finished, before what is being completed, without the name of the program."""
    line = os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS", "")
    words = line.split()
    return words[1:] if line[-1:].isspace() else words[1:-1]


def teach(parameters: Iterable[Parameter]) -> None:
    """Let the parameters of a command know what to offer."""
    for parameter in parameters:
        (info,) = parameter.annotation.__metadata__
        # Inside ``Annotated`` typer takes the first name for a default until it builds the command.
        names = (info.default, *(info.param_decls or ()))
        options = [name for name in names if isinstance(name, str) and name.startswith("--")]
        info.autocompletion = _offers_for(options[0] if options else info.metavar, info.metavar or "")


def _offers_for(name: str, metavar: str) -> Callable[[typer.Context, str], list[Offer]]:
    def offers(ctx: typer.Context, incomplete: str) -> list[Offer]:
        with suppress(Exception):  # whatever it is, it must not disturb who types
            found = _offers(ctx, name, metavar, incomplete)
            return [(value, _OBEYED.sub("", said)) for value, said in found if _PLAIN.fullmatch(value)]
        return []

    return offers


def _offers(context: typer.Context, name: str, metavar: str, begun: str) -> list[Offer]:
    if _CHOICES.fullmatch(metavar):
        return [(choice, "") for choice in metavar.split("|")]
    place = " ".join(context.command_path.split()[1:])
    listed = _LISTS.get(f"{place} {name}") or _LISTS.get(name)
    if listed is not None:
        return listed(_rules())
    if name in _RECORDS:
        from ecny_tax.store.glance import glance

        return glance(_database(context), _RECORDS[name], begun)
    return []


def _database(context: typer.Context) -> str:
    return context.params.get("db") or os.environ.get("ECNY_TAX_DB") or DEFAULT_DATABASE


def _rules() -> Rules:
    from ecny_tax.clock import SystemClock
    from ecny_tax.rulebook import PACKAGE, rulebook_with

    path = os.environ.get("ECNY_TAX_RULEBOOK")
    rulebook = rulebook_with(path) if path else PACKAGE
    return rulebook.on(SystemClock().now().date())


# --- closed lists ---------------------------------------------------------------------------------


def _named(found: Iterable[Any]) -> list[Offer]:
    return [(one.code, one.name_zh) for one in found]


def _operators(rules: Rules) -> list[Offer]:
    return _named(rules.book.scheme.operators)


def _items(rules: Rules) -> list[Offer]:
    from ecny_tax.taxes import stamp_duty

    return list({item.item: item.name_zh for item in stamp_duty.items(rules)}.items())  # some have two sides


def _exemptions(rules: Rules) -> list[Offer]:
    return _named(rules.stamp_duty.exemptions())


def _refund_reasons(rules: Rules) -> list[Offer]:
    return [(code, "") for code in rules.scheme.refund_reasons]


def _stop_reasons(rules: Rules) -> list[Offer]:
    found = rules.wallets.stop_reasons.items()
    return [(code, "") for code, one in found if one.stopped_by == "anti_fraud_centre"]


def _collection_codes(rules: Rules) -> list[Offer]:
    return [(item.code, item.name_zh) for item in rules.taxes.collection_items()]


def _small_taxpayers(rules: Rules) -> list[Offer]:
    return [(kind, "") for kind in rules.stamp_duty.relief.taxpayers]


def _fixed(values: Sequence[str]) -> Callable[[Rules], list[Offer]]:
    return lambda _rules: [(value, "") for value in values]


def _failures(_rules: Rules) -> list[Offer]:
    from ecny_tax.payments.debit_model import FailureKind

    return [(kind.value, "") for kind in FailureKind]


def _purposes(_rules: Rules) -> list[Offer]:
    from ecny_tax.wallets.model import SubWalletPurpose

    return [(purpose.value, "") for purpose in SubWalletPurpose]


def _taxes(_rules: Rules) -> list[Offer]:
    from ecny_tax.taxes.model import Tax

    return [(tax.value, "") for tax in Tax]


def _surcharges(_rules: Rules) -> list[Offer]:
    from ecny_tax.taxes.surcharges import CODES

    return [(code, "") for code in CODES]


#: Command and option, or an option of every command → what it may be.
_LISTS: dict[str, Callable[[Rules], list[Offer]]] = {
    "--operator": _operators,
    "--item": _items,
    "--exemption": _exemptions,
    "--taxpayer-kind": _small_taxpayers,
    "batch write --tax": _taxes,
    "--purpose": _purposes,
    "refund --reason": _refund_reasons,
    "wallet stop --reason": _stop_reasons,
    "failure order KIND": _failures,
    "bill declare surcharge --code": _surcharges,
    "bill declare other --code": _collection_codes,
    "parties add --kind": _fixed(
        ("tax-authority", "treasury", "court", "public-security", "anti-fraud-centre")
    ),
}
