"""The stamp-duty desk, mended: a contract has one key, and what is in doubt waits.  All of it is simulated.

修正版：每份合同一个幂等键；结果不明的缴款先搁置，待对账后以同一键重试。
"""

from dataclasses import dataclass, field

from ecny_tax import EcnyTaxError, Fen, Sandbox


@dataclass
class Desk:
    """Pays out of one wallet; ``paid`` is the duty of every contract that is paid, in fen."""

    sandbox: Sandbox
    wallet: str
    paid: dict[str, Fen] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def pay(self, contract: str, base: Fen) -> None:
        """Pay the stamp duty of a sale contract, once; where no answer came, ask again later."""
        if contract in self.paid:
            return
        try:
            duty = self._debit(contract, base)
        except EcnyTaxError as refusal:  # in doubt, too: the same key will tell
            self.refused[contract] = refusal.code
            return
        self.refused.pop(contract, None)
        self.paid[contract] = duty

    def _debit(self, contract: str, base: Fen) -> Fen:
        payment = self.sandbox.payments.pay_stamp_duty(
            wallet_id=self.wallet,
            item="sale_contract",
            base=base,
            idempotency_key=f"stamp-duty/{contract}",
        )
        return payment.amount
