"""Whatever stands on the command line or in a file: a documented exit code, and nothing changed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.cli.conftest import PASSPHRASE, Inside, World, run_inside
from tests.cli.process import DOCUMENTED, TODAY, Answer, contents, one_object, wrong_check_digit
from tests.support import company_id, company_name, person_id, person_name, phone_number

# --- values that are refused, and change nothing ---------------------------------------------------

BAD_AMOUNTS = {
    "amount_not_positive": ["0", "0.00", "-0", "-1", "-0.01"],
    "amount_too_precise": ["1.001", "0.009", "17000.005"],
    "amount_too_large": ["1000000000000000.01", "1000000000000001", "9" * 24],
    "amount_malformed": [
        "1e5", "1E5", "NaN", "nan", "inf", "Infinity", "-Infinity", "１００", "１.００", "٣", "", " ", "1.",
        ".5", "1..0", "1.0.0", "0x10", "1_000", "1 000", "one", "一百", "¥1", "1元1", "--1", "1,5", "²",
    ],
}  # fmt: skip
#: What an amount such as ``-1`` may be told besides: its sign or its zero may be met first.
ALSO = {"amount_malformed", "amount_not_positive", "amount_too_precise"}
COMPANY, WRONG = company_id(), wrong_check_digit(company_id())
LONG, PHONE = "k" * 256, phone_number()
#: The check character is right, but there is no thirteenth month.
NO_SUCH_MONTH = next(
    number
    for number in (f"44078419991301001{check}" for check in "0123456789X")
    if sum((10 if char == "X" else int(char)) * 2 ** (17 - place) for place, char in enumerate(number)) % 11
    == 1
)
TAKING_AMOUNTS = [
    "wallet top-up {company} --amount",
    "wallet cash-out {company} --amount",
    "wallet transfer {company} {person} --amount",
    "wallet open --kind personal --phone 13700000000 --operator CMB --fund",
    "wallet open-sub {person} --purpose limited --single",
    "wallet open-sub {person} --purpose limited --day",
    "wallet open-sub {company} --purpose collection --fund",
    "wallet charge pt_x --payee {company} --amount",
    "bill declare other --wallet {company} --code 10110 --amount",
    "bill declare stamp-duty --wallet {company} --item sale_contract --base",
    "pay --wallet {company} --tax stamp-duty --item sale_contract --base",
    "tax quote stamp-duty --item sale_contract --base",
    "refund --payment {payment} --amount",
    "device load --device d.dev --amount",
    "device enroll --wallet {person} --out n.dev --cap-single",
    "device enroll --wallet {person} --out n.dev --cap-total",
    "voucher request --terminal t.term --bill {asked} --out q.txt --amount",
]


@pytest.mark.parametrize("command", TAKING_AMOUNTS)
def test_an_amount_that_is_none_is_refused_and_nothing_changes(
    world: World, inside: Inside, command: str
) -> None:
    before = contents(world.database)
    for code, amounts in BAD_AMOUNTS.items():
        for amount in amounts:
            answer = inside(*world.filled(command), amount, "--json", "--now", TODAY)
            assert answer.exit_code == 2, answer
            assert answer.problem["code"] in ({code} if code not in ALSO else ALSO), (amount, answer)
    assert contents(world.database) == before
    assert not {file.name for file in world.folder.iterdir()} & {"n.dev", "q.txt"}


@pytest.mark.parametrize(
    ("code", "command"),
    [
        ("uscc_check_failed", f"--kind corporate --name 甲 --id {WRONG} --operator ICBC"),
        ("uscc_malformed", "--kind corporate --name 甲 --id 9144078400000000 --operator ICBC"),
        ("uscc_malformed", f"--kind corporate --name 甲 --id {company_id()[:-2]}IO --operator ICBC"),
        (
            "resident_id_check_failed",
            f"--kind personal --name 甲 --id {wrong_check_digit(person_id())} --operator ICBC",
        ),
        ("resident_id_malformed", f"--kind personal --name 甲 --id {NO_SUCH_MONTH} --operator ICBC"),
        ("resident_id_malformed", "--kind personal --name 甲 --id １２３ --operator ICBC"),
        ("phone_malformed", "--kind personal --phone 1390000000 --operator ICBC"),
        ("phone_malformed", "--kind personal --phone １３９００００００００ --operator ICBC"),
        ("operator_unknown", "--kind personal --phone 13900000000 --operator HSBC"),
        ("wallet_kind_unknown", "--kind Personal! --phone 13900000000 --operator ICBC"),
        ("wallet_class_unknown", "--kind personal --class V --phone 13900000000 --operator ICBC"),
        ("wallet_class_not_applicable", f"--kind corporate --class I --name A --id {COMPANY} --operator ABC"),
        ("wallet_class_is_nameless", f"--kind personal --class IV --phone {PHONE} --name 甲 --operator ABC"),
        ("name_and_id_required", "--kind personal --class II --operator ICBC"),
        ("phone_required", "--kind personal --operator ICBC"),
        ("name_malformed", f"--kind corporate --name {'甲' * 101} --id {company_id()} --operator ICBC"),
        (
            "idempotency_key_malformed",
            f"--kind personal --phone {PHONE} --operator BOC --idempotency-key {LONG}",
        ),
    ],
)  # fmt: skip
def test_a_wallet_is_not_opened_for_malformed_identities_or_unknown_codes(
    world: World, inside: Inside, code: str, command: str
) -> None:
    before = contents(world.database)
    problem = inside("wallet", "open", *command.split(), "--json", "--now", TODAY).problem
    assert (problem["exit_code"], problem["code"]) == (2, code)
    assert contents(world.database) == before


@pytest.mark.parametrize(
    ("exit_code", "code", "command"),
    [
        (2, "wallet_id_check_failed", "wallet show {bad_wallet}"),
        (2, "wallet_id_check_failed", "wallet transfer {company} {bad_wallet} --amount 1"),
        (2, "wallet_id_malformed", "wallet show ００２１０００００００００００５"),
        (2, "wallet_id_check_failed", "interest show {bad_wallet}"),
        (2, "operator_unknown", "interest credit --operator NOBANK"),
        (2, "authority_code_malformed", "agreement sign --wallet {person} --authority 1440784000"),
        (4, "tax_authority_not_found", "agreement sign --wallet {person} --authority 99999999999"),
        (2, "stamp_duty_item_unknown", "bill declare stamp-duty --wallet {company} --item poem --base 1"),
        (2, "side_unknown", "tax quote stamp-duty --item securities_transaction --base 1 --side left"),
        (2, "side_not_applicable", "tax quote stamp-duty --item sale_contract --base 1 --side buy"),
        (2, "no_rule_on_date", "tax quote stamp-duty --item sale_contract --base 1 --on 1985-01-01"),
        (2, "date_malformed", "tax quote stamp-duty --item sale_contract --base 1 --on 2023-02-29"),
        (2, "tax_code_unknown", "bill declare other --wallet {company} --code 99999 --amount 1"),
        (2, "refund_reason_unknown", "refund --payment {payment} --reason because"),
        (2, "party_kind_unknown", "parties add --kind bank --code 1234567890 --name 甲"),
        (2, "treasury_code_malformed", "parties add --kind treasury --code １２３４５６７８９０ --name 甲"),
        (2, "picture_kind_unknown", "bill qr {open} --out bill.exe"),
        (2, "wallet_or_agreement", "pay --bill {open} --wallet {company} --agreement {agreement}"),
        (2, "keys_malformed", "agreement verify a.json --keys a.json"),
        (2, "database_url_unknown", "status --db mysql://somewhere"),
        (2, "pay_what", "pay --wallet {company} --tax stamp-duty --item sale_contract"),
        (2, "pay_what", "pay --bill {open} --pieces 1"),
        (2, "pay_what", "pay --bill {open} --taxpayer-kind sole_trader"),
        (2, "option_needs", "pay --wallet {company} --tax stamp-duty --item sale_contract --base 1"
         " --taxpayer-kind sole_trader"),
        (2, "option_needs", "bill declare stamp-duty --wallet {company} --item sale_contract --base 1"
         " --taxpayer-kind sole_trader"),
        (2, "input_file_unreadable", "tax quote income-tax --input none.json"),
        (2, "input_file_unreadable", "tax quote income-tax --input ."),
        (2, "usage", "device load --device d.dev --amount 1 --hours 1.5"),
        (3, "device_cap_not_allowed", "device enroll --wallet {person} --out n.dev --cap-count 0"),
        (3, "device_cap_not_allowed", "device enroll --wallet {person} --out n.dev --cap-total 5000.01"),
        (2, "wallet_id_check_failed", "device enroll --wallet {bad_wallet} --out n.dev"),
        (2, "authority_code_malformed", "terminal init --out n.term --authority 1"),
        (4, "tax_authority_not_found", "terminal init --out n.term --authority 99999999999"),
        (2, "state_file_foreign", "device load --device a.json --amount 1"),
        (2, "state_file_foreign", "device unload s.db"),
        (2, "state_file_foreign", "voucher redeem --terminal d.dev"),
        (4, "state_file_not_found", "device unload {device}"),
        (2, "input_file_unreadable", "voucher redeem none.txt"),
        (2, "input_file_unreadable", "voucher redeem ."),
        (2, "input_file_unreadable", "voucher accept none.txt --terminal t.term"),
        (2, "input_file_unreadable", "evidence verify none.txt --trust trust.txt"),
        (6, "object_text_malformed", "terminal renew t.term --trust a.json"),
        (6, "object_kind_wrong", "terminal renew t.term --trust v.txt"),
    ],
)  # fmt: skip
def test_a_value_that_is_not_known_is_refused_and_nothing_changes(
    world: World, inside: Inside, exit_code: int, code: str, command: str
) -> None:
    world.names["bad_wallet"] = wrong_check_digit(world.names["company"])
    before = contents(world.database)
    problem = inside(*world.filled(command), "--json", "--now", TODAY).problem
    assert (problem["exit_code"], problem["code"]) == (exit_code, code)
    assert contents(world.database) == before


@pytest.mark.parametrize(
    ("code", "content"),
    [
        ("input_not_json", b""),
        ("input_not_json", b"wages: 1"),
        ("input_not_json", b"[]"),
        ("input_not_json", b"null"),
        ("input_not_json", b'{"tax_year": 2022} {}'),
        ("input_value_malformed", b'{"tax_year": 2022, "wages": NaN}'),
        ("input_not_json", b'{"tax_year": 2022\0}'),
        ("input_not_json", b'\xff\xfe{"tax_year": 2022}'),
        ("input_not_json", b"[" * 20_000),
        ("input_key_repeated", b'{"tax_year": 2022, "wages": "1", "wages": "2"}'),
        ("input_key_unknown", b'{"tax_year": 2022, "wage": "1"}'),
        ("input_key_missing", b'{"wages": "1"}'),
        ("input_value_malformed", b'{"tax_year": "2022", "wages": "1"}'),
        ("input_value_malformed", b'{"tax_year": 2022, "wages": 1.5}'),
        ("input_value_malformed", b'{"tax_year": 2022, "wages": "-1"}'),
        ("input_value_malformed", b'{"tax_year": 2022, "wages": "1e5"}'),
        ("input_value_malformed", b'{"tax_year": 2022, "wages": true}'),
        ("input_value_malformed", b'{"tax_year": 2022, "wages": {"a": 1}}'),
        ("input_too_large", b'{"tax_year": 2022, "wages": "' + b"1" * 2_000_000 + b'"}'),
    ],
)
def test_a_malformed_input_file_is_refused_and_nothing_changes(
    world: World, inside: Inside, code: str, content: bytes
) -> None:
    (world.folder / "bad.json").write_bytes(content)
    before = contents(world.database)
    for command in (
        "tax quote income-tax --input bad.json",
        "bill declare income-tax --wallet {person} --input bad.json",
        "refund --wallet {person} --tax income-tax --input bad.json",
    ):
        problem = inside(*world.filled(command), "--json", "--now", TODAY).problem
        assert (problem["exit_code"], problem["code"]) == (2, code)
        assert len(problem["detail"]) < 400
    assert contents(world.database) == before


def test_an_exported_agreement_and_keys_may_begin_with_the_mark_of_windows_editors(
    world: World, inside: Inside
) -> None:
    for name in ("a.json", "keys.json"):
        (world.folder / name).write_text((world.folder / name).read_text("utf-8"), "utf-8-sig")
    assert inside("agreement", "verify", "a.json", "--keys", "keys.json", "--json").document["valid"]


def test_a_file_of_a_hundred_megabytes_is_refused_without_reading_it_all(
    world: World, inside: Inside
) -> None:
    with (world.folder / "big.json").open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    for command in ("tax quote income-tax --input big.json", "agreement verify big.json --keys keys.json"):
        problem = inside(*command.split(), "--json").problem
        assert (problem["exit_code"], problem["code"]) == (2, "input_too_large")


# --- arbitrary values ------------------------------------------------------------------------------

#: What a command line can carry: any text but NUL, and bytes that are no text (as lone surrogates).
argument = st.text(
    st.one_of(
        st.characters(codec="utf-8", exclude_characters="\0"),
        st.characters(min_codepoint=0xDC80, max_codepoint=0xDCFF),
        st.sampled_from("0123456789.-+eE０ＩⅣ[]%:'\"\n\x1b\u202e"),
    ),
    max_size=40,
)
#: Where arbitrary text goes: ``{}`` alone, as the value of an option or as the thing acted on.
FUZZED = [
    "wallet show -- {}", "wallet statement -- {}", "wallet close -- {}",
    "interest show -- {}", "interest credit --operator={}", "interest credit --idempotency-key={}",
    "wallet top-up --amount 1 -- {}",
    "wallet top-up {company} --amount={}", "wallet top-up {company} --amount 1 --idempotency-key={}",
    "wallet open --operator ICBC --phone 13700000000 --kind={}",
    "wallet open --kind personal --phone 13700000000 --operator={}",
    "wallet open --kind personal --operator ICBC --phone={}",
    "wallet open --kind personal --operator ICBC --phone 13700000000 --class={}",
    "wallet open --kind corporate --operator ICBC --name 甲 --id={}",
    "wallet open --kind personal --operator ICBC --name 甲 --id={}",
    "wallet open --kind corporate --operator ABC --id {company_id} --name={}",
    "wallet upgrade {nameless} --class={}",
    "agreement sign --wallet {person} --authority={}", "agreement sign --wallet={}",
    "agreement sign --wallet {person} --taxpayer-name={}",
    "agreement sign --wallet {person} --taxpayer-id={}",
    "agreement show -- {}", "agreement terminate -- {}", "agreement export -- {}",
    "agreement verify -- {}", "agreement verify a.json --keys={}",
    "tax items --on={}", "tax quote stamp-duty --base 1 --item={}",
    "tax quote stamp-duty --item sale_contract --base={}",
    "tax quote stamp-duty --item permit_or_licence --on 2021-05-10 --pieces={}",
    "tax quote stamp-duty --item sale_contract --base 1 --vat={}",
    "tax quote stamp-duty --item sale_contract --base 1 --exemption={}",
    "tax quote stamp-duty --item sale_contract --base 1 --half-relief --taxpayer-kind={}",
    "tax quote withholding --input={}",
    "tax quote deductions --input={}", "tax quote business --taxable={}",
    "tax quote non-resident --wage={}", "tax quote non-resident --bonus 1 --year={}",
    "tax check -- {}", "tax rules --on={}", "tax exemptions --on={}",
    "tax deductions --on={}",
    "tax quote stamp-duty --item sale_contract --base 1 --on={}",
    "tax quote stamp-duty --item sale_contract --base 1 --side={}", "tax quote income-tax --input={}",
    "bill declare other --wallet {company} --amount 1 --code={}",
    "bill declare other --wallet {company} --code 10110 --amount 1 --authority={}",
    "bill show -- {}", "bill cancel -- {}", "bill qr -- {}",
    "pay --bill={}", "pay --bill {open} --wallet={}", "pay --bill {open} --agreement={}",
    "pay --wallet {company} --tax={}", "pay --bill {paid} --idempotency-key={}",
    "payments show -- {}", "payments reverse -- {}",
    "receipt show -- {}", "receipt verify -- {}", "receipt verify p.cose --keys={}",
    "refund --payment={}", "refund --payment {payment} --reason={}",
    "refund --payment {payment} --amount={}", "refunds show -- {}", "refunds approve -- {}",
    "refunds reject {refund} --note={}", "refunds withdraw -- {}", "refunds resubmit {refund} --wallet={}",
    "parties add --kind={} --code 1234567890 --name 甲", "parties add --kind treasury --name 甲 --code={}",
    "parties add --kind treasury --code 1234567890 --name={}",
    "parties add --kind treasury --code 1234567890 --name 甲 --name-en={}",
    "parties add --kind tax-authority --code 14407850000 --name 甲 --treasury={}",
    "device enroll --out n.dev --wallet={}", "device enroll --wallet {person} --out={}",
    "device enroll --wallet {person} --out d.dev --cap-count={}", "device load --amount 1 --device={}",
    "device load --device d.dev --amount={}", "device load --device d.dev --amount 1 --hours={}",
    "device show -- {}", "device unload -- {}", "device unload d.dev --load={}", "device release -- {}",
    "device revoke -- {}", "device revoke {device} --reason={}",
    "voucher request --terminal t.term --amount 1 --out q.txt --bill={}",
    "voucher request --terminal t.term --bill B1 --amount 1 --out={}",
    "voucher pay --device d.dev --out q.txt --request={}", "voucher accept --terminal t.term -- {}",
    "voucher accept v.txt --terminal={}", "voucher verify --trust trust.txt -- {}",
    "voucher verify v.txt --trust={}", "voucher show -- {}", "voucher qr -- {}", "voucher qr v.txt --out={}",
    "voucher redeem -- {}", "voucher redeem --terminal={}", "voucher redeem x.txt --evidence-folder={}",
    "evidence verify --trust trust.txt -- {}", "evidence export --out q.txt -- {}",
    "terminal init --out n.term --authority={}", "terminal show -- {}", "terminal renew t.term --trust={}",
    "trust export --out={}", "trust revoke -- {}", "trust revoke {terminal} --reason={}",
    "trust roll-over --operator={}",
    "failure order -- {}", "failure order answer_lost --operator={}", "failure order answer_lost --wallet={}",
    "failure order answer_lost --times={}", "failure cancel -- {}", "reconcile day --date={}",
    "reconcile --date 2023-04-20 --treasury={}", "reconcile --date 2023-04-20 --operator={}",
    "reconcile --date 2023-04-20 --treasury-file={}", "reconcile --date 2023-04-20 --operator-file={}",
    "reconcile --date 2023-04-20 --mend --idempotency-key={}", "reconcile {}", "failure {}",
    "reconcile export --date 2023-04-20 --out q.csv --side={}",
    "reconcile export --date 2023-04-20 --side ledger --out={}",
    "clock show --now={}", "clock advance --days={}", "status --lang={}", "{}", "wallet {}", "wallet list {}",
]  # fmt: skip


#: There are more than a hundred of these places, and each example is a command that runs whole.
FEW = settings().max_examples // 10


@pytest.fixture(scope="module")
def playground(original: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A told story that arbitrary commands may change."""
    copy = original.copied(tmp_path_factory.mktemp("playground"))
    copy.names["company_id"] = company_id(5)
    here, before = Path.cwd(), dict(os.environ)
    os.chdir(copy.folder)
    for name in [name for name in os.environ if name.startswith("ECNY_TAX_")]:
        del os.environ[name]
    os.environ["ECNY_TAX_DB"] = "s.db"
    os.environ["ECNY_TAX_PASSPHRASE"] = PASSPHRASE
    yield copy
    os.chdir(here)
    os.environ.clear()
    os.environ.update(before)


