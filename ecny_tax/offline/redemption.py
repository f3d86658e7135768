"""Deciding vouchers (兑付): all checks again, then the money, one voucher at a time.

The rule is: **first wins**.  Of two vouchers of a load that contradict each other (one counter, sums or
digests that do not follow, spent after the device gave the load back), the one that is decided first stands,
whatever it came to; the other is evidence, and from then on the device and the load are revoked and the
wallet is stopped.  What the payee asked for before that stays good, so the order in which
vouchers come in decides nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from ecny_tax.clock import rfc3339
from ecny_tax.crypto import sign1
from ecny_tax.crypto.keyring import Keyring
from ecny_tax.errors import EcnyTaxError, NotFoundError, RejectedError, VerificationError
from ecny_tax.ledger.model import Ledger, TransferCode
from ecny_tax.offline import certification, rows, voucher_rows
from ecny_tax.offline.bundles import EvidenceBundle, ReceiptBundle, UnloadBundle, VoucherBundle
from ecny_tax.offline.chains import PayeeChain, PayerChain, Trust, payee_chain
from ecny_tax.offline.checks import (
    Presented,
    check_chain,
    check_in_force,
    check_limits,
    check_not_revoked,
    check_request,
    check_validity,
    present,
)
from ecny_tax.offline.evidence import contradiction, stand_of, stand_of_voucher, verify_evidence
from ecny_tax.offline.model import LoadStatus, Redemption, RegisteredLoad, VoucherStatus
from ecny_tax.offline.objects import (
    PaymentRequest,
    ProvisionalReceipt,
    RootCertificate,
    Seconds,
    moment,
    seconds,
)
from ecny_tax.parties import service as parties
from ecny_tax.parties.model import InstitutionKind
from ecny_tax.payments import service as payments
from ecny_tax.payments.model import PaymentMode
from ecny_tax.store import Transaction, access, journal
from ecny_tax.store.access import Entry
from ecny_tax.store.journal import Move
from ecny_tax.taxes import bills
from ecny_tax.taxes.model import Bill, check_open
from ecny_tax.text_form import from_text
from ecny_tax.wallets import rows as wallet_rows
from ecny_tax.wallets import service as wallets
from ecny_tax.wallets.model import Stop

#: The refusals for which the value goes back at once: the voucher is good, and its bill takes no payment.
_RELEASING = (
    "bill_already_paid",
    "bill_cancelled",
    "bill_amount_differs",
    "bill_not_found",
)
#: The refusals that pass, of a day or a doubt and not of the voucher: it is decided when it comes in again.
_PASSING = ("treasury_day_closed", "bill_in_doubt")


@dataclass(frozen=True, slots=True)
class Claim:
    """A voucher that is presented for redemption, with the terminal's receipt where there is one."""

    voucher: VoucherBundle | str
    receipt: ReceiptBundle | None


def decide(tx: Transaction, keyring: Keyring, claim: Claim) -> Redemption:
    """What becomes of one voucher.  A refusal moves nothing but a value that is released by name.

    A decision is kept and final.  Refused without a decision, and so judged anew the next time, is what no
    device of this scheme signed, what is not yet known well enough (a receipt that does not verify, a
    terminal that is not known here, a time to come), and what comes in while the treasury has closed the day
    or the bill is in doubt.  Of this last the first presentation is noted: by it lateness is judged then.
    """
    try:
        trust = certification.trust(tx, keyring)
        presented = _presented(claim.voucher)
        payer = check_chain(presented, trust.root.public_key)
        load = _load(tx, presented, payer)
        earlier = voucher_rows.decided(tx, load.load_id, presented.voucher.counter)
        for bundle, decision in earlier:
            if bundle.digest == presented.bundle.digest:
                return decision
        accepted_at = None
        result = _contradicted(tx, presented, load, _standing(earlier), trust)
        if result is None:
            payee = _payee(tx, presented, trust)
            accepted_at = _accepted_at(tx, presented, payee, claim.receipt)
            first = voucher_rows.first_presented(tx, load.load_id, presented.bundle.digest) or tx.now
            result = _judged(tx, keyring, presented, payer, payee, load, trust, accepted_at, first)
    except VerificationError as refusal:
        return _undecided(claim.voucher, refusal)
    except RejectedError as refusal:
        if refusal.code not in _PASSING:
            raise
        voucher_rows.note_waiting(tx, presented.bundle, claim.receipt, load_id=load.load_id)
        return _undecided(claim.voucher, refusal)
    voucher = presented.voucher
    voucher_rows.insert_voucher(
        tx,
        presented.bundle,
        result,
        load_id=voucher.load_id,
        counter=voucher.counter,
        accepted_at=accepted_at,
    )
    return result


