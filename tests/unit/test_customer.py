"""core.customer: names for customers."""

import hmac
from base64 import urlsafe_b64encode

from hypothesis import example, given
from hypothesis import strategies as st

from streams.core.customer import Customers, pseudonym


@given(st.text(), st.binary(max_size=200))
@example("ann", b"k" * 64)  # as long as a block of SHA-256
@example("ann", b"k" * 65)  # longer: RFC 2104 takes its hash
def test_a_customers_name_is_an_hmac_of_the_id_under_a_key_of_any_length(customer_id: str, key: bytes) -> None:
    expected = urlsafe_b64encode(hmac.new(key, customer_id.encode(), "sha256").digest()).decode()[:16]

    assert Customers(key).name(customer_id) == expected
    assert pseudonym(customer_id, key) == expected


def test_names_of_different_customers_under_one_key_do_not_depend_on_the_order_in_which_they_come() -> None:
    one, other = Customers(b"key"), Customers(b"key")

    assert (one.name("ann"), one.name("bob")) == (other.name("bob"), other.name("ann"))[::-1]
