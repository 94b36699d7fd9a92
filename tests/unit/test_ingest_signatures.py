"""Signatures: the vendors' own published examples where there are any, and what a forger would try."""

import hashlib
import hmac
from base64 import b64encode
from urllib.parse import urlencode

import pytest

from streams.ingest.signatures import Pushed, verified

BODY = b'{"id": 1}'
# The example of Twilio's documentation on request validation, with its auth token 12345.
ADDRESS = "https://mycompany.com/myapp.php?foo=1&bar=2"
FIELDS = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675309",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
}
FORM = {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": "RSOYDt4T1cUTdK1PDd93/VVr8B8="}


def sha256(secret: bytes, text: bytes) -> bytes:
    return hmac.new(secret, text, hashlib.sha256).digest()


def twilio(address: str) -> str:
    """Twilio's signature of an address without fields, by the token 12345."""
    return b64encode(hmac.new(b"12345", address.encode(), hashlib.sha1).digest()).decode()


def test_a_body_signed_by_any_of_the_secrets_is_known() -> None:
    headers = {"x-streams-signature": "sha256=" + sha256(b"new", BODY).hex()}
    assert verified("events", Pushed("", headers, BODY), ("old", "new"))
    assert not verified("events", Pushed("", headers, BODY + b" "), ("old", "new"))
    assert not verified("events", Pushed("", headers, BODY), ("old",))
    assert not verified("events", Pushed("", {}, BODY), ("old",))


@pytest.mark.parametrize("credentials", ["Bearer s3", "bearer s3", "Basic " + b64encode(b"any:s3").decode()])
def test_who_cannot_sign_sends_the_secret_itself(credentials: str) -> None:
    assert verified("freshdesk", Pushed("", {"authorization": credentials}, BODY), ("s3",))
    assert not verified("freshdesk", Pushed("", {"authorization": credentials}, BODY), ("s4",))


@pytest.mark.parametrize("credentials", ["", "Bearer", "Basic", "Basic ?", "Basic é", "Digest s3", "s3"])
def test_what_is_no_credential_is_none(credentials: str) -> None:
    assert not verified("freshdesk", Pushed("", {"authorization": credentials}, BODY), ("s3",))


def test_zendesk_signs_its_time_stamp_and_the_body() -> None:
    headers = {
        "x-zendesk-webhook-signature": b64encode(sha256(b"k", b"2026-11-27T09:00:00Z" + BODY)).decode(),
        "x-zendesk-webhook-signature-timestamp": "2026-11-27T09:00:00Z",
    }
    assert verified("zendesk", Pushed("", headers, BODY), ("k",))
    assert not verified("zendesk", Pushed("", {**headers, "x-zendesk-webhook-signature-timestamp": "2026"}, BODY), ("k",))
    assert not verified("zendesk", Pushed("", {"authorization": "Bearer k"}, BODY), ("k",))


def test_intercom_signs_the_body_by_sha1() -> None:
    headers = {"x-hub-signature": "sha1=" + hmac.new(b"k", BODY, hashlib.sha1).hexdigest()}
    assert verified("intercom", Pushed("", headers, BODY), ("k",))
    assert not verified("intercom", Pushed("", headers, b"{}"), ("k",))


def test_twilio_signs_address_and_form_as_its_documentation_shows() -> None:
    body = urlencode(FIELDS).encode()
    assert verified("twilio", Pushed(ADDRESS, FORM, body), ("12345",))
    assert verified("twilio", Pushed(ADDRESS.replace(".com/", ".com:443/"), FORM, body), ("12345",))
    assert not verified("twilio", Pushed(ADDRESS.replace(".com/", ".com:8443/"), FORM, body), ("12345",))
    assert not verified("twilio", Pushed(ADDRESS, FORM, body + b"&x=1"), ("12345",))


def test_twilio_signs_json_by_its_hash_in_the_address() -> None:
    address = f"https://mycompany.com/ingest/twilio?bodySHA256={hashlib.sha256(BODY).hexdigest()}"
    headers = {"content-type": "application/json", "x-twilio-signature": twilio(address)}
    assert verified("twilio", Pushed(address, headers, BODY), ("12345",))
    assert not verified("twilio", Pushed(address, headers, b"{}"), ("12345",))
    bare = "https://mycompany.com/ingest/twilio"
    headers["x-twilio-signature"] = twilio(bare)
    assert not verified("twilio", Pushed(bare, headers, BODY), ("12345",)), "an address alone says nothing of the body"


def test_a_sink_of_twilio_may_have_a_password_instead() -> None:
    headers = {"authorization": "Basic " + b64encode(b"sink:pass").decode()}
    assert verified("twilio", Pushed(ADDRESS, headers, BODY), ("12345", "pass"))