def check(answer: Answer) -> None:
    """The exit code is documented, and what was said has the form that belongs to it."""
    assert answer.exit_code in DOCUMENTED, answer
    if answer.exit_code == 0:
        if "--help" not in answer.arguments:
            assert answer.document
    elif answer.exit_code == 6 and answer.stdout:
        one_object(answer.stdout)
        assert answer.complaint
    else:
        assert answer.problem


@pytest.mark.parametrize("command", FUZZED)
def test_arbitrary_text_ends_with_a_documented_exit_code(playground: World, command: str) -> None:
    names = {**playground.names}

    @settings(max_examples=FEW)
    @given(argument)
    @example("")
    @example("\udcff")
    @example("x" * 5000)
    @example("\x1b[31m[bold]%s{}{0}")
    @example("-1")
    @example("--")
    @example("../../../etc/passwd")
    def prove(text: str) -> None:
        words = [
            text
            if word == "{}"
            else word.replace("={}", f"={text}")
            if word.endswith("={}")
            else word.format(**names)
            for word in command.split()
        ]
        own, _, positional = (words, "", []) if "--" not in command.split() else _split(words)
        check(run_inside(*own, "--json", *(() if "--now" in command else ("--now", TODAY)), *positional))

    prove()


def _split(words: list[str]) -> tuple[list[str], str, list[str]]:
    """Options before ``--``, and what follows it with the mark itself."""
    place = words.index("--")
    return words[:place], "--", words[place:]


