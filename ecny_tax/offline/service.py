"""The online side of offline payment: enrolling, loading, unloading, releasing, revoking, redeeming."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from ecny_tax.clock import rfc3339
from ecny_tax.crypto.keyring import Keyring
from ecny_tax.crypto.signatures import SigningKey
from ecny_tax.errors import (
    ConflictError,
    NotFoundError,
    RejectedError,
    UnavailableError,
    VerificationError,
)
from ecny_tax.ledger.promises import Check
from ecny_tax.money import Fen, positive
from ecny_tax.offline import audit, certification, loading, model, redemption, rows, voucher_rows
from ecny_tax.offline.bundles import EvidenceBundle, TrustBundle, UnloadBundle, VoucherBundle
from ecny_tax.offline.device import Device
from ecny_tax.offline.evidence import unloaded
from ecny_tax.offline.model import (
    LoadStatus,
    Redemption,
    RegisteredDevice,
    RegisteredLoad,
    RegisteredTerminal,
    Released,
)
from ecny_tax.offline.objects import (
    DeviceCertificate,
    OperatorCertificate,
    TerminalCertificate,
    moment,
    seconds,
)
from ecny_tax.offline.terminal import Terminal, TerminalSettings
from ecny_tax.parties import service as parties
from ecny_tax.store import Store, Transaction
from ecny_tax.store.idempotency import Request, earlier_answer, remember
from ecny_tax.wallets import service as wallets
from ecny_tax.wallets.model import check_is_parent, check_may_spend

#: Vouchers that are decided in one transaction.
_BATCH = 500


class Offline:
    """Offline payment (离线支付), where there is a network.  Amounts are in fen; a refusal moves nothing."""

    def __init__(self, store: Store, keyring: Keyring) -> None:
        self._store = store
        self._keyring = keyring

    def trust(self) -> TrustBundle:
        """The root certificate and the revocation list of this moment: what every check needs."""
        with self._store.transaction() as tx:
            return certification.trust_bundle(tx, self._keyring)

    # --- devices and loads ----------------------------------------------------------------------------------

    def enroll(
        self,
        *,
        device: Device,
        wallet_id: str,
        cap_single: Fen | None = None,
        cap_total: Fen | None = None,
        cap_count: int | None = None,
    ) -> RegisteredDevice:
        """Bind a device to a wallet: the wallet's operator certifies its key and its caps.

        Without caps it gets those of the rules; lower ones may be asked for.  Raises ``RejectedError``
        (``device_cap_not_allowed``, ``wallet_closed`` …) and ``ConflictError``
        (``device_certified_otherwise``) for a device that is enrolled already.
        """
        certificate = device.state.certificate
        with self._store.transaction() as tx:
            if certificate is not None:
                raise _enrolled(certificate)
            wallet = wallets.load(tx, wallet_id)
            check_is_parent(wallet)
            check_may_spend(wallet)
            caps = model.caps(certification.limits(tx), cap_single, cap_total, cap_count)
            device_id = tx.ids.number("D", tx.now)
            message = certification.certify_device(
                tx,
                self._keyring,
                device_id=device_id,
                wallet_id=wallet.wallet_id,
                operator=wallet.operator,
                public_key=device.public_key,
                caps=caps,
            )
            operator = certification.operator_certificate(tx, self._keyring, wallet.operator)
            root = certification.root(tx, self._keyring)
            found = loading.load_device(tx, device_id)
        device.install(root=root, operator=operator, device=message)
        return found

    def load(
        self,
        *,
        device: Device,
        amount: Fen,
        hours: int | None = None,
        idempotency_key: str | None = None,
    ) -> RegisteredLoad:
        """Set ``amount`` aside in the wallet (圈存) and load (装载) the device with it.

        It is spent within ``hours`` (default by the rules).  First the device gets what an earlier call
        set aside for it and could not hand over.  The same key again is answered alike.  Raises
        ``RejectedError``: ``device_cap_exceeded``, ``device_revoked``, ``insufficient_funds``,
        ``wallet_limit_exceeded`` and the other refusals of the wallet, ``device_not_enrolled``;
        ``InvalidInputError`` (``load_hours_malformed``).
        """
        positive(amount)
        certificate = _certificate(device)
        self._hand_over(device, certificate.device_id)
        with self._store.transaction() as tx:
            found = loading.load_device(tx, certificate.device_id)
            content = (certificate.device_id, amount, hours)
            request = Request("device.load", found.wallet_id, idempotency_key, content)
            earlier = earlier_answer(tx, request, str)
            if earlier is None:
                earlier = remember(tx, request, loading.set_aside(tx, self._keyring, found, amount, hours))
            answer = model.as_loaded(loading.load_of(tx, earlier))
        self._hand_over(device, certificate.device_id)
        return answer

    def unload(self, *, statement: UnloadBundle, idempotency_key: str | None = None) -> Released:
        """Take a load back by the device's signed statement: what it did not spend goes to the wallet.

        What it did spend stays set aside for its vouchers until they are redeemed, or the load is released.
        Raises ``VerificationError`` for a statement that does not verify, ``RejectedError``
        (``load_released``; ``unload_contradicted`` where it contradicts a voucher that
        was decided: then the device is revoked and the wallet stopped).
        """
        refusal = None
        with self._store.transaction() as tx:
            root = certification.trust(tx, self._keyring).root
            _chain, said = unloaded(statement, root.public_key)
            load = loading.load_of(tx, said.load_id)
            if said.spent > load.amount or statement.load != load.message:
                raise VerificationError("load_of_other_device", load_id=said.load_id)
            request = Request("device.unload", load.wallet_id, idempotency_key, (said.load_id,))
            if (earlier := earlier_answer(tx, request, Released)) is not None:
                return earlier
            if load.status is LoadStatus.RELEASED:
                raise RejectedError("load_released", load_id=load.load_id)
            if load.status is LoadStatus.UNLOADED:
                return remember(tx, request, loading.release(tx, load, Fen(0)))
            if not redemption.contradicts_statement(tx, load, statement, root):
                rows.set_unloaded(tx, load.load_id, statement.to_bytes())
                unspent = Fen(min(load.lien, load.amount - said.spent))
                return remember(tx, request, loading.release(tx, load, unspent))
            refusal = RejectedError("unload_contradicted", load_id=load.load_id)
        raise refusal

    def release(self, *, load_id: str, idempotency_key: str | None = None) -> Released:
        """Give back what is left of a load, when no voucher of it can be redeemed any more.

        That is after its ``redeem_by`` and a grace; so it is for a lost or revoked device too, since what it
        signed may still come in.  What was presented in time and could not be decided then is decided first.
        Raises ``RejectedError`` (``load_not_expired``, ``load_released``, ``load_has_vouchers_waiting``).
        """
        with self._store.transaction() as tx:
            load = loading.load_of(tx, load_id)
            request = Request("device.release", load.wallet_id, idempotency_key, (load_id,))
            if (earlier := earlier_answer(tx, request, Released)) is not None:
                return earlier
            if load.status is LoadStatus.RELEASED or load.lien == 0:
                raise RejectedError("load_released", load_id=load_id)
            until = load.redeem_by + timedelta(hours=certification.limits(tx).grace_hours)
            if tx.now <= until:
                raise RejectedError("load_not_expired", load_id=load_id, until=rfc3339(until))
            redemption.decide_waiting(tx, self._keyring, load)
            load = loading.load_of(tx, load_id)
            rows.set_released(tx, load_id)
            return remember(tx, request, loading.release(tx, load, load.lien))

    def revoke(self, *, serial: str, reason: str = "lost") -> None:
        """Revoke a device, a terminal, a load or a certificate from now on: lost, stolen, replaced.

        Vouchers for requests that were signed before stay good.  What was revoked stays so.  Raises
        ``NotFoundError`` (``nothing_to_revoke``) and ``RejectedError`` (``revoked_already``).
        """
        with self._store.transaction() as tx:
            if not rows.can_be_revoked(tx, serial):
                raise NotFoundError("nothing_to_revoke", serial=serial)
            if rows.is_revoked(tx, serial):
                raise RejectedError("revoked_already", serial=serial)
            rows.revoke(tx, serial, reason, seconds(tx.now))
            device_id = rows.device_of_certificate(tx, serial)
            if device_id is not None:  # its key is no better under another certificate
                rows.revoke(tx, device_id, reason, seconds(tx.now))

    def roll_over(self, *, operator: str) -> str:
        """Give an operator a new key for offline payment; devices get new certificates with the next load.

        Returns the serial number of the new certificate.
        """
        with self._store.transaction() as tx:
            code = parties.operator(tx, operator).code
            message = certification.roll_over(tx, self._keyring, code)
            return OperatorCertificate.read(message).serial

    def device(self, *, device_id: str) -> RegisteredDevice:
        """One device; raises ``NotFoundError`` (``device_not_found``)."""
        with self._store.reading() as tx:
            return loading.load_device(tx, device_id)

    def devices(self) -> tuple[RegisteredDevice, ...]:
        """Every device, oldest first."""
        with self._store.reading() as tx:
            return tuple(rows.devices(tx))

    def loads(self, *, device_id: str) -> tuple[RegisteredLoad, ...]:
        """The loads of a device, oldest first."""
        with self._store.reading() as tx:
            return tuple(rows.loads_of(tx, loading.load_device(tx, device_id).device_id))

    # --- terminals and vouchers -----------------------------------------------------------------------------

    def terminal(
        self,
        *,
        path: str | Path | None = None,
        authority: str | None = None,
        random_bytes: Callable[[int], bytes] = secrets.token_bytes,
    ) -> Terminal:
        """Make a terminal (收款终端) of a tax authority, as a file or in memory.

        Raises ``NotFoundError`` (``tax_authority_not_found``), ``ConflictError`` (``state_file_exists``).
        """
        with self._store.transaction() as tx:
            office = parties.tax_authority(tx, authority)
            if path is not None and os.path.lexists(path):
                raise ConflictError("state_file_exists", path=path)
            seed = tx.ids.random_bytes(32)
            terminal_id = tx.ids.number("T", tx.now)
            of_authority, of_terminal = certification.certify_terminal(
                tx,
                self._keyring,
                terminal_id=terminal_id,
                authority=office.code,
                public_key=SigningKey(f"terminal:{terminal_id}", seed).public_bytes,
            )
            rules = certification.limits(tx)
            trust = certification.trust_bundle(tx, self._keyring)
        # Only now that it is recorded: a file that nobody knows would take vouchers that nobody redeems.
        return Terminal.create(
            path,
            seed=seed,
            authority=of_authority,
            terminal=of_terminal,
            trust=trust,
            settings=TerminalSettings(rules.skew_minutes * 60, rules.request_minutes * 60),
            random_bytes=random_bytes,
        )

    def registered_terminal(self, *, terminal_id: str) -> RegisteredTerminal:
        """What is known of a terminal here; raises ``NotFoundError`` (``terminal_not_found``)."""
        with self._store.reading() as tx:
            chain = certification.terminal_chain(tx, terminal_id)
        if chain is None:
            raise NotFoundError("terminal_not_found", terminal_id=terminal_id)
        found = TerminalCertificate.read(chain[1])
        return RegisteredTerminal(terminal_id, found.authority, moment(found.not_after))

    def redeem(
        self, *, vouchers: Sequence[VoucherBundle | str], idempotency_key: str | None = None
    ) -> tuple[Redemption, ...]:
        """Redeem (兑付) vouchers: each is decided by itself, and the same one again is answered alike.

        One whose bill it pays settles; see ``Redemption``.  Of two different vouchers with one counter the
        first that comes here stands.  With a key the whole answer is kept, also of what was refused without
        a decision: to try that again takes another key.
        """
        texts = tuple(one if isinstance(one, str) else one.to_text() for one in vouchers)
        request = Request("voucher.redeem", "", idempotency_key, texts)
        return self._redeem([redemption.Claim(voucher, None) for voucher in vouchers], request)

    def redeem_terminal(
        self, *, terminal: Terminal, idempotency_key: str | None = None
    ) -> tuple[Redemption, ...]:
        """Redeem what waits in a terminal, in the order in which it was accepted, and renew its trust.

        Its receipts prove the day of acceptance, which is the day of payment for the late fee.
        """
        claims = [redemption.Claim(queued.voucher, queued.receipt) for queued in terminal.queue()]
        for seen in terminal.evidence(new=True):
            claims += [
                redemption.Claim(VoucherBundle.from_bytes(data), None) for data in (seen.first, seen.second)
            ]
        request = Request("terminal.redeem", terminal.chain.terminal.terminal_id, idempotency_key, ())
        results = self._redeem(claims, request, once_each=True)
        decided = [result for result in results if result.amount is not None]
        terminal.redeemed({result.voucher_id: result.status for result in decided})
        with suppress(UnavailableError):  # a list that is full: what was decided is decided
            terminal.renew(self.trust())
        return results

    def decision(self, *, voucher_id: str) -> Redemption:
        """What was decided about a voucher; raises ``NotFoundError`` (``voucher_not_found``)."""
        with self._store.reading() as tx:
            found = voucher_rows.voucher(tx, voucher_id)
        if found is None:
            raise NotFoundError("voucher_not_found", voucher_id=voucher_id)
        return found

    def redemptions(self) -> tuple[Redemption, ...]:
        """What was decided about every voucher, in the order of decision."""
        with self._store.reading() as tx:
            return tuple(voucher_rows.vouchers(tx))

    def evidence(self, *, voucher_id: str) -> EvidenceBundle:
        """The evidence against a disputed voucher, or against the unload statement of a load.

        Raises ``NotFoundError`` (``evidence_not_found``).
        """
        with self._store.reading() as tx:
            found = voucher_rows.voucher(tx, voucher_id)
            if found is not None and found.evidence is not None:
                return found.evidence
            against_load = rows.load_evidence(tx, voucher_id)
        if against_load is None:
            raise NotFoundError("evidence_not_found", voucher_id=voucher_id)
        return EvidenceBundle.from_bytes(against_load)

    def check_vouchers(self) -> Check:
        """Verify every load and settled voucher from the root on; for ``ledger verify``."""
        with self._store.reading() as tx:
            return audit.check_vouchers(tx)

    def _hand_over(self, device: Device, device_id: str) -> None:
        """Put every open load on the device that it lacks, with the certificates it was signed under.

        So a load whose hand-over was cut off arrives with the next call.
        """
        with self._store.transaction() as tx:
            loads = [load for load in rows.loads_of(tx, device_id) if load.status is LoadStatus.OPEN]
            newest = rows.device_certificate(tx, loading.load_device(tx, device_id).device_id)
            operator = rows.issuer_of(tx, DeviceCertificate.read(newest).serial) or b""
            root = certification.root(tx, self._keyring)
        known = {load.certificate.load_id for load in device.state.loads}
        missing = [load for load in loads if load.load_id not in known]
        for load in missing:
            device.install(root=root, operator=load.operator_certificate, device=load.device_certificate)
            device.put_load(load.message)
        if missing:
            device.install(root=root, operator=operator, device=newest)

    def _redeem(
        self, claims: Sequence[redemption.Claim], request: Request, *, once_each: bool = False
    ) -> tuple[Redemption, ...]:
        """Decide each claim, and keep the answer with the last of them: cut off before, a repeat goes on."""
        with self._store.reading() as tx:
            earlier = earlier_answer(tx, request, tuple[Redemption, ...])
            if earlier is not None:
                return tuple(_with_evidence(tx, result) for result in earlier)
        results: list[Redemption] = []
        for start in range(0, len(claims) or 1, _BATCH):
            with self._store.transaction() as tx:
                for claim in claims[start : start + _BATCH]:
                    results.append(redemption.decide(tx, self._keyring, claim))
                if start + _BATCH >= len(claims):
                    results = _once_each(results) if once_each else results
                    remember(tx, request, tuple(replace(result, evidence=None) for result in results))
        return tuple(results)


def _once_each(results: list[Redemption]) -> list[Redemption]:
    """One answer a voucher, in the order of acceptance: a decision, where one was handed in twice."""
    decided = [result for result in results if result.amount is not None]
    return list({result.voucher_id: result for result in [*results, *decided]}.values())


def _with_evidence(tx: Transaction, result: Redemption) -> Redemption:
    """A remembered answer with the evidence that the voucher's own record keeps."""
    kept = voucher_rows.voucher(tx, result.voucher_id) if result.amount is not None else None
    return result if kept is None else replace(result, evidence=kept.evidence)


def _certificate(device: Device) -> DeviceCertificate:
    certificate = device.state.certificate
    if certificate is None:
        raise RejectedError("device_not_enrolled")
    return certificate


def _enrolled(certificate: DeviceCertificate) -> RejectedError:
    return RejectedError("device_enrolled", device_id=certificate.device_id)
