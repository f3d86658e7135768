"""An ERP's stamp-duty desk: pays the duty of contracts, and says what it has paid.  All of it is simulated.

There is a bug in it, which a test with the kit finds; desk_mended.py is without.
企业资源系统的印花税模块，内有一处植入的缺陷；修正版见 desk_mended.py。
"""

from dataclasses import dataclass, field

from ecny_tax import EcnyTaxError, Fen, Sandbox, UnavailableError


@dataclass
class Desk:
    """Pays out of one wallet; ``paid`` is the duty of every contract that is paid, in fen."""

    sandbox: Sandbox
    wallet: str
    paid: dict[str, Fen] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)

    def pay(self, contract: str, base: Fen) -> None:
        """Pay the stamp duty of a sale contract, once."""
        if contract in self.paid:
            return
        try:
            duty = self._debit(base)
        except UnavailableError:
            duty = self._debit(base)  # no answer: try again, it will be there by now
        except EcnyTaxError as refusal:
            self.refused[contract] = refusal.code
            return
        self.paid[contract] = duty

    def _debit(self, base: Fen) -> Fen:
        payment = self.sandbox.payments.pay_stamp_duty(wallet_id=self.wallet, item="sale_contract", base=base)
        return payment.amount
