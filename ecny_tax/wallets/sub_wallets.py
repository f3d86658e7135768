"""Sub-wallets (子钱包): opening them under a parent, collection, distribution, and a platform's charges."""

from __future__ import annotations

from base64 import b32encode
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from ecny_tax.crypto.keyring import Keyring
from ecny_tax.errors import InvalidInputError, NotFoundError, RejectedError
from ecny_tax.ledger import chart
from ecny_tax.ledger.model import AccountCode, AccountFlags, Ledger, TransferCode
from ecny_tax.money import Fen, positive
from ecny_tax.parties import service as parties
from ecny_tax.store import Transaction, journal
from ecny_tax.store.idempotency import Request, earlier_answer, remember
from ecny_tax.store.journal import Move
from ecny_tax.wallets import families, model, rows, sub_model, sub_rows
from ecny_tax.wallets.model import SubWalletPurpose, Wallet, WalletStatus
from ecny_tax.wallets.service import (
    Wallets,
    check_payee,
    fee,
    free_wallet_id,
    limits_of,
    load,
    spend,
)
from ecny_tax.wallets.sub_model import (
    Charge,
    FamilyBatch,
    PushedWallet,
    SubWallet,
    SubWalletMove,
    Terms,
)


class FamilyWallets(Wallets):
    """The wallets of all operators, with the use cases of sub-wallets.

    Money moves between a parent and one sub-wallet by :meth:`transfer`.
    """

    def open_sub(
        self,
        *,
        parent: str,
        purpose: str,
        single: Fen | None = None,
        day: Fen | None = None,
        payees: Sequence[str] = (),
        until: date | None = None,
        platform: str | None = None,
        fund: Fen | None = None,
        idempotency_key: str | None = None,
    ) -> SubWallet:
        """Open a sub-wallet of a named wallet, and move ``fund`` fen into it from its parent.

        ``purpose`` is ``limited`` (own limits ``single`` and ``day``), ``conditional`` (pays only ``payees``,
        wallet ids and codes of tax authorities, until a day) or ``pushed`` (to a ``platform``, which charges
        it with the token in the answer) of a personal wallet; ``collection`` or ``distribution`` of a
        corporate one.  Raises ``InvalidInputError``: ``sub_wallet_purpose_unknown``,
        ``sub_wallet_term_missing``, ``sub_wallet_term_not_applicable``, ``platform_malformed``,
        ``too_many_payees``; ``RejectedError``: ``sub_wallet_cannot_do_this`` (it goes one level deep),
        ``wallet_without_name``, ``sub_wallet_purpose_not_for``, ``sub_wallet_limit_above_class``,
        ``sub_wallet_until_past``, ``too_many_sub_wallets``, ``insufficient_funds``.
        """
        which = sub_model.checked_purpose(purpose)
        terms = sub_model.checked_terms(which, Terms(single, day, tuple(payees), until, platform))
        if fund is not None:
            positive(fund)
        with self._store.transaction() as tx:
            above = load(tx, parent)
            content = (above.wallet_id, which, terms, fund)
            request = Request("wallet.open-sub", above.party, idempotency_key, content)
            earlier = earlier_answer(tx, request, SubWallet)
            if earlier is not None:
                return self._with_token(earlier)
            sub_model.check_may_have(
                above,
                which,
                terms,
                limits_of(tx, above),
                siblings=sub_rows.open_sub_wallets(tx, above.wallet_id),
                today=tx.now.date(),
            )
            for payee in terms.payees:
                _check_named(tx, payee)
            wallet = self._open_below(tx, above, which, terms)
            if fund is not None:
                families.check_move(above, wallet, fund)
                _move(tx, [(above, wallet, fund)], booked_under=families.reference(above, wallet))
            answer = _answer(load(tx, wallet.wallet_id), above.wallet_id, which, terms)
            return self._with_token(remember(tx, request, answer))

    def terms(self, *, wallet_id: str) -> Terms:
        """On what terms a sub-wallet pays; any other wallet has none.  Raises ``wallet_not_found``."""
        with self._store.reading() as tx:
            return sub_rows.terms(tx, load(tx, wallet_id).wallet_id)

    def collect(self, *, parent: str, idempotency_key: str | None = None) -> FamilyBatch:
        """Sweep every collection sub-wallet into its parent (资金归集), in one linked batch.

        One that is stopped or frozen itself is held back and named.  Raises ``RejectedError``
        (``no_collection_sub_wallet``, ``wallet_stopped``, ``wallet_frozen``).
        """
        with self._store.transaction() as tx:
            above = load(tx, parent)
            request = Request("wallet.collect", above.party, idempotency_key, (above.wallet_id,))
            if (earlier := earlier_answer(tx, request, FamilyBatch)) is not None:
                return earlier
            model.check_may_spend(above)
            found = [
                wallet
                for wallet in rows.wallets(tx, above.wallet_id)
                if wallet.purpose is SubWalletPurpose.COLLECTION and wallet.status is not WalletStatus.CLOSED
            ]
            if not found:
                raise RejectedError("no_collection_sub_wallet", wallet_id=above.wallet_id)
            able = [wallet for wallet in found if wallet.status is WalletStatus.ACTIVE]
            legs = [(wallet, above, wallet.balance) for wallet in able if wallet.balance]
            moves = [
                SubWalletMove(wallet.wallet_id, amount, transfer_id)
                for (wallet, _above, amount), transfer_id in zip(legs, _move(tx, legs), strict=True)
            ]
            held_back = tuple(wallet.wallet_id for wallet in found if wallet not in able)
            return remember(tx, request, _batch(tx, above, moves, sign=1, held_back=held_back))

    def distribute(
        self, *, parent: str, to: Mapping[str, Fen], idempotency_key: str | None = None
    ) -> FamilyBatch:
        """Move money to distribution sub-wallets (资金分发), in one linked batch: to all of them or none.

        Raises ``InvalidInputError`` (``distribution_empty``) and ``RejectedError``
        (``not_a_distribution_sub_wallet``, ``insufficient_funds``, ``wallet_closed``, …).
        """
        if not to:
            raise InvalidInputError("distribution_empty")
        for amount in to.values():
            positive(amount)
        with self._store.transaction() as tx:
            above = load(tx, parent)
            content = (above.wallet_id, tuple(to.items()))
            request = Request("wallet.distribute", above.party, idempotency_key, content)
            if (earlier := earlier_answer(tx, request, FamilyBatch)) is not None:
                return earlier
            total, legs = Fen(sum(to.values())), []
            for wallet_id, amount in to.items():
                wallet = load(tx, wallet_id)
                own = wallet.parent == above.wallet_id
                if not own or wallet.purpose is not SubWalletPurpose.DISTRIBUTION:
                    raise RejectedError(
                        "not_a_distribution_sub_wallet", wallet_id=wallet_id, parent=above.wallet_id
                    )
                families.check_move(above, wallet, total)
                legs.append((above, wallet, amount))
            moves = [
                SubWalletMove(wallet.wallet_id, amount, transfer_id)
                for (_above, wallet, amount), transfer_id in zip(legs, _move(tx, legs), strict=True)
            ]
            return remember(tx, request, _batch(tx, above, moves, sign=-1))

    def charge(self, *, token: str, payee: str, amount: Fen, idempotency_key: str | None = None) -> Charge:
        """Charge, as the platform that holds ``token``, a sub-wallet in favour of the wallet ``payee``.

        The platform learns whether it was paid, and nothing of who paid: whatever the reason on the payer's
        side, the refusal is ``charge_declined``.  Raises ``NotFoundError`` (``platform_token_unknown``,
        ``wallet_not_found``) and what keeps the payee from receiving.
        """
        positive(amount)
        with self._store.transaction() as tx:
            wallet, terms = self._pushed(tx, token)
            target = load(tx, payee)
            content = (target.wallet_id, amount)
            request = Request("wallet.charge", wallet.wallet_id, idempotency_key, content)
            if (earlier := earlier_answer(tx, request, Charge)) is not None:
                return replace(earlier, token=token)
            check_payee(tx, target, amount)  # the wallet's own parent is a payee like any other: nobody
            # may find it out by how a charge in its favour is answered, booked or counted
            try:
                spend(tx, wallet, amount, payee=target.wallet_id, by_token=True)
            except RejectedError:
                raise RejectedError("charge_declined") from None
            leg = Move(
                wallet.account_id, target.account_id, amount, Ledger.ECNY, TransferCode.WALLET_TRANSFER
            )
            answer = Charge(
                transfer_id=f"{journal.move(tx, [leg], user_data='')[0]:032x}",
                token="",  # the database keeps no token
                platform=terms.platform or "",
                payee=target.wallet_id,
                amount=amount,
                fee=fee(tx, amount),
                at=tx.now,
            )
            return replace(remember(tx, request, answer), token=token)

    def pushed(self, *, token: str) -> PushedWallet:
        """What the platform that holds ``token`` sees; raises ``platform_token_unknown``."""
        with self._store.reading() as tx:
            wallet, terms = self._pushed(tx, token)
            return PushedWallet(
                token=token,
                platform=terms.platform or "",
                status="closed" if wallet.status is WalletStatus.CLOSED else "active",
                single=terms.single,
                day=terms.day,
                charged=sub_rows.spent_itself(tx, wallet.wallet_id),
                charged_today=sub_rows.spent_itself(tx, wallet.wallet_id, tx.now.date()),
            )

    def _open_below(self, tx: Transaction, above: Wallet, purpose: SubWalletPurpose, terms: Terms) -> Wallet:
        """The wallet itself: same holder, class and operator, with an id, account and key of its own."""
        digits = parties.operator(tx, above.operator).digits or ""
        wallet_id, is_pushed = free_wallet_id(tx, digits), purpose is SubWalletPurpose.PUSHED
        account_id = journal.open_account(
            tx,
            name=chart.pushed(tx.ids.random_bytes(16).hex()) if is_pushed else chart.wallet(wallet_id),
            ledger=Ledger.ECNY,
            code=AccountCode.WALLET,
            flags=AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS,
        )
        rows.insert(
            tx,
            wallet_id=wallet_id,
            kind=above.kind,
            wallet_class=above.wallet_class,
            operator=above.operator,
            identity_id=above.identity_id,
            subject_id=above.subject_id,
            account_id=account_id,
            public_key=self._keyring.signing_key("wallet", wallet_id).public_bytes,
            parent=above.wallet_id,
            purpose=purpose,
        )
        token = _token(self._keyring, wallet_id, terms.platform) if terms.platform else None
        digest = None if token is None else _token_digest(self._keyring, token)
        sub_rows.insert_terms(tx, wallet_id, terms, token_digest=digest)
        return load(tx, wallet_id)

    def _with_token(self, answer: SubWallet) -> SubWallet:
        """A token is derived when it is told, so that no table need hold it."""
        if answer.platform is None:
            return answer
        return replace(answer, token=_token(self._keyring, answer.wallet_id, answer.platform))

    def _pushed(self, tx: Transaction, token: str) -> tuple[Wallet, Terms]:
        """The sub-wallet behind a platform's token."""
        known = token.isascii()
        wallet_id = sub_rows.wallet_of_token(tx, _token_digest(self._keyring, token)) if known else None
        if wallet_id is None:
            raise NotFoundError("platform_token_unknown")
        return load(tx, wallet_id), sub_rows.terms(tx, wallet_id)


