"""What to do about a refusal, for a class: it has no command line, and no program that asks over HTTP."""

from __future__ import annotations

from ecny_tax.errors import EcnyTaxError, Language

#: For refusals that a class meets and whose own hint speaks of what it cannot do.
_ADVICE: dict[str, tuple[str, str]] = {
    "insufficient_funds": (
        "Nothing has to be mended: go on with the next step. A class that starts over has a full wallet.",
        "无需处理，继续下一步即可；重新开始后钱包余额恢复。",
    ),
    "agreement_exists": (
        "One agreement is enough: go on with the next step.",
        "一份协议即可，继续下一步。",
    ),
    "annual_settlement_exists": (
        "A person gets this refund once a year: go on with the next step.",
        "每人每年汇算退税一次，继续下一步即可。",
    ),
    "wallet_stopped": (
        "The double spend has stopped it, and it still receives. Go back to a step before, or start over.",
        "双花已使其停付，仍可收款。可回到此前的步骤，或重新开始。",
    ),
    "device_not_enrolled": (
        "Load the device first, while the network is on.",
        "请先在有网络时装载设备。",
    ),
    "device_not_loaded": (
        "Load the device first, while the network is on.",
        "请先在有网络时装载设备。",
    ),
    "device_revoked": (
        "It has spent twice. Go back to a step before, or start over.",
        "该设备曾双花。可回到此前的步骤，或重新开始。",
    ),
    "load_expired": (
        "Load the device again, while the network is on.",
        "请在有网络时重新装载设备。",
    ),
    "revocation_list_stale": (
        "Switch the network on and redeem: the terminal then takes the newest list along.",
        "请恢复网络并兑付，终端随即取得最新列表。",
    ),
    "terminal_full": (
        "Switch the network on and redeem what waits in it.",
        "请恢复网络，兑付终端中的凭证。",
    ),
}

#: Signs of a hint that speaks of commands, options or operations over HTTP.
_FOR_OTHERS = ("`", "--", "/v1")


def advice(error: EcnyTaxError, language: Language) -> str:
    """What to do next, or empty where the hint speaks of what a class does not have."""
    own = _ADVICE.get(error.code)
    if own is not None:
        return own[language == "zh"]
    hint = error.hint_in(language)
    return "" if any(sign in hint for sign in _FOR_OTHERS) else hint
