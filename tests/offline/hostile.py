"""Vouchers that a device signed and nobody may accept: one or more for each check."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ecny_tax.money import Fen
from ecny_tax.offline.bundles import VoucherBundle
from tests.offline import hand
from tests.offline.hand import AMOUNT, NOW, SKEW, chained


def second(**paid: Any) -> VoucherBundle:
    """The second voucher of the load, for 120 yuan after 100."""
    return chained(paid={"counter": 2, "spent": Fen(220_00), "previous": bytes(32), **paid})


#: By name: the check that refuses it, its code, and how it is made.
REFUSED: dict[str, tuple[str, str, Callable[[], VoucherBundle]]] = {
    "not a voucher": ("form", "object_kind_wrong", lambda: replace(chained(), voucher=hand.LOAD)),
    "a load of another device": (
        "chain", "load_of_other_device", lambda: chained(load={"device_id": "D2"})),
    "a voucher of another load": (
        "chain", "voucher_of_other_load", lambda: chained(paid={"load_id": "L2"})),
    "a voucher that another device signed": (
        "chain", "signature_invalid", lambda: hand.bundle(by=hand.STRANGER)),
    "an operator not in force yet": (
        "validity", "certificate_not_in_force", lambda: chained(operator={"not_before": NOW + SKEW + 1})),
    "an operator no more in force": (
        "validity", "certificate_not_in_force", lambda: chained(operator={"not_after": NOW - SKEW - 1})),
    "a device not in force yet": (
        "validity", "certificate_not_in_force", lambda: chained(device={"not_before": NOW + SKEW + 1})),
    "a device no more in force": (
        "validity", "certificate_not_in_force", lambda: chained(device={"not_after": NOW - SKEW - 1})),
    "a load that expired before the request": (
        "validity", "voucher_load_expired", lambda: chained(load={"spend_by": NOW - SKEW - 1})),
    "a voucher from the future": (
        "validity", "voucher_from_the_future", lambda: chained(paid={"paid_at": NOW + SKEW + 1})),
    "a counter below the load's": (
        "limits", "voucher_counter_out_of_range", lambda: chained(paid={"counter": 0})),
    "a counter above the load's": (
        "limits", "voucher_counter_out_of_range", lambda: chained(paid={"counter": 101})),
    "an amount above the cap": (
        "limits", "voucher_over_cap", lambda: chained(device={"cap_single": Fen(AMOUNT - 1)})),
    "a load above the cap": (
        "limits", "voucher_over_cap", lambda: chained(load={"amount": Fen(5000_01)})),
    "a load of more vouchers than the cap": (
        "limits", "voucher_over_cap", lambda: chained(device={"cap_count": 99})),
    "more spent than the load has": (
        "limits", "voucher_sum_wrong", lambda: second(spent=Fen(500_01))),
    "less spent than the voucher pays": (
        "limits", "voucher_sum_wrong", lambda: second(spent=Fen(AMOUNT - 1))),
    "an amount above the whole load": (
        "limits", "voucher_sum_wrong", lambda: chained(load={"amount": Fen(AMOUNT - 1)})),
    "a first voucher after which more is spent than it pays": (
        "limits", "voucher_sum_wrong", lambda: chained(paid={"spent": Fen(AMOUNT + 1)})),
    "a first voucher that does not follow its load": (
        "limits", "voucher_sum_wrong", lambda: chained(paid={"previous": bytes(32)})),
    "another amount than was asked for": (
        "request", "voucher_not_for_request",
        lambda: chained(paid={"amount": Fen(1), "spent": Fen(1)})),
    "another payee than who asked": (
        "request", "voucher_not_for_request", lambda: chained(paid={"payee": "T2"})),
    "paid before it was asked for": (
        "request", "voucher_request_expired", lambda: chained(paid={"paid_at": NOW - SKEW - 1})),
}  # fmt: skip