def _token(keyring: Keyring, wallet_id: str, platform: str) -> str:
    """What a platform charges with: 160 bits that differ for each platform and sub-wallet."""
    from ecny_tax.crypto.sealing import keyed_digest

    digest = keyed_digest(f"{wallet_id} {platform}", key=keyring.secret("platform tokens"))
    return f"pt_{b32encode(digest[:20]).decode().lower()}"


def _token_digest(keyring: Keyring, token: str) -> bytes:
    from ecny_tax.crypto.sealing import keyed_digest

    return keyed_digest(token, key=keyring.secret("platform token look-up"))


def _check_named(tx: Transaction, payee: str) -> None:
    """A conditional sub-wallet names payees that there are."""
    if sub_model.is_authority(payee):
        parties.tax_authority(tx, payee)
    else:
        load(tx, payee)


def _move(
    tx: Transaction, legs: Sequence[tuple[Wallet, Wallet, Fen]], *, booked_under: str = ""
) -> list[str]:
    """Move money between parents and sub-wallets, in one linked batch; the ids of the transfers."""
    moves = [
        Move(source.account_id, target.account_id, amount, Ledger.ECNY, TransferCode.SUB_WALLET)
        for source, target, amount in legs
    ]
    ids = journal.move(tx, moves, user_data=booked_under) if moves else []
    return [f"{transfer_id:032x}" for transfer_id in ids]


def _batch(
    tx: Transaction,
    above: Wallet,
    moves: Sequence[SubWalletMove],
    *,
    sign: int,
    held_back: tuple[str, ...] = (),
) -> FamilyBatch:
    total = sum(move.amount for move in moves)
    return FamilyBatch(
        wallet_id=above.wallet_id,
        amount=Fen(total),
        fee=fee(tx, Fen(total)),
        balance=Fen(above.balance + sign * total),
        at=tx.now,
        moves=tuple(moves),
        held_back=held_back,
    )


def _answer(wallet: Wallet, parent: str, purpose: SubWalletPurpose, terms: Terms) -> SubWallet:
    return SubWallet(
        wallet_id=wallet.wallet_id,
        parent=parent,
        purpose=purpose,
        kind=wallet.kind,
        wallet_class=wallet.wallet_class,
        operator=wallet.operator,
        balance=wallet.balance,
        status=wallet.status,
        opened_at=wallet.opened_at,
        single=terms.single,
        day=terms.day,
        payees=terms.payees,
        until=terms.until,
        platform=terms.platform,
        token=None,
    )
