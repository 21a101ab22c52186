"""Replicas of user pools in other regions."""

import boto3
import pytest

from support import PASSWORD, refused, unique
from wire_shapes import check_every_answer_of

OTHER = "eu-west-1"


@pytest.fixture
def settings(account):
    key = f"arn:aws:kms:us-east-1:{account}:key/mrk-1234"
    return {"KeyConfiguration": {"KeyType": "CUSTOMER_MANAGED_KEY", "KmsKeyArn": key}}


@pytest.fixture
def replicated(idp, make_pool, settings):
    """A pool with a replica, which goes away first."""
    pool = make_pool(**settings)
    idp.create_user_pool_replica(UserPoolId=pool.id, RegionName=OTHER)
    yield pool
    there = idp.list_user_pool_replicas(UserPoolId=pool.id)["UserPoolReplicas"][1:]
    if there:
        idp.update_user_pool_replica(UserPoolId=pool.id, RegionName=OTHER, Status="INACTIVE")
        idp.delete_user_pool_replica(UserPoolId=pool.id, RegionName=OTHER)


@pytest.fixture(scope="module")
def elsewhere(client_settings):
    """A client whose requests are signed for the other region."""
    settings = {**client_settings, "region_name": OTHER}
    return check_every_answer_of(boto3.client("cognito-idp", **settings))


def shown(pool, status):
    return {
        "RegionName": OTHER,
        "Status": status,
        "Role": "SECONDARY",
        "UserPoolArn": pool.arn.replace("us-east-1:", f"{OTHER}:", 1),
    }


def replicas(idp, pool):
    answer = idp.list_user_pool_replicas(UserPoolId=pool.id)
    assert "NextToken" not in answer
    return answer["UserPoolReplicas"]


def test_the_life_of_a_replica(idp, make_pool, settings):
    pool = make_pool(**settings)
    home = {
        "RegionName": "us-east-1",
        "Status": "ACTIVE",
        "Role": "PRIMARY",
        "UserPoolArn": pool.arn,
    }
    where = {"UserPoolId": pool.id, "RegionName": OTHER}
    assert replicas(idp, pool) == [home]
    created = idp.create_user_pool_replica(**where, UserPoolTags={"a": "1"})
    assert created["UserPoolReplica"] == shown(pool, "CREATING")
    assert replicas(idp, pool) == [home, shown(pool, "INACTIVE")]
    for status in ("ACTIVE", "INACTIVE", "ACTIVE"):
        updated = idp.update_user_pool_replica(**where, Status=status)
        assert updated["UserPoolReplica"] == shown(pool, status)
        assert replicas(idp, pool) == [home, shown(pool, status)]
    with refused(
        "InvalidParameterException", "The user pool replica must be INACTIVE to be deleted."
    ):
        idp.delete_user_pool_replica(**where)
    idp.update_user_pool_replica(**where, Status="INACTIVE")
    deleted = idp.delete_user_pool_replica(**where)
    assert deleted["UserPoolReplica"] == shown(pool, "DELETING")
    assert replicas(idp, pool) == [home]
    for call in (idp.delete_user_pool_replica, lambda **w: idp.update_user_pool_replica(**w, Status="ACTIVE")):
        with refused(
            "ResourceNotFoundException",
            f"User pool {pool.id} does not have a replica in {OTHER}.",
        ):
            call(**where)


def test_what_is_missing_is_told(idp, make_pool, settings, account):
    plain, lite = make_pool(), make_pool(**settings, UserPoolTier="LITE")
    single = {"KeyType": "CUSTOMER_MANAGED_KEY", "KmsKeyArn": f"arn:aws:kms:us-east-1:{account}:key/1"}
    one_region = make_pool(KeyConfiguration=single)
    for pool in (plain, one_region):
        with refused(
            "InvalidParameterException",
            "The user pool must be encrypted with a multi-Region customer managed key to be "
            "replicated.",
        ):
            idp.create_user_pool_replica(UserPoolId=pool.id, RegionName=OTHER)
    with refused("FeatureUnavailableInTierException"):
        idp.create_user_pool_replica(UserPoolId=lite.id, RegionName=OTHER)
    with refused("InvalidParameterException"):
        idp.create_user_pool_replica(UserPoolId=plain.id, RegionName="us-east-1")
    with refused("ResourceNotFoundException"):
        idp.create_user_pool_replica(UserPoolId="us-east-1_Nowhere12", RegionName=OTHER)


def test_there_is_one_replica_at_most(idp, replicated):
    with refused("LimitExceededException", "The user pool has the maximum number of replicas: 1."):
        idp.create_user_pool_replica(UserPoolId=replicated.id, RegionName="eu-west-2")


def test_the_list_of_pools_names_the_regions(idp, replicated, pool):
    found = {}
    for page in idp.get_paginator("list_user_pools").paginate(MaxResults=2):
        found.update({item["Id"]: item.get("ReplicaRegions") for item in page["UserPools"]})
    assert found[replicated.id] == ["us-east-1", OTHER]
    assert found[pool.id] is None


def test_a_replica_has_tags_of_its_own(idp, replicated):
    arn = shown(replicated, "")["UserPoolArn"]
    idp.tag_resource(ResourceArn=arn, Tags={"a": "1", "b": "2"})
    idp.untag_resource(ResourceArn=arn, TagKeys=["a"])
    assert idp.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"b": "2"}
    assert idp.list_tags_for_resource(ResourceArn=replicated.arn)["Tags"] == {}
    with refused("InvalidParameterException", "A user pool can have at most 50 tags."):
        idp.tag_resource(ResourceArn=arn, Tags={f"k{n}": "" for n in range(50)})


def test_a_pool_with_a_replica_stays(idp, replicated):
    with refused(
        "InvalidParameterException",
        "User pool cannot be deleted. It has a replica that should be deleted first.",
    ):
        idp.delete_user_pool(UserPoolId=replicated.id)


def test_a_replica_answers_what_it_may(idp, elsewhere, replicated, pool):
    user = replicated.make_user()
    assert elsewhere.describe_user_pool(UserPoolId=replicated.id)["UserPool"]["Id"] == replicated.id
    assert elsewhere.admin_get_user(UserPoolId=replicated.id, Username=user)["Username"] == user
    sign_in = {
        "UserPoolId": replicated.id,
        "ClientId": replicated.client_id,
        "AuthFlow": "ADMIN_USER_PASSWORD_AUTH",
        "AuthParameters": {"USERNAME": user, "PASSWORD": PASSWORD},
    }
    with refused("OperationNotEnabledException"):
        elsewhere.admin_initiate_auth(**sign_in)
    idp.update_user_pool_replica(UserPoolId=replicated.id, RegionName=OTHER, Status="ACTIVE")
    assert "AuthenticationResult" in elsewhere.admin_initiate_auth(**sign_in)
    with refused(
        "OperationNotEnabledException", f"AdminCreateUser is not enabled in the region {OTHER}."
    ):
        elsewhere.admin_create_user(UserPoolId=replicated.id, Username=unique("user"))
    # In `dev`, a pool without replica does not mind which region clients are set to.
    elsewhere.create_group(UserPoolId=pool.id, GroupName="g")