def decide_waiting(tx: Transaction, keyring: Keyring, load: RegisteredLoad) -> None:
    """Decide what was presented in time and could not be decided then, before its load is given back.

    Raises ``RejectedError`` (``load_has_vouchers_waiting``) where it still cannot.
    """
    for voucher, receipt in voucher_rows.waiting(tx, load.load_id):
        result = decide(tx, keyring, Claim(voucher, receipt))
        if result.amount is None and result.code in _PASSING:
            raise RejectedError(
                "load_has_vouchers_waiting",
                load_id=load.load_id,
                voucher_id=result.voucher_id,
                reason=result.code,
            )


def stop_device(tx: Transaction, load: RegisteredLoad) -> None:
    """Revoke a device that contradicted itself, with its load, and stop its wallet."""
    after = Seconds(seconds(tx.now) + 1)  # what was asked for up to this very second stays good
    for serial in (load.device_id, load.load_id):
        rows.revoke(tx, serial, "double_spend", after)
    wallet = wallets.load(tx, load.wallet_id)
    wallet_rows.set_stop(tx, wallet.wallet_id, Stop("double_spend", None))
    by = f"{InstitutionKind.OPERATOR}:{wallet.operator}"
    access.record(
        tx, Entry("stop", access.stop_text("double_spend", None), wallet_id=wallet.wallet_id, party=by)
    )


def contradicts_statement(
    tx: Transaction, load: RegisteredLoad, statement: UnloadBundle, root: RootCertificate
) -> bool:
    """Whether a decided voucher contradicts a device's unload statement; if so the device is stopped."""
    data, own = statement.to_bytes(), stand_of(statement.to_bytes())
    others = _standing(voucher_rows.decided(tx, load.load_id, own.counter))
    for other in (
        bundle.to_bytes() for bundle in [*others, *voucher_rows.beside(tx, load.load_id, own.counter)]
    ):
        if contradiction(stand_of(other), own) is None:
            continue
        evidence = EvidenceBundle(other, data)
        verify_evidence(evidence, root)
        rows.set_contradicted(tx, load.load_id, evidence)
        stop_device(tx, load)
        return True
    return False


def _standing(decided: list[tuple[VoucherBundle, Redemption]]) -> list[VoucherBundle]:
    """Those that no dispute is about: a disputed one takes its counter from nobody."""
    return [bundle for bundle, decision in decided if decision.status is not VoucherStatus.DISPUTED]


def _presented(voucher: VoucherBundle | str) -> Presented:
    return present(from_text(voucher) if isinstance(voucher, str) else voucher.to_bytes())


def _load(tx: Transaction, presented: Presented, payer: PayerChain) -> RegisteredLoad:
    """The load as it was issued; one that a lost database signed is not known here."""
    load = rows.load(tx, payer.load.load_id)
    if load is None or load.message != presented.bundle.load:
        raise VerificationError("load_unknown", load_id=payer.load.load_id)
    return load


def _payee(tx: Transaction, presented: Presented, trust: Trust) -> PayeeChain:
    """The terminal whose request it is, and that it did sign it."""
    request = presented.request
    found = certification.terminal_chain(tx, request.terminal_id)
    if found is None:
        raise VerificationError("terminal_unknown", terminal=request.terminal_id)
    chain = payee_chain(trust.root.public_key, *found)
    signer = f"terminal:{request.terminal_id}"
    sign1.verify(presented.voucher.request, chain.terminal.public_key, PaymentRequest.domain(), signer=signer)
    if request.authority != chain.terminal.authority:
        raise VerificationError("request_of_other_terminal", terminal=request.terminal_id)
    return chain


