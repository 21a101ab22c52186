"""GetProvisionedLimit and UpdateProvisionedLimit."""

import pytest

from support import refused

RATES = {
    "UserAuthentication": 120,
    "UserCreation": 50,
    "UserFederation": 25,
    "UserAccountRecovery": 30,
    "UserRead": 120,
    "UserUpdate": 25,
    "UserToken": 120,
    "UserResourceRead": 50,
    "UserResourceUpdate": 25,
    "UserList": 30,
    "UserPoolRead": 15,
    "UserPoolUpdate": 15,
    "UserPoolResourceRead": 20,
    "UserPoolResourceUpdate": 15,
    "UserPoolClientRead": 15,
    "UserPoolClientUpdate": 15,
    "ClientAuthentication": 150,
    "LimitManagement": 1,
}
ADJUSTABLE = {
    "UserAuthentication",
    "UserCreation",
    "UserFederation",
    "UserRead",
    "UserToken",
    "UserResourceRead",
}


def definition(category):
    return {"LimitClass": "API_CATEGORY", "Attributes": {"Category": category}}


@pytest.mark.parametrize("category", RATES)
def test_every_category_has_a_rate(idp, category):
    limit = idp.get_provisioned_limit(LimitDefinition=definition(category))["Limit"]
    assert limit["LimitDefinition"] == definition(category)
    assert limit["FreeLimitValue"] == RATES[category] <= limit["ProvisionedLimitValue"]


@pytest.mark.parametrize("category", RATES)
def test_some_rates_can_be_raised(idp, category):
    free = RATES[category]
    wanted = {"LimitDefinition": definition(category), "RequestedLimitValue": free + 10}
    if category not in ADJUSTABLE:
        with refused(
            "InvalidParameterException", f"The limit of category {category} is not adjustable."
        ):
            idp.update_provisioned_limit(**wanted)
        return
    expected = {
        "LimitDefinition": definition(category),
        "ProvisionedLimitValue": free + 10,
        "FreeLimitValue": free,
    }
    assert idp.update_provisioned_limit(**wanted)["Limit"] == expected
    assert idp.get_provisioned_limit(LimitDefinition=definition(category))["Limit"] == expected
    wanted["RequestedLimitValue"] = free
    assert idp.update_provisioned_limit(**wanted)["Limit"]["ProvisionedLimitValue"] == free


def test_rates_have_bounds(idp):
    wanted = definition("UserRead")
    with refused(
        "InvalidParameterException",
        "The requested limit value must not be less than the default limit of 120.",
    ):
        idp.update_provisioned_limit(LimitDefinition=wanted, RequestedLimitValue=119)
    with refused(
        "ServiceQuotaExceededException",
        "The requested limit value exceeds the maximum of 100000 for the account.",
    ):
        idp.update_provisioned_limit(LimitDefinition=wanted, RequestedLimitValue=100_001)


def test_unknown_categories_and_classes_are_refused(idp):
    with refused("InvalidParameterException"):
        idp.get_provisioned_limit(LimitDefinition=definition("Nothing"))
    with refused("InvalidParameterException"):
        idp.get_provisioned_limit(LimitDefinition={"LimitClass": "X", "Attributes": {}})


def test_dev_has_no_rates(idp):
    for _ in range(40):
        idp.list_user_pools(MaxResults=1)