@given(
    st.one_of(
        st.binary(max_size=200),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
            lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
            max_leaves=10,
        ).map(lambda value: json.dumps(value).encode()),
        st.dictionaries(
            st.sampled_from(
                ["tax_year", "wages", "labour", "author", "royalty", "social", "sad", "bonus", "bonus_mode",
                 "withheld", "medical_self_pay", "personal_pension", "base_taxable"]
            ),
            st.integers(-(10**18), 10**18) | st.sampled_from(["1", "60000", "merge", "apart", "9" * 30])
            | st.text(max_size=6) | st.integers(2015, 2030) | st.none(),
            max_size=8,
        ).map(lambda value: json.dumps(value).encode()),
    )
)  # fmt: skip
@example(b'{"tax_year": 2022, "wages": "\\ud800"}')
@example(b'{"\\ud800": 1}')
@example(b'{"tax_year": ' + b"9" * 5000 + b"}")
@example(b'{"tax_year": 2022, "wages": "1000000000000000.00", "bonus": "1000000000000000", "withheld": "0"}')
def test_an_arbitrary_input_file_ends_with_a_documented_exit_code(playground: World, content: bytes) -> None:
    Path("any.json").write_bytes(content)
    for command in (
        "tax quote income-tax --input any.json",
        "tax quote withholding --input any.json",
        "tax quote deductions --input any.json",
        "tax check any.json",
        "bill declare income-tax --wallet {person} --input any.json",
        "agreement verify any.json --keys keys.json",
        "agreement verify a.json --keys any.json",
    ):
        check(run_inside(*playground.filled(command), "--json", "--now", TODAY))


