"""The setting of the store, and that no password in it is ever shown."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from koma.core.store_address import fault, has_password, is_postgresql, redacted, without_password

SECRET = "sesame"  # noqa: S105  # what must not be shown

SHOWN = {
    "sqlite": "sqlite",
    "postgresql://db/koma": "postgresql://db/koma",
    "postgresql://aki@db:5433/koma?sslmode=require": "postgresql://aki@db:5433/koma?sslmode=require",
    f"postgresql://aki:{SECRET}@db/koma": "postgresql://aki:***@db/koma",
    f"postgres://aki:{SECRET}@db/koma": "postgres://aki:***@db/koma",
    f"postgresql://aki:a/{SECRET}@db/koma": "postgresql://aki:***@db/koma",
    f"postgresql://aki:a?{SECRET}@db/koma": "postgresql://aki:***@db/koma",
    f"postgresql://aki:a@{SECRET}@db/koma": "postgresql://aki:***@db/koma",
    f"postgresql://db/koma?password={SECRET}&sslmode=require": "postgresql://db/koma?password=***&sslmode=require",
    f"postgresql://db/koma?sslPassword={SECRET}": "postgresql://db/koma?sslPassword=***",
    f"postgresql:/aki:{SECRET}@db/koma": "***@db/koma",
}


@pytest.mark.parametrize(("store", "shown"), SHOWN.items(), ids=SHOWN.values())
def test_what_is_shown_holds_no_password(store, shown):
    assert redacted(store) == shown
    assert has_password(store) is (SECRET in store)


@given(
    st.text(alphabet="ab:/?#@%[]=&", max_size=8), st.sampled_from(["postgresql://{}:{}@db/koma", "postgresql://db/koma?password={0}{1}"])
)
def test_no_password_is_shown_whatever_is_around_it(around, form):
    store = form.format("aki", f"{around}{SECRET}") if "{}" in form else form.format(around.replace("&", ""), SECRET)
    assert SECRET not in redacted(store)
    assert SECRET not in fault(store)


WRITTEN = {
    "sqlite": "sqlite",
    "postgresql://aki@db:5433/koma?sslmode=require": "postgresql://aki@db:5433/koma?sslmode=require",
    f"postgresql://aki:{SECRET}@db/koma": "postgresql://aki@db/koma",
    f"postgresql://db/koma?password={SECRET}&user=aki": "postgresql://db/koma?user=aki",
    f"postgresql://db/koma?user=aki&password={SECRET}": "postgresql://db/koma?user=aki",
    f"postgresql://db/koma?password={SECRET}": "postgresql://db/koma",
}


@pytest.mark.parametrize(("store", "written"), WRITTEN.items(), ids=WRITTEN.values())
def test_what_is_to_be_written_down_asks_for_its_password_elsewhere(store, written):
    assert without_password(store) == written


FAULTS = {
    "sqlite": "",
    "postgresql://aki@db/koma": "",
    "postgresql:///koma?host=/run/postgresql": "",
    "postgresql://aki:a%2Fb@db/koma": "",
    "postgresql://db/koma?sslmode=require&password=a@b": "",
    "postgres": "`postgres` can't be used here",
    "mysql://db/koma": "`mysql://db/koma` can't be used here",
    "postgresql://aki:a/b@db/koma": "`postgresql://aki:***@db/koma` has a user or password with characters that an address can't hold",
    "postgresql://aki:a b@db/koma": "`postgresql://aki:***@db/koma` has a user or password with characters that an address can't hold",
}


@pytest.mark.parametrize(("store", "said"), FAULTS.items(), ids=FAULTS.keys())
def test_a_setting_that_can_not_be_used_is_said(store, said):
    assert fault(store) == said


def test_both_ways_to_write_the_scheme_name_a_database():
    assert [is_postgresql(store) for store in ("postgresql://db/koma", "postgres://db/koma", "sqlite")] == [True, True, False]
