"""Loads (装载): setting money aside for a device and signing for it, and giving back what is left."""

from __future__ import annotations

from datetime import timedelta

from ecny_tax.crypto.keyring import Keyring
from ecny_tax.errors import InvalidInputError, NotFoundError, RejectedError
from ecny_tax.ledger import chart
from ecny_tax.ledger.model import AccountCode, AccountFlags, Ledger, TransferCode
from ecny_tax.money import Fen
from ecny_tax.offline import certification, model, rows
from ecny_tax.offline.model import RegisteredDevice, RegisteredLoad, Released
from ecny_tax.offline.objects import DeviceCertificate, LoadCertificate, seconds
from ecny_tax.store import Transaction, journal
from ecny_tax.store.journal import Move
from ecny_tax.wallets import service as wallets


def set_aside(
    tx: Transaction, keyring: Keyring, device: RegisteredDevice, amount: Fen, hours: int | None
) -> str:
    """Set ``amount`` aside in the device's wallet (圈存), then sign the load; answers its number."""
    rules = certification.limits(tx)
    hours = rules.load_hours if hours is None else hours
    if type(hours) is not int or not 1 <= hours <= rules.most_load_hours:
        raise InvalidInputError("load_hours_malformed", value=hours, most=rules.most_load_hours)
    if device.revoked_since is not None:
        raise RejectedError("device_revoked", device_id=device.device_id)
    wallet = wallets.load(tx, device.wallet_id)
    message = _current(tx, keyring, device, wallet.operator)
    certificate = DeviceCertificate.read(message)
    held = sum(load.lien for load in rows.loads_of(tx, device.device_id))
    model.check_load(certificate, amount, Fen(held))
    wallets.spend(tx, wallet, amount, payee="")  # devices are enrolled for parents, which pay anybody
    load_id = tx.ids.number("L", tx.now)
    account = journal.open_account(
        tx,
        name=chart.lien(load_id),
        ledger=Ledger.ECNY,
        code=AccountCode.LIEN,
        flags=AccountFlags.DEBITS_MUST_NOT_EXCEED_CREDITS,
    )
    leg = Move(wallet.account_id, account, amount, Ledger.ECNY, TransferCode.LOAD)
    journal.move(tx, [leg], user_data=load_id)
    first = rows.last_counter(tx, device.device_id) + 1
    spend_by = tx.now + timedelta(hours=hours)
    signed = LoadCertificate(
        load_id=load_id,
        device_id=device.device_id,
        amount=amount,
        first_counter=first,
        last_counter=first + certificate.cap_count - 1,
        spend_by=seconds(spend_by),
        redeem_by=seconds(spend_by + timedelta(days=rules.redeem_days)),
    )
    rows.insert_load(
        tx,
        load_id=load_id,
        device_id=device.device_id,
        account_id=account,
        certificate=certificate.serial,
        message=certification.sign_load(tx, keyring, signed, device=message),
        amount=amount,
        counters=(signed.first_counter, signed.last_counter),
        spend_by=signed.spend_by,
        redeem_by=signed.redeem_by,
    )
    return load_id


def _current(tx: Transaction, keyring: Keyring, device: RegisteredDevice, operator: str) -> bytes:
    """The device's certificate by the operator's newest key, renewed where that is a later one."""
    message = rows.device_certificate(tx, device.device_id)
    found = DeviceCertificate.read(message)
    newest = certification.operator_certificate(tx, keyring, operator)
    if certification.device_is_certified(tx, found, newest):
        return message
    return certification.certify_device(
        tx,
        keyring,
        device_id=device.device_id,
        wallet_id=device.wallet_id,
        operator=operator,
        public_key=found.public_key,
        caps=(device.cap_single, device.cap_total, device.cap_count),
    )


def load_device(tx: Transaction, device_id: str) -> RegisteredDevice:
    """The device of that id; raises ``NotFoundError`` (``device_not_found``)."""
    found = rows.device(tx, device_id)
    if found is None:
        raise NotFoundError("device_not_found", device_id=device_id)
    return found


def load_of(tx: Transaction, load_id: str) -> RegisteredLoad:
    """The load of that number; raises ``NotFoundError`` (``load_not_found``)."""
    found = rows.load(tx, load_id)
    if found is None:
        raise NotFoundError("load_not_found", load_id=load_id)
    return found


def release(tx: Transaction, load: RegisteredLoad, amount: Fen) -> Released:
    """Move part of a lien back to the wallet: the holder's own money, whatever its balance cap."""
    wallet = wallets.load(tx, load.wallet_id)
    if amount:
        leg = Move(load.account_id, wallet.account_id, amount, Ledger.ECNY, TransferCode.RELEASE)
        journal.move(tx, [leg], user_data=load.load_id)
    found = load_of(tx, load.load_id)
    return Released(
        load_id=load.load_id,
        wallet_id=wallet.wallet_id,
        amount=amount,
        lien=found.lien,
        status=found.status,
        balance_after=Fen(wallet.balance + amount),
    )
