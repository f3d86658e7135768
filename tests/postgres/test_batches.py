"""Batches on PostgreSQL: the same files give the same results as on SQLite, and the books agree."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from ecny_tax import Fen, FixedClock, Sandbox
from tests.payments import batching
from tests.support import START, corporate, hold, owe, personal, refund_of

State = tuple[list[str], list[tuple[str, int]], list[object]]


def carried_out(database: str, folder: Path, name: str) -> State:
    """Debits in parts, some refused, struck or late, and refunds in parts; what came of all of them."""
    keys = folder / f"{name}.keys"
    with Sandbox.open(database, clock=FixedClock(START), seed="both engines", keyring=keys) as s:
        debits, refunds = folder / f"{name}.debits", folder / f"{name}.refunds"
        wallets = [corporate(s, number, fund=Fen(90_00)) for number in (1, 2, 3)]
        wallets += [personal(s, number, wallet_class="III", fund=Fen(9_000_00)) for number in (4, 5)]
        for wallet in wallets:
            s.agreements.sign(wallet_id=wallet.wallet_id, batch_debit=True)
            for amount in (10_00, 70_00, 20_00, 4_000_00):
                owe(s, wallet, amount)
        s.clock.advance(timedelta(days=100))
        batching.write(s, debits, part_lines=7)
        hold(s, "stop", wallets[2].wallet_id)
        s.reconciliation.order_failure(kind="answer_lost", wallet_id=wallets[0].wallet_id)
        s.reconciliation.order_failure(kind="delivered_twice", wallet_id=wallets[3].wallet_id)
        done = s.payments.pay_batch(file=debits)
        assert s.payments.pay_batch(file=debits) == done
        for number in range(10, 16):
            s.refunds.apply_for_income_tax(
                wallet_id=personal(s, number).wallet_id,
                annual_return=refund_of(number * 1_00),
                manual_review=True,
            )
        s.refunds.write_batch(
            deliver=lambda text: refunds.write_text("".join(text)),  # type: ignore[arg-type]
            part_lines=4,
        )
        paid = s.refunds.pay_batch(file=refunds)
        assert s.payments.check_authorisations().ok
        assert s.offline.check_vouchers().ok  # there is no root certificate, and reading makes none
        found = s.ledger.verify()
        assert found.ok, [check for check in found.checks if not check.ok]
        texts = [debits.read_text(), refunds.read_text()]
        texts += ["".join(s.payments.batch_results(batch_no=one.batch_no)) for one in (done, paid)]
        balances = [(one.wallet_id, one.balance) for one in s.wallets.list()]
        return texts, balances, [done, paid, *s.payments.list()]


def test_I15_a_batch_has_the_same_results_on_both_engines(postgres_url: str, tmp_path: Path) -> None:
    on_sqlite = carried_out(str(tmp_path / "s.db"), tmp_path, "sqlite")
    on_postgres = carried_out(postgres_url, tmp_path, "postgresql")
    assert on_postgres == on_sqlite
    statuses = {row.split(",")[3] for row in on_sqlite[0][2].splitlines()[1:]}
    assert statuses == {"settled", "refused", "in_doubt"}