def _accepted_at(
    tx: Transaction, presented: Presented, payee: PayeeChain, receipt: ReceiptBundle | None
) -> datetime | None:
    """When a terminal accepted it, if its signed receipt says so: while the request was open."""
    if receipt is None:
        return None
    said, request = ProvisionalReceipt.read(receipt.receipt), presented.request
    signer = f"terminal:{payee.terminal.terminal_id}"
    sign1.verify(receipt.receipt, payee.terminal.public_key, ProvisionalReceipt.domain(), signer=signer)
    skew = _skew(tx)
    in_time = request.issued_at - skew <= said.accepted_at <= request.expires_at + skew
    if said.voucher_digest != presented.bundle.digest or not in_time:
        raise VerificationError("receipt_of_other_voucher")
    return min(moment(said.accepted_at), tx.now)


def _judged(
    tx: Transaction,
    keyring: Keyring,
    presented: Presented,
    payer: PayerChain,
    payee: PayeeChain,
    load: RegisteredLoad,
    trust: Trust,
    accepted_at: datetime | None,
    presented_at: datetime,
) -> Redemption:
    """Settled or rejected; raises ``VerificationError``, or ``RejectedError`` (``treasury_day_closed``,
    ``bill_in_doubt``), for what another time may judge otherwise."""
    if presented.voucher.paid_at > seconds(tx.now) + _skew(tx):
        raise VerificationError("voucher_from_the_future", at=rfc3339(moment(presented.voucher.paid_at)))
    try:
        _check(tx, presented, payer, payee, load, trust, presented_at)
        return _settled(tx, keyring, presented, load, paid_on=(accepted_at or presented_at).date())
    except (VerificationError, RejectedError, NotFoundError) as refusal:
        if refusal.code in _PASSING:
            raise
        if accepted_at is None and _was_right_when_asked(tx, presented, refusal):
            raise VerificationError("receipt_needed", bill_no=presented.request.bill_no) from None
        return _rejected(tx, presented, load, refusal)


def _was_right_when_asked(tx: Transaction, presented: Presented, refusal: EcnyTaxError) -> bool:
    """Whether the amount differs by a late fee alone, which the receipt of a terminal may spare."""
    if refusal.code != "bill_amount_differs":
        return False
    request = presented.request
    bill = bills.load(tx, request.bill_no, paid_on=moment(request.issued_at).date())
    return bill.authority == request.authority and bill.total == request.amount


def _check(
    tx: Transaction,
    presented: Presented,
    payer: PayerChain,
    payee: PayeeChain,
    load: RegisteredLoad,
    trust: Trust,
    presented_at: datetime,
) -> None:
    """What a terminal checks, again, by what is known now; in time is what was first presented in time."""
    now = seconds(tx.now)
    skew = _skew(tx)
    check_validity(presented, payer, trust, at=now, skew=skew)
    for certificate in (payee.authority, payee.terminal):
        check_in_force(certificate, at=presented.request.issued_at, skew=skew)
    check_limits(presented, payer)
    check_request(presented, skew=skew)
    for chain in (payer, payee):
        check_not_revoked(presented.request, chain, trust.since)
    if presented_at > load.redeem_by or load.status is LoadStatus.RELEASED:
        raise VerificationError("voucher_too_late", load_id=load.load_id)


