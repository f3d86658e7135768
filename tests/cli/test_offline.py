"""Offline payment by the command line, as processes; what needs no network runs with the database away."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ecny_tax import VerificationError
from ecny_tax.offline.bundles import EvidenceBundle, TrustBundle
from ecny_tax.offline.chains import Trust
from ecny_tax.offline.evidence import verify_evidence
from ecny_tax.text_form import to_text
from tests.cli.conftest import PASSPHRASE, World
from tests.cli.process import TODAY, Answer, Cli, one_object

DEMO = "the demo passphrase is used"


@pytest.fixture
def hall(world: World) -> Cli:
    """The command where the story was told, with the passphrase of its devices."""
    return Cli(world.folder, ECNY_TAX_DB="s.db", ECNY_TAX_PASSPHRASE=PASSPHRASE)


@contextlib.contextmanager
def no_database(cli: Cli) -> Iterator[None]:
    """Move the database and its keyring away for a while; nobody makes new ones."""
    aside = cli.folder / "aside"
    aside.mkdir()
    for file in cli.folder.glob("s.db*"):
        file.rename(aside / file.name)
    yield
    assert not list(cli.folder.glob("s.db*"))
    for file in aside.iterdir():
        file.rename(cli.folder / file.name)
    aside.rmdir()


def ask(cli: Cli, bill: str, out: str, *, amount: str = "30", terminal: str = "t.term", **how: str) -> None:
    cli("voucher", "request", "--terminal", terminal, "--bill", bill, "--amount", amount, "--out", out, **how)


def pay(cli: Cli, request: str, out: str, *, device: str = "d.dev", **how: str) -> dict[str, Any]:
    return cli("voucher", "pay", "--device", device, "--request", request, "--out", out, **how)


def judged(answer: Answer, code: str) -> dict[str, Any]:
    """A no: the verdict on stdout, the refusal with its code on stderr, exit code 6."""
    assert (answer.exit_code, answer.complaint["code"]) == (6, code), answer
    return one_object(answer.stdout)


def redeem(cli: Cli, *what: str, **how: str) -> list[dict[str, Any]]:
    results: list[dict[str, Any]] = cli("voucher", "redeem", *what, **how)["results"]
    return results


def balance(cli: Cli, wallet: str) -> str:
    return str(cli("wallet", "show", wallet)["balance"])


# --- the way of a payment ---------------------------------------------------------------------------


def test_a_bill_is_paid_without_a_database_and_counts_when_redeemed(hall: Cli, world: World) -> None:
    bill, payer = world.names["asked"], world.names["payer"]
    with no_database(hall):
        asked = hall(
            "voucher",
            "request",
            "--terminal",
            "t.term",
            "--bill",
            bill,
            "--amount",
            "30.00",
            "--out",
            "q.txt",
        )
        assert (asked["bill_no"], asked["amount"]) == (bill, "30.00")
        paid = pay(hall, "q.txt", "p.txt")
        assert (paid["counter"], paid["amount"], paid["remaining"]) == (2, "30.00", "140.00")
        assert pay(hall, "q.txt", "again.txt") == paid | {"file": "again.txt"}
        assert (hall.folder / "again.txt").read_bytes() == (hall.folder / "p.txt").read_bytes()
        for command in ("voucher verify p.txt --trust trust.txt", "voucher accept p.txt --terminal t.term"):
            found = hall(*command.split())
            assert found["valid"] is True
            assert (found["voucher_id"], found["bill_no"]) == (paid["voucher_id"], bill)
            assert all(check["ok"] for check in found["checks"])
        assert found["status"] == "provisional"
        assert hall("voucher", "accept", "p.txt", "--terminal", "t.term", "--out", "z.txt") == found
        assert (hall.folder / "z.txt").read_text().strip() == found["receipt"]
        assert hall("voucher", "show", "z.txt")["receipt"]["bill_no"] == bill
        assert hall("terminal", "show", "t.term")["queued"] == 1
        assert hall("terminal", "renew", "t.term", "--trust", "trust.txt")["list_number"] == 2
        (load,) = hall("device", "show", "d.dev")["loads"]
        assert (load["spent"], load["remaining"], load["next_counter"]) == ("60.00", "140.00", 3)
        assert hall("evidence", "verify", "e.txt", "--trust", "trust.txt")["valid"] is True
    assert hall("bill", "show", bill)["status"] == "open"
    (result,) = redeem(hall, "--terminal", "t.term")
    assert (result["status"], result["bill_no"], result["evidence"]) == ("settled", bill, None)
    assert hall("terminal", "show", "t.term")["queued"] == 0
    assert hall("bill", "show", bill)["status"] == "paid"
    payment = hall("payments", "show", result["payment_no"])
    assert (payment["mode"], payment["amount"], payment["wallet_id"]) == ("offline", "30.00", payer)
    assert hall("receipt", "show", payment["receipt_no"])["amount"] == "30.00"
    released = hall("device", "unload", "d.dev")
    assert (released["amount"], released["lien"], released["status"]) == ("140.00", "30.00", "unloaded")
    assert balance(hall, payer) == "440.00"
    assert hall("ledger", "verify", "--signatures")["ok"] is True


def test_what_was_not_redeemed_in_time_is_released_to_the_wallet(hall: Cli, world: World) -> None:
    load, payer = world.names["load"], world.names["payer"]
    hall.refused(3, "load_not_expired", "device", "release", load)
    later = "2023-05-20"
    released = hall("device", "release", load, "--idempotency-key", "lost", now=later)
    assert (released["amount"], released["status"]) == ("200.00", "released")
    assert hall("device", "release", load, "--idempotency-key", "lost", now=later) == released
    hall.refused(3, "load_released", "device", "release", load, now=later)
    assert hall("wallet", "show", payer, now=later)["balance"] == "500.00"
    (late,) = redeem(hall, "v.txt", now=later)
    assert (late["status"], late["code"], late["released"]) == ("rejected", "voucher_too_late", False)
    assert hall("bill", "show", world.names["unseen"], now=later)["status"] == "open"


def test_a_load_is_made_once_under_its_key(hall: Cli, world: World) -> None:
    words = ("device", "load", "--device", "d.dev", "--amount", "10", "--idempotency-key", "k")
    first = hall(*words)
    assert hall(*words) == first
    assert len(hall("device", "show", "d.dev")["loads"]) == 2
    assert balance(hall, world.names["payer"]) == "290.00"


# --- double spends ----------------------------------------------------------------------------------


def test_a_copied_device_is_caught_and_the_evidence_stands_by_itself(hall: Cli, world: World) -> None:
    folder, bills = hall.folder, (world.names["asked"], world.names["unseen"])
    hall("terminal", "init", "--out", "u.term")
    shutil.copyfile(folder / "d.dev", folder / "copy.dev")
    with no_database(hall):
        for terminal, bill, device in zip("tu", bills, ("d.dev", "copy.dev"), strict=True):
            ask(hall, bill, f"{terminal}q.txt", terminal=f"{terminal}.term")
            paid = pay(hall, f"{terminal}q.txt", f"{terminal}p.txt", device=device)
            assert paid["counter"] == 2
            accepted = hall("voucher", "accept", f"{terminal}p.txt", "--terminal", f"{terminal}.term")
            assert accepted["status"] == "provisional"  # neither hall can know of the other
        # What one terminal sees itself it refuses, and keeps the proof.
        for name, device in (("p3", "d.dev"), ("p", "copy.dev")):
            ask(hall, bills[0], "q.txt")
            assert pay(hall, "q.txt", f"{name}.txt", device=device)["counter"] == 3
        hall("voucher", "accept", "p3.txt", "--terminal", "t.term")
        refused = hall.asked("voucher", "accept", "p.txt", "--terminal", "t.term")
        verdict = judged(refused, "voucher_counter_reused")
        assert (verdict["valid"], verdict["status"], verdict["checks"][-1]["ok"]) == (False, "refused", False)
        assert hall("terminal", "show", "t.term")["evidence"] == 1
    first, _, caught = redeem(hall, "--terminal", "t.term")  # with what the terminal itself has caught
    assert (caught["status"], caught["code"]) == ("disputed", "voucher_counter_reused")
    (second,) = redeem(hall, "--terminal", "u.term", "--evidence-folder", ".")
    assert first["status"] == "settled"
    assert (second["status"], second["code"]) == ("disputed", "voucher_counter_reused")
    assert hall("wallet", "show", world.names["payer"])["status"] == "stopped"
    assert hall("device", "show", world.names["device"])["revoked_since"] is not None
    hall.refused(3, "device_revoked", "device", "load", "--device", "d.dev", "--amount", "1")
    evidence = folder / second["evidence"]
    hall("evidence", "export", second["voucher_id"], "--out", "once-more.txt")
    assert (folder / "once-more.txt").read_bytes() == evidence.read_bytes()
    alone = Cli(folder / "alone")
    alone.folder.mkdir()
    for file in (evidence, folder / "trust.txt"):
        shutil.copy(file, alone.folder)
    found = alone("evidence", "verify", evidence.name, "--trust", "trust.txt")
    assert (found["valid"], found["counter"], found["device_id"]) == (True, 2, world.names["device"])
    assert {found["first"], found["second"]} == {first["voucher_id"], second["voucher_id"]}
    assert len(list(alone.folder.iterdir())) == 2


def test_evidence_fails_when_any_byte_of_it_is_altered(world: World) -> None:
    data = EvidenceBundle.from_text((world.folder / "e.txt").read_text()).to_bytes()
    root = Trust.read(TrustBundle.from_text((world.folder / "trust.txt").read_text())).root
    assert verify_evidence(EvidenceBundle.from_bytes(data), root)
    for place in range(len(data)):
        altered = bytearray(data)
        altered[place] ^= 0x01
        with pytest.raises(VerificationError):
            verify_evidence(EvidenceBundle.from_bytes(bytes(altered)), root)


@pytest.mark.parametrize("place", [0, 6, 100, 1000, 2000, -2])
def test_an_altered_evidence_file_ends_with_6(hall: Cli, place: int) -> None:
    text = (hall.folder / "e.txt").read_text()
    there = place % len(text)
    other = "A" if text[there] != "A" else "B"
    (hall.folder / "bad.txt").write_text(text[:there] + other + text[there + 1 :])
    answer = hall.asked("evidence", "verify", "bad.txt", "--trust", "trust.txt")
    assert answer.exit_code == answer.complaint["exit_code"] == 6
    assert one_object(answer.stdout) == {"valid": False, "reason": answer.complaint["code"]}


def test_a_terminal_and_redemption_refuse_what_a_copy_signed_for_the_same_bill(hall: Cli) -> None:
    """The voucher that is decided first stands, and the same two again are answered alike."""
    results = redeem(hall, "w.txt", "x.txt")
    assert [result["status"] for result in results] == ["settled", "disputed"]
    assert redeem(hall, "x.txt", "w.txt") == results[::-1]


# --- what redemption refuses ------------------------------------------------------------------------


def test_a_bill_that_was_paid_otherwise_gives_the_value_back(hall: Cli, world: World) -> None:
    bill, payer = world.names["unseen"], world.names["payer"]
    hall("pay", "--bill", bill, "--wallet", world.names["company"])
    (result,) = redeem(hall, "v.txt")
    assert (result["status"], result["code"], result["released"]) == ("rejected", "bill_already_paid", True)
    assert result["payment_no"] is None
    assert balance(hall, payer) == "330.00"
    assert redeem(hall, "v.txt") == [result]
    assert balance(hall, payer) == "330.00"
    assert hall("ledger", "verify")["ok"] is True


def test_another_amount_than_the_bill_has_gives_the_value_back(hall: Cli, world: World) -> None:
    ask(hall, world.names["asked"], "q.txt", amount="29.99")
    pay(hall, "q.txt", "p.txt")
    (result,) = redeem(hall, "p.txt")
    assert (result["status"], result["code"], result["released"]) == ("rejected", "bill_amount_differs", True)
    assert balance(hall, world.names["payer"]) == "329.99"


def test_each_of_a_mixed_lot_of_files_gets_its_own_result(hall: Cli, world: World) -> None:
    (hall.folder / "none.txt").write_bytes(b"\xff\x00no voucher")
    lot = ("v.txt", "w.txt", "x.txt", "r.txt", "none.txt", "a.json", "v.txt")
    results = redeem(hall, *lot)
    assert [(result["status"], result["code"]) for result in results] == [
        ("settled", None),
        ("settled", None),
        ("disputed", "voucher_counter_reused"),
        ("rejected", "object_kind_wrong"),
        ("rejected", "object_text_malformed"),
        ("rejected", "object_text_malformed"),
        ("settled", None),
    ]
    assert results[0] == results[-1]
    assert redeem(hall, *lot) == results
    kept = [(one["voucher_id"], one["status"]) for one in hall("voucher", "list")["vouchers"]]
    assert kept == [
        (world.names["redeemed"], "settled"),
        (world.names["disputed"], "disputed"),
        (results[0]["voucher_id"], "settled"),
    ]


def test_a_voucher_asked_for_after_its_device_was_revoked_is_refused(hall: Cli, world: World) -> None:
    later = "2023-04-20T10:05"
    hall("device", "revoke", world.names["device"], "--reason", "stolen", now=later)
    hall("trust", "export", "--out", "new.txt", now=later)
    with no_database(hall):
        assert hall("terminal", "renew", "t.term", "--trust", "new.txt")["list_number"] == 3
        assert hall("terminal", "renew", "t.term", "--trust", "trust.txt")["list_number"] == 3
        hall("voucher", "accept", "v.txt", "--terminal", "t.term", now=later)  # asked for at 10:00
        ask(hall, world.names["asked"], "q.txt", now=later)
        pay(hall, "q.txt", "p.txt", now=later)
        refused = hall.asked("voucher", "accept", "p.txt", "--terminal", "t.term", now=later)
        verdict = judged(refused, "certificate_revoked")
        assert verdict["checks"][-1]["check"] == "revocation"
        judged(
            hall.asked("voucher", "verify", "p.txt", "--trust", "new.txt", now=later), "certificate_revoked"
        )
        assert hall("voucher", "verify", "p.txt", "--trust", "trust.txt", now=later)["valid"] is True
    results = redeem(hall, "v.txt", "p.txt", now=later)
    assert [result["code"] for result in results] == [None, "certificate_revoked"]


def test_a_terminal_whose_list_is_stale_accepts_nothing(hall: Cli, world: World) -> None:
    later = "2023-04-28"
    hall("device", "load", "--device", "d.dev", "--amount", "40", now=later)
    ask(hall, world.names["asked"], "q.txt", now=later)
    pay(hall, "q.txt", "p.txt", now=later)
    judged(
        hall.asked("voucher", "accept", "p.txt", "--terminal", "t.term", now=later), "revocation_list_stale"
    )
    hall("trust", "export", "--out", "new.txt", now=later)
    hall("terminal", "renew", "t.term", "--trust", "new.txt", now=later)
    assert hall("voucher", "accept", "p.txt", "--terminal", "t.term", now=later)["status"] == "provisional"


def test_a_rolled_over_operator_key_leaves_old_vouchers_good(hall: Cli, world: World) -> None:
    old = hall("voucher", "show", "v.txt")["operator"]
    rolled = hall("trust", "roll-over", "--operator", "ICBC")
    hall("device", "load", "--device", "d.dev", "--amount", "180")
    ask(hall, world.names["asked"], "q.txt", amount="180")
    pay(hall, "q.txt", "p.txt")  # only the new load covers it
    new = hall("voucher", "show", "p.txt")["operator"]
    assert new["serial"] == rolled["serial"] != old["serial"]
    assert new["public_key"] != old["public_key"]
    for voucher in ("v.txt", "p.txt"):
        assert hall("voucher", "verify", voucher, "--trust", "trust.txt")["valid"] is True
    assert redeem(hall, "v.txt")[0]["status"] == "settled"


# --- passphrases ------------------------------------------------------------------------------------


def test_a_device_opens_with_its_passphrase_alone(hall: Cli) -> None:
    for command in ("device show d.dev", "voucher pay --device d.dev --request r.txt --out p.txt"):
        for wrong in ("demo", PASSPHRASE + " "):
            hall.refused(6, "passphrase_wrong", *command.split(), ECNY_TAX_PASSPHRASE=wrong)
        # The demo passphrase, which is used without one, is not this device's.
        hall.refused(6, "passphrase_wrong", *command.split(), ECNY_TAX_PASSPHRASE="")
    assert not (hall.folder / "p.txt").exists()
    hall.refused(2, "passphrase_malformed", "device", "show", "d.dev", ECNY_TAX_PASSPHRASE="x" * 1025)


def test_the_demo_passphrase_is_said_on_stderr(cli: Cli) -> None:
    wallet = cli("wallet", "open", "--kind", "personal", "--phone", "13900000001", "--operator", "ICBC")
    words = ("device", "enroll", "--wallet", wallet["wallet_id"], "--out")
    for out, options in (("a.dev", ()), ("b.dev", ("--json",))):
        answer = cli.run(*words, out, "--now", TODAY, *options)
        assert answer.exit_code == 0
        assert DEMO in answer.stderr
        assert len(answer.stderr.splitlines()) == 1
    assert json.loads(answer.stdout)["file"] == "b.dev"
    assert "演示口令" in cli.run("device", "show", "a.dev", "--lang", "zh").stderr
    # A refusal as JSON stays the one object on stderr; to a human the note may explain it.
    cli.refused(3, "device_cap_not_allowed", *words, "c.dev", "--cap-count", "101")
    refused = cli.run("device", "load", "--device", "a.dev", "--amount", "1", "--now", TODAY)
    assert (refused.exit_code, len(refused.stderr.splitlines())) == (3, 3)
    assert refused.stderr.startswith(DEMO)
    assert not (cli.folder / "c.dev").exists()
    assert cli("device", "show", "a.dev", ECNY_TAX_PASSPHRASE="demo")["loads"] == []


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX terminals")
def test_a_passphrase_is_asked_for_on_the_terminal_and_not_shown(hall: Cli) -> None:
    command = hall.command("device", "show", "d.dev", "--ask-passphrase")
    with subprocess.Popen(
        [sys.executable, "-c", "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)", *command],
        cwd=hall.folder,
        env=hall.environment(ECNY_TAX_PASSPHRASE="wrong"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        shown = b""
        while b"Passphrase: " not in shown:
            more = process.stdout.read1()
            assert more, shown
            shown += more
        process.stdin.write(f"{PASSPHRASE}\n".encode())
        process.stdin.flush()
        shown += process.stdout.read()
    assert process.returncode == 0, shown
    assert b"next counter" in shown
    assert PASSPHRASE.encode() not in shown
    # Nobody to ask: the command ends, and nothing was done.
    assert hall.run("device", "show", "d.dev", "--ask-passphrase").exit_code == 130


def test_a_device_file_is_its_owners_alone_and_never_written_over(hall: Cli) -> None:
    for name in ("d.dev", "t.term"):
        assert (hall.folder / name).stat().st_mode & 0o077 == 0
    before = (hall.folder / "d.dev").read_bytes()
    for out in ("d.dev", "t.term"):
        hall.refused(7, "output_unwritable", "trust", "export", "--out", out)
        hall.refused(
            7, "output_unwritable", "voucher", "qr", "v.txt", "--out", _as_picture(hall.folder / out)
        )
    assert (hall.folder / "d.dev").read_bytes() == before


def _as_picture(file: Path) -> str:
    link = file.with_suffix(".png")
    link.symlink_to(file)
    return link.name


# --- what objects are not ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("object_text_malformed", ""),
        ("object_text_malformed", "ecny1:"),
        ("object_text_malformed", "ECNY1:0"),
        ("object_text_malformed", "ECNY1:::::"),
        ("object_malformed", "ECNY1:"),
        ("object_malformed", to_text(b"\x9f\x17\xff")),
        ("object_malformed", to_text(b"\x80")),
        ("object_kind_unknown", to_text(b"\x82\x18\x63\x01")),
        ("object_malformed", to_text(b"\x17")),
        ("object_version_unknown", to_text(b"\x84\x15\x02\x40\x40")),
        ("object_malformed", to_text(b"\x83\x15\x01\x40")),
        ("object_malformed", to_text(b"\x84\x15\x01\x40\x40")),
    ],
)
def test_what_is_no_object_is_not_shown(cli: Cli, code: str, text: str) -> None:
    (cli.folder / "any.txt").write_text(text)
    cli.refused(6, code, "voucher", "show", "any.txt")
    cli.refused(6, code, "voucher", "qr", "any.txt")


# --- QR codes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("file", ["r.txt", "v.txt", "trust.txt"])
def test_an_object_is_one_qr_code_on_the_terminal_as_png_and_as_svg(hall: Cli, file: str) -> None:
    text = (hall.folder / file).read_text().strip()
    with no_database(hall):
        found = hall("voucher", "qr", file)
        assert found["text"] == text
        assert found["characters"] == len(text)
        assert found["version"] <= 25
        drawn = hall.text("voucher", "qr", file)
        size = 17 + 4 * found["version"]  # in modules, without the quiet zone of four at each side
        assert max(map(len, drawn.splitlines())) == size + 8
        assert set(drawn) <= set("█▀▄ \n\x1b[0123456789;m")
        hall("voucher", "qr", file, "--out", "code.png")
        hall("voucher", "qr", file, "--out", "code.svg")
    assert (hall.folder / "code.png").read_bytes().startswith(b"\x89PNG")
    assert re.search(rb"<svg[^>]*>", (hall.folder / "code.svg").read_bytes())


def test_evidence_fits_into_one_qr_code(hall: Cli) -> None:
    assert hall("voucher", "qr", "e.txt")["version"] <= 40


# --- an answer that could not be written ------------------------------------------------------------


PAY_OUT = ("voucher", "pay", "--device", "d.dev", "--request", "r.txt", "--out")


@pytest.mark.parametrize(
    ("exit_code", "code", "out"),
    [
        (7, "output_unwritable", "no/such/folder/p.txt"),
        (7, "output_unwritable", "."),
        (7, "output_unwritable", "s.db"),
        (2, "output_is_input", "r.txt"),
        (2, "output_is_input", "d.dev"),
    ],
)
def test_what_cannot_be_written_is_said_before_a_counter_is_burnt(
    hall: Cli, exit_code: int, code: str, out: str
) -> None:
    hall.refused(exit_code, code, *PAY_OUT, out)
    (load,) = hall("device", "show", "d.dev")["loads"]
    assert (load["next_counter"], load["spent"]) == (2, "30.00")


def test_a_receipt_is_never_written_over_the_voucher(hall: Cli) -> None:
    before = (hall.folder / "v.txt").read_bytes()
    hall.refused(2, "output_is_input", "voucher", "accept", "v.txt", "--terminal", "t.term", "--out", "v.txt")
    assert (hall.folder / "v.txt").read_bytes() == before


@pytest.mark.parametrize("name", ["d.dev", "t.term"])
def test_a_damaged_device_or_terminal_is_refused_by_name(hall: Cli, name: str) -> None:
    whole = (hall.folder / name).read_bytes()
    words = {"d.dev": ("device", "show"), "t.term": ("terminal", "show")}[name]
    for place in range(100, len(whole), 1994):
        for damaged in (whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :], whole[:place]):
            (hall.folder / "x").write_bytes(damaged)
            answer = hall.asked(*words, "x")
            assert answer.exit_code in (0, 2, 6, 7), answer  # 0: what was lost says nothing


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_voucher_that_could_not_be_written_is_delivered_by_the_same_command(hall: Cli) -> None:
    """The counter is burnt before; the same request gets the same voucher, not a second one."""
    words = PAY_OUT
    hall.refused(7, "voucher_not_delivered", *words, "/dev/full")
    (load,) = hall("device", "show", "d.dev")["loads"]
    assert (load["next_counter"], load["spent"]) == (3, "60.00")
    first = hall(*words, "p.txt")
    assert first["counter"] == 2
    assert hall(*words, "q.txt", now="2023-04-25") == first | {"file": "q.txt"}
    assert (hall.folder / "p.txt").read_bytes() == (hall.folder / "q.txt").read_bytes()
    (load,) = hall("device", "show", "d.dev")["loads"]
    assert (load["next_counter"], load["spent"]) == (3, "60.00")


def test_evidence_that_could_not_be_written_is_written_by_the_same_command(hall: Cli) -> None:
    hall.refused(7, "output_unwritable", "voucher", "redeem", "x.txt", "--evidence-folder", "no/such")
    (result,) = redeem(hall, "x.txt")
    assert (hall.folder / result["evidence"]).read_bytes() == (hall.folder / "e.txt").read_bytes()
