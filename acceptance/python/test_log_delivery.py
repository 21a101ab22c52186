"""Delivery of logs: which configurations a pool can have. What is delivered where is for whoever runs
the server to say, and is tested beside the server's code."""

import pytest

from support import refused

REGION = "us-east-1"
BUCKET = {"S3Configuration": {"BucketArn": "arn:aws:s3:::pool-logs"}}


def group(account, region=REGION):
    arn = f"arn:aws:logs:{region}:{account}:log-group:pool"
    return {"CloudWatchLogsConfiguration": {"LogGroupArn": arn}}


def stream(account):
    arn = f"arn:aws:firehose:{REGION}:{account}:deliverystream/pool"
    return {"FirehoseConfiguration": {"StreamArn": arn}}


def events(destination, level="INFO"):
    return {"EventSource": "userAuthEvents", "LogLevel": level, **destination}


def notifications(destination, level="ERROR"):
    return {"EventSource": "userNotification", "LogLevel": level, **destination}


def put(pool, *configurations):
    answer = pool.idp.set_log_delivery_configuration(
        UserPoolId=pool.id, LogConfigurations=list(configurations)
    )
    return answer["LogDeliveryConfiguration"]


def current(pool):
    answer = pool.idp.get_log_delivery_configuration(UserPoolId=pool.id)
    return answer["LogDeliveryConfiguration"]


@pytest.fixture
def protected(make_pool):
    return make_pool(UserPoolAddOns={"AdvancedSecurityMode": "AUDIT"})


def test_a_pool_delivers_nothing_at_first(pool):
    assert current(pool) == {"UserPoolId": pool.id, "LogConfigurations": []}


def test_configurations_are_replaced_and_an_empty_list_ends_delivery(protected, account):
    for configurations in [
        [notifications(group(account)), events(BUCKET)],
        [events(stream(account))],
        [events(group(account))],
        [],
    ]:
        answer = put(protected, *configurations)
        assert answer == {"UserPoolId": protected.id, "LogConfigurations": configurations}
        assert current(protected) == answer


def test_a_refusal_leaves_the_configuration_as_it_was(protected, account):
    before = put(protected, notifications(group(account)))
    here = group(account)
    one = "Exactly one destination must be configured for event source userAuthEvents."
    for configurations, message in [
        (
            [events(here), events(BUCKET)],
            "Request validation Failed. Following event sources appear more then once in a request: "
            "[userAuthEvents].",
        ),
        (
            [events(group(account, "eu-west-1"))],
            f"Request validation Failed. [CloudWatch log group arn arn:aws:logs:eu-west-1:{account}:"
            "log-group:pool failed with the following validation errors: ARN does not belong to "
            "current region. ]",
        ),
        (
            [notifications(group("999999999999"))],
            "Request validation Failed. [CloudWatch log group arn arn:aws:logs:us-east-1:999999999999:"
            "log-group:pool failed with the following validation errors: ARN does not belong to "
            "invoking account. ]",
        ),
        (
            [events(here, "ERROR")],
            "LogLevel ERROR is not supported for event source userAuthEvents.",
        ),
        (
            [notifications(here, "INFO")],
            "LogLevel INFO is not supported for event source userNotification.",
        ),
        (
            [notifications(BUCKET)],
            "Event source userNotification supports only CloudWatch Logs as a destination.",
        ),
        (
            [events({}), events({})],
            "Request validation Failed. Following event sources in request have no destination: "
            "[userAuthEvents]. Following event sources appear more then once in a request: "
            "[userAuthEvents].",
        ),
        ([events({**here, **BUCKET})], one),
    ]:
        with refused("InvalidParameterException", message):
            put(protected, *configurations)
    assert current(protected) == before


def test_events_need_the_tier_and_the_add_on(make_pool, account):
    with refused(
        "FeatureUnavailableInTierException",
        "The following feature is not available for the ESSENTIALS pricing tier configured: "
        "Log Streaming",
    ):
        put(make_pool(), events(group(account)))
    with refused(
        "InvalidParameterException",
        "Threat protection must be enabled to deliver logs of event source userAuthEvents.",
    ):
        put(make_pool(UserPoolTier="PLUS"), events(group(account)))
    put(make_pool(UserPoolTier="LITE"), notifications(group(account)))


def test_an_unknown_pool_has_no_logs(idp):
    for call in [
        lambda: idp.get_log_delivery_configuration(UserPoolId="us-east-1_Nowhere00"),
        lambda: idp.set_log_delivery_configuration(
            UserPoolId="us-east-1_Nowhere00", LogConfigurations=[]
        ),
    ]:
        with refused(
            "ResourceNotFoundException", "User pool us-east-1_Nowhere00 does not exist."
        ):
            call()
