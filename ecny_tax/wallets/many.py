"""Opening the wallets of many people, and telling who holds them, in a few statements.

Everybody is judged in order, by the rules that judge one alone and as if those before were there already; who
is refused leaves nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from ecny_tax.crypto.keyring import Keyring
from ecny_tax.errors import EcnyTaxError, RejectedError
from ecny_tax.ledger import chart
from ecny_tax.ledger.model import MAX_BATCH, AccountCode, AccountFlags, Ledger
from ecny_tax.money import Fen, positive
from ecny_tax.parties import many as parties_of_many
from ecny_tax.parties import service as parties
from ecny_tax.parties.many import Takings
from ecny_tax.parties.model import Identity, Institution
from ecny_tax.store import Transaction, journal
from ecny_tax.wallets import model, rows, supply
from ecny_tax.wallets.disclosure import told_of
from ecny_tax.wallets.model import Wallet, WalletKind, WalletStatus
from ecny_tax.wallets.service import free_wallet_id, limits_of, minimum_age

#: Top-ups of one posting: three more transfers bring the money into the vault.
_BATCH = MAX_BATCH - 3


@dataclass(frozen=True, slots=True)
class Opening:
    """A wallet to open, as ``Wallets.open`` is asked for one; ``fund`` is in fen."""

    kind: str
    operator: str
    wallet_class: str | None = None
    name: str | None = field(default=None, repr=False)
    id_number: str | None = field(default=None, repr=False)
    phone: str | None = field(default=None, repr=False)
    fund: Fen | None = None


@dataclass(frozen=True, slots=True)
class _Asked:
    """An opening whose own values are in order."""

    kind: WalletKind
    wallet_class: str | None
    bank: Institution
    said: Identity  # without a number
    fund: Fen | None


class _Accepted(NamedTuple):
    """An opening that passed every rule, and whose wallet it will be."""

    asked: _Asked
    holder: Identity


def open_many(tx: Transaction, keyring: Keyring, openings: Sequence[Opening]) -> list[Wallet | EcnyTaxError]:
    """A wallet for each opening, or what ``Wallets.open`` would raise."""
    banks = {bank.code: bank for bank in parties.operators(tx)}
    asked: list[_Asked | EcnyTaxError] = []
    for opening in openings:
        try:
            asked.append(_checked(tx, keyring, opening, banks))
        except EcnyTaxError as refusal:
            asked.append(refusal)
    subjects = {one.said.subject_id for one in asked if isinstance(one, _Asked)}
    takings = Takings(tx, keyring, subjects)
    held = _Held(tx, keyring, sorted(subjects))
    judged: list[_Accepted | EcnyTaxError] = []
    for one in asked:
        if isinstance(one, EcnyTaxError):
            judged.append(one)
            continue
        said = one.said
        holder = takings.find(
            custodian=one.bank.party,
            kind=said.kind,
            name=said.name,
            id_number=said.id_number,
            phone=said.phone,
            subject_id=said.subject_id,
        )
        try:
            held.check(tx, one, holder)
            if one.fund is not None:
                empty = _wallet(tx, _Accepted(one, holder), "", 0, Fen(0))
                model.check_incoming(empty, one.fund, limits_of(tx, empty))
        except EcnyTaxError as refusal:
            judged.append(refusal)
            continue
        takings.keep(holder)
        held.add(one, holder)
        judged.append(_Accepted(one, holder))
    takings.write()
    opened = iter(_opened(tx, keyring, [one for one in judged if isinstance(one, _Accepted)]))
    return [one if isinstance(one, EcnyTaxError) else next(opened) for one in judged]


class _Held:
    """Who has open wallets already, at which operator and by what name."""

    def __init__(self, tx: Transaction, keyring: Keyring, subjects: Sequence[str]) -> None:
        found = rows.open_wallets_of(tx, subjects)
        names = parties_of_many.open_identities(tx, keyring, [identity_id for *_, identity_id in found])
        self._by_subject: dict[str, list[tuple[str, str | None]]] = {}
        for subject_id, operator, identity_id in found:
            self._by_subject.setdefault(subject_id, []).append((operator, names[identity_id].name))

    def check(self, tx: Transaction, asked: _Asked, holder: Identity) -> None:
        if asked.wallet_class == "IV":
            return
        least, today = minimum_age(tx, asked.wallet_class), tx.now.date()
        model.check_holder(asked.kind, holder.id_number, minimum_age=least, on=today)
        for operator, name in self._by_subject.get(holder.subject_id, ()):
            model.check_beside(
                asked.kind, asked.bank.code, holder.name, other_operator=operator, other_name=name
            )

    def add(self, asked: _Asked, holder: Identity) -> None:
        self._by_subject.setdefault(holder.subject_id, []).append((asked.bank.code, holder.name))


def _checked(tx: Transaction, keyring: Keyring, opening: Opening, banks: dict[str, Institution]) -> _Asked:
    kind, wallet_class = model.checked_opening(
        opening.kind, opening.wallet_class, named=bool(opening.name or opening.id_number)
    )
    if opening.fund is not None:
        positive(opening.fund)
    bank = banks.get(opening.operator) or parties.operator(tx, opening.operator)
    name, id_number, phone = opening.name, opening.id_number, opening.phone
    needed = model.identity_needed(kind, wallet_class, name, id_number, phone)
    said = parties_of_many.canonical(tx, keyring, needed, name, id_number, phone)
    return _Asked(kind, wallet_class, bank, said, opening.fund)


def _wallet(tx: Transaction, accepted: _Accepted, wallet_id: str, account_id: int, balance: Fen) -> Wallet:
    asked, holder = accepted
    return Wallet(
        wallet_id,
        asked.kind,
        asked.wallet_class,
        asked.bank.code,
        balance,
        WalletStatus.ACTIVE,
        tx.now,
        None,
        holder.identity_id,
        holder.subject_id,
        account_id,
    )


def _opened(tx: Transaction, keyring: Keyring, accepted: Sequence[_Accepted]) -> list[Wallet]:
    """Give the wallets their ids, accounts and funds, and write them."""
    ids = _free_ids(tx, [one.asked.bank.digits or "" for one in accepted])
    accounts = journal.open_accounts(
        tx,
        [chart.wallet(wallet_id) for wallet_id in ids],
        ledger=Ledger.ECNY,
        code=AccountCode.WALLET,
        flags=AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS,
    )
    opened = [
        _wallet(tx, one, wallet_id, accounts[chart.wallet(wallet_id)], one.asked.fund or Fen(0))
        for wallet_id, one in zip(ids, accepted, strict=True)
    ]
    rows.insert_many(
        tx, ((wallet, keyring.signing_key("wallet", wallet.wallet_id).public_bytes) for wallet in opened)
    )
    _fund(tx, opened)
    return opened


def _free_ids(tx: Transaction, digits: Sequence[str]) -> list[str]:
    """As many wallet ids as there are wallets, of their operators; those that are taken are drawn again."""
    drawn = [tx.ids.wallet_id(two) for two in digits]
    taken = rows.taken(tx, list(dict.fromkeys(drawn)))
    seen: set[str] = set()
    for place, wallet_id in enumerate(drawn):
        while wallet_id in taken or wallet_id in seen:
            wallet_id = free_wallet_id(tx, digits[place])  # noqa: PLW2901 - until it is free
        seen.add(wallet_id)
        drawn[place] = wallet_id
    return drawn


def _fund(tx: Transaction, wallets: Sequence[Wallet]) -> None:
    """Top up what was asked for: at each operator one posting for many."""
    by_operator: dict[str, list[tuple[int, Fen]]] = {}
    for wallet in wallets:
        if wallet.balance:
            by_operator.setdefault(wallet.operator, []).append((wallet.account_id, wallet.balance))
    for operator, credits in by_operator.items():
        rest = iter(credits)
        while part := list(islice(rest, _BATCH)):
            journal.move(tx, supply.top_up_moves(tx, operator, part), user_data="")


def disclose_many(
    tx: Transaction, keyring: Keyring, wallets: Sequence[Wallet], *custodians: str
) -> dict[tuple[str, str], str]:
    """Tell authorities and treasuries who holds these named wallets, each once, as ``disclosure.disclose``.

    ``custodians`` are parties such as ``tax_authority:14407840000``.  Answers (wallet id, custodian) → the
    number of the custodian's own record.  Raises ``RejectedError`` (``holder_erased``).
    """
    by_id = {wallet.wallet_id: wallet for wallet in wallets}
    told = rows.told_among(tx, list(by_id), *custodians)
    missing = [
        (wallet, custodian)
        for wallet in by_id.values()
        for custodian in custodians
        if (wallet.wallet_id, custodian) not in told
    ]
    holders = parties_of_many.open_identities(tx, keyring, [wallet.identity_id for wallet, _ in missing])
    takings = Takings(tx, keyring, (wallet.subject_id for wallet, _ in missing))
    noted = []
    for wallet, custodian in missing:
        holder = holders[wallet.identity_id]
        if holder.erased:
            raise RejectedError("holder_erased", wallet_id=wallet.wallet_id)
        name, id_number = told_of(holder, custodian)
        record = takings.find(
            custodian=custodian,
            kind=holder.kind,
            name=name,
            id_number=id_number,
            phone=None,
            subject_id=wallet.subject_id,
        )
        takings.keep(record)
        told[wallet.wallet_id, custodian] = record.identity_id
        noted.append((wallet.wallet_id, custodian, record.identity_id))
    takings.write()
    rows.insert_disclosures(tx, noted)
    return told