@given(st.one_of(st.binary(max_size=300), st.text(max_size=80).map(lambda text: f"ECNY1:{text}".encode())))
@example(b"ECNY1:")
@example(b"ECNY1:" + b"0" * 200_000)
@example(b"\xef\xbb\xbfECNY1:\r\n")
def test_an_arbitrary_offline_object_ends_with_a_documented_exit_code(
    playground: World, content: bytes
) -> None:
    Path("any.txt").write_bytes(content)
    for command in (
        "voucher show any.txt",
        "voucher qr any.txt",
        "voucher verify any.txt --trust trust.txt",
        "voucher accept any.txt --terminal t.term",
        "voucher redeem any.txt",
        "evidence verify any.txt --trust trust.txt",
        "evidence verify e.txt --trust any.txt",
        "terminal renew t.term --trust any.txt",
    ):
        check(run_inside(*playground.filled(command), "--json", "--now", TODAY))


@given(st.data())
def test_an_arbitrarily_damaged_agreement_never_verifies(playground: World, data: st.DataObject) -> None:
    """One character changed, cut off or doubled: a refusal or a no, unless JSON means the same."""
    text = Path("a.json").read_text()
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(["", text[place] * 2, "0", "f", '"', "{", "\n", "é", "\\"]))
    damaged = text[:place] + other + text[place + 1 :]
    Path("damaged.json").write_text(damaged, encoding="utf-8")
    answer = run_inside("agreement", "verify", "damaged.json", "--keys", "keys.json", "--json")
    check(answer)
    if answer.exit_code == 0:
        assert json.loads(damaged) == json.loads(text)


@given(st.lists(argument, max_size=5))
def test_arbitrary_command_lines_end_with_a_documented_exit_code(playground: World, words: list[str]) -> None:
    answer = run_inside(*words)
    assert answer.exit_code in DOCUMENTED, answer


def test_a_refusal_tells_nothing_of_another_partys_identity(world: World, inside: Inside) -> None:
    """Signing for another name says that they differ, not what the holder is called."""
    answer = inside(
        "agreement", "sign", "--wallet", world.names["person"], "--taxpayer-name", "另一人",
        "--taxpayer-id", person_id(9), "--json", "--now", TODAY,
    )  # fmt: skip
    assert answer.exit_code == 3
    for secret in (person_name(), person_id(), phone_number(), company_name()):
        assert secret not in answer.stderr
