"""The published vectors: what is made today is what they hold, and each is judged as they say."""

import json
from typing import Any

import pytest

from ecny_tax.crypto import sign1
from ecny_tax.crypto.signatures import SigningKey
from ecny_tax.errors import VerificationError
from ecny_tax.offline.bundles import BUNDLES, EvidenceBundle, TrustBundle
from ecny_tax.offline.chains import Trust
from ecny_tax.offline.checks import CHECKS, examine
from ecny_tax.offline.evidence import verify_evidence
from ecny_tax.offline.objects import KINDS, Seconds, digest
from ecny_tax.text_form import from_text, to_text
from tests.vectors.generate import PLACE, written

VECTORS: dict[str, Any] = json.loads(PLACE.read_text("utf-8"))
KEYS = {one["name"]: SigningKey(one["name"], bytes.fromhex(one["private_key"])) for one in VECTORS["keys"]}
OF_KIND = {kind.kind: kind for kind in KINDS}
BUNDLE_OF_KIND = {bundle.kind: bundle for bundle in BUNDLES}


def by_name(found: dict[str, Any]) -> str:
    return str(found["name"])


def test_vectors_made_today_are_those_that_are_published() -> None:
    assert PLACE.read_text("utf-8") == written(), "run: python -m tests.vectors.generate"


def test_vectors_hold_every_kind_and_published_key() -> None:
    assert {found["kind"] for found in VECTORS["objects"]} == set(OF_KIND)
    assert {found["kind"] for found in VECTORS["bundles"]} == set(BUNDLE_OF_KIND)
    assert {found["check"] for found in VECTORS["vouchers"]} == {None, *CHECKS} - {"store"}
    for found in VECTORS["keys"]:
        assert KEYS[found["name"]].public_bytes.hex() == found["public_key"]


@pytest.mark.parametrize("found", VECTORS["base45"], ids=lambda found: found["text"])
def test_text_of_a_vector_is_its_bytes(found: dict[str, str]) -> None:
    assert to_text(bytes.fromhex(found["bytes"])) == found["text"]
    assert from_text(found["text"]).hex() == found["bytes"]


@pytest.mark.parametrize("found", VECTORS["objects"], ids=by_name)
def test_object_of_a_vector_is_signed_and_read_as_it_says(found: dict[str, Any]) -> None:
    kind, key = OF_KIND[found["kind"]], KEYS[found["signer"]]
    message = bytes.fromhex(found["message"])
    read = kind.read(message)
    values = {
        name: [[one.serial, one.since] for one in value]
        if isinstance(value, tuple)
        else value.hex()
        if isinstance(value, bytes)
        else value
        for name, value in ((name, getattr(read, name)) for name in kind.__match_args__)
    }
    assert values == found["fields"]
    assert kind.parse(bytes.fromhex(found["payload"])) == read
    assert (read.name, read.domain()) == (found["name"], found["domain"])
    assert key.sign(bytes.fromhex(found["to_be_signed"])).hex() == found["signature"]
    assert message.hex().endswith(found["signature"])
    assert read.signed(key) == message
    assert digest(message).hex() == found["digest"]
    sign1.verify(message, key.public_bytes, found["domain"], signer=found["signer"])


@pytest.mark.parametrize("found", VECTORS["bundles"], ids=by_name)
def test_bundle_of_a_vector_is_written_and_read_as_it_says(found: dict[str, Any]) -> None:
    bundle = BUNDLE_OF_KIND[found["kind"]](
        **{name: bytes.fromhex(held) for name, held in found["holds"].items()}
    )
    assert bundle.name == found["name"]
    assert bundle.to_bytes().hex() == found["bytes"]
    assert bundle.to_text() == found["text"]
    assert type(bundle).from_text(found["text"]) == bundle


@pytest.mark.parametrize("found", VECTORS["vouchers"], ids=by_name)
def test_voucher_of_a_vector_is_accepted_or_refused_as_it_says(found: dict[str, Any]) -> None:
    trust = Trust.read(TrustBundle.from_text(VECTORS["trusts"][found["trust"]]))
    at, skew = Seconds(VECTORS["checked_at"]), VECTORS["clock_skew"]
    result = examine(lambda: from_text(found["text"]), trust, at=at, skew=skew)
    assert result.valid == (found["refused_by"] is None)
    last = result.checks[-1]
    assert (last.code, None if last.ok else last.check) == (found["refused_by"], found["check"])


def test_evidence_of_the_vectors_proves_a_double_spend() -> None:
    trust = Trust.read(TrustBundle.from_text(VECTORS["trusts"]["current"]))
    (found,) = [one for one in VECTORS["bundles"] if one["name"] == "evidence"]
    proven = verify_evidence(BUNDLE_OF_KIND[found["kind"]].from_text(found["text"]), trust.root)
    assert (proven.device_id, proven.load_id, proven.counter) == ("D1", "L1", 1)


@pytest.mark.parametrize("found", VECTORS["evidence"], ids=by_name)
@pytest.mark.parametrize("turned", [False, True], ids=["", "turned round"])
def test_evidence_of_a_vector_proves_what_it_says(found: dict[str, Any], turned: bool) -> None:
    """Which of the two comes first does not matter."""
    trust = Trust.read(TrustBundle.from_text(VECTORS["trusts"]["current"]))
    evidence = EvidenceBundle.from_text(found["text"])
    assert evidence.to_text() == found["text"]
    if turned:
        evidence = EvidenceBundle(evidence.second, evidence.first)
    if found["proves"] is None:
        with pytest.raises(VerificationError, match="evidence_proves_nothing"):
            verify_evidence(evidence, trust.root)
    else:
        proven = verify_evidence(evidence, trust.root)
        assert (proven.proves, proven.device_id, proven.load_id) == (found["proves"], "D1", "L1")