def _settled(
    tx: Transaction, keyring: Keyring, presented: Presented, load: RegisteredLoad, *, paid_on: date
) -> Redemption:
    """Pay the bill out of the lien."""
    voucher = presented.voucher
    bill = _bill(tx, presented, paid_on)
    if load.lien < voucher.amount:
        raise RejectedError("lien_exhausted", load_id=load.load_id)
    wallet = wallets.load(tx, load.wallet_id)
    number = tx.ids.number("P", tx.now)
    account = payments.collection_account(tx, wallet, bill)
    leg = Move(load.account_id, account, voucher.amount, Ledger.ECNY, TransferCode.TAX_PAYMENT)
    payments.record(
        tx,
        keyring,
        bill,
        wallet,
        office=parties.tax_authority(tx, bill.authority),
        mode=PaymentMode.OFFLINE,
        payment_no=number,
        agreement_no=None,
        authorisation=presented.bundle.voucher,
        transfer_id=journal.move(tx, [leg], user_data=number)[0],
        balance_after=wallet.balance,
    )
    return _result(presented, VoucherStatus.SETTLED, payment_no=number)


def _bill(tx: Transaction, presented: Presented, paid_on: date) -> Bill:
    """The bill of the request, open, for the amount that it comes to on the day of payment."""
    request = presented.request
    bill = bills.load(tx, request.bill_no, paid_on=paid_on)
    check_open(bill)
    if bill.authority != request.authority or bill.total != presented.voucher.amount:
        raise RejectedError("bill_amount_differs", bill_no=bill.bill_no)
    return bill


def _rejected(
    tx: Transaction, presented: Presented, load: RegisteredLoad, refusal: EcnyTaxError
) -> Redemption:
    """Not paid; where the voucher is good and its bill takes no payment, the value goes back."""
    amount = presented.voucher.amount
    released = refusal.code in _RELEASING and load.lien >= amount
    if released:
        wallet = wallets.load(tx, load.wallet_id)
        leg = Move(load.account_id, wallet.account_id, amount, Ledger.ECNY, TransferCode.RELEASE)
        journal.move(tx, [leg], user_data=load.load_id)
    return _result(presented, VoucherStatus.REJECTED, code=refusal.code, released=released)


def _contradicted(
    tx: Transaction,
    presented: Presented,
    load: RegisteredLoad,
    same_counter: list[VoucherBundle],
    trust: Trust,
) -> Redemption | None:
    """A dispute, where the device has signed something that cannot stand beside this voucher."""
    others = [bundle.to_bytes() for bundle in same_counter]
    others += [
        bundle.to_bytes() for bundle in voucher_rows.beside(tx, load.load_id, presented.voucher.counter)
    ]
    statement = rows.unload_statement(tx, load.load_id)
    if statement is not None:
        others.append(statement)
    own = stand_of_voucher(presented.voucher, presented.bundle.digest)
    for other in others:
        if contradiction(stand_of(other), own) is None:
            continue
        evidence = EvidenceBundle(other, presented.bundle.to_bytes())
        try:
            proven = verify_evidence(evidence, trust.root)
        except VerificationError:
            continue  # nobody is held to what a third party could not verify
        stop_device(tx, load)
        return replace(_result(presented, VoucherStatus.DISPUTED, code=proven.proves), evidence=evidence)
    return None


def _result(
    presented: Presented,
    status: VoucherStatus,
    *,
    code: str | None = None,
    payment_no: str | None = None,
    released: bool = False,
) -> Redemption:
    return Redemption(
        voucher_id=presented.bundle.voucher_id,
        status=status,
        code=code,
        amount=presented.voucher.amount,
        bill_no=presented.request.bill_no,
        payment_no=payment_no,
        released=released,
        evidence=None,
    )


def _undecided(voucher: VoucherBundle | str, refusal: EcnyTaxError) -> Redemption:
    """Refused without a decision: nothing is kept."""
    try:
        voucher_id = _presented(voucher).bundle.voucher_id
    except VerificationError:
        voucher_id = ""
    return Redemption(
        voucher_id=voucher_id,
        status=VoucherStatus.REJECTED,
        code=refusal.code,
        amount=None,
        bill_no=None,
        payment_no=None,
        released=False,
        evidence=None,
    )


def _skew(tx: Transaction) -> int:
    """By how many seconds clocks may differ."""
    return certification.limits(tx).skew_minutes * 60
