"""Codes for custom senders, opened as functions do: with the AWS Encryption SDK, which asks the server
to unwrap data keys because `AWS_ENDPOINT_URL_KMS` says so."""

import base64

import aws_encryption_sdk
import boto3
import botocore.exceptions
import pytest
from aws_encryption_sdk import CommitmentPolicy
from aws_encryption_sdk.exceptions import DecryptKeyError
from aws_encryption_sdk.identifiers import AlgorithmSuite

from conftest import REGION
from support import refused

# What functions for custom senders are told to use: messages of theirs do not commit to their key.
SUITE = AlgorithmSuite.AES_256_GCM_IV12_TAG16_HKDF_SHA384_ECDSA_P384


@pytest.fixture(scope="module")
def key(account):
    return f"arn:aws:kms:{REGION}:{account}:key/5e0f2b1c-codes"


@pytest.fixture(scope="module")
def kms(client_settings):
    return boto3.client("kms", **client_settings)


@pytest.fixture
def sdk(monkeypatch, endpoint):
    """The SDK's client, and where it finds keys: as in a function."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "any-secret")
    return aws_encryption_sdk.EncryptionSDKClient(
        commitment_policy=CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT
    )


def provider(key):
    return aws_encryption_sdk.StrictAwsKmsMasterKeyProvider(key_ids=[key])


def test_a_data_key_is_made_and_unwrapped(kms, key):
    context = {"userpool-id": "us-east-1_AbCdEfGhI", "empty": "", "ünïcode": "✓"}
    made = kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=context)
    assert made["KeyId"] == key
    assert len(made["Plaintext"]) == 32
    opened = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=context)
    assert opened["KeyId"] == key
    assert opened["EncryptionAlgorithm"] == "SYMMETRIC_DEFAULT"
    assert opened["Plaintext"] == made["Plaintext"]
    named = kms.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=context, KeyId=key)
    assert named["Plaintext"] == made["Plaintext"]
    again = kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=context)
    assert again["Plaintext"] != made["Plaintext"]


def test_what_was_altered_or_belongs_to_another_context_is_not_unwrapped(kms, key):
    context = {"userpool-id": "us-east-1_AbCdEfGhI"}
    blob = kms.generate_data_key(KeyId=key, KeySpec="AES_256", EncryptionContext=context)[
        "CiphertextBlob"
    ]
    with refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=blob)
    with refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=blob, EncryptionContext={"userpool-id": "us-east-1_Other"})
    with refused("InvalidCiphertextException"):
        altered = blob[:-1] + bytes([blob[-1] ^ 1])
        kms.decrypt(CiphertextBlob=altered, EncryptionContext=context)
    with refused("InvalidCiphertextException"):
        kms.decrypt(CiphertextBlob=b"anything", EncryptionContext=context)


@pytest.mark.belief
def test_keys_that_are_not_the_right_one_are_refused(kms, key):
    blob = kms.generate_data_key(KeyId=key, KeySpec="AES_256")["CiphertextBlob"]
    with refused("IncorrectKeyException"):
        kms.decrypt(CiphertextBlob=blob, KeyId=f"{key}2")
    foreign = f"arn:aws:kms:{REGION}:999999999999:key/1"
    with refused("NotFoundException", f"Key '{foreign}' does not exist"):
        kms.generate_data_key(KeyId=foreign, KeySpec="AES_256")
    with refused("NotFoundException"):
        kms.decrypt(CiphertextBlob=blob, KeyId=foreign)
    with refused("ValidationException"):
        kms.generate_data_key(KeyId=key)
    with refused("UnknownOperationException"):
        kms.create_key()


def test_an_alias_leads_to_a_key(kms):
    described = kms.describe_key(KeyId="alias/codes")["KeyMetadata"]
    assert described["Arn"].endswith(f":key/{described['KeyId']}")
    made = kms.generate_data_key(KeyId="alias/codes", KeySpec="AES_256")
    assert made["KeyId"] == described["Arn"]
    assert kms.describe_key(KeyId=described["Arn"])["KeyMetadata"] == described


def test_what_the_sdk_encrypts_it_decrypts(sdk, key):
    context = {"userpool-id": "us-east-1_AbCdEfGhI"}
    message, _ = sdk.encrypt(
        source=b"123456", key_provider=provider(key), encryption_context=context, algorithm=SUITE
    )
    code, header = sdk.decrypt(source=message, key_provider=provider(key))
    assert code == b"123456"
    assert header.encryption_context["userpool-id"] == "us-east-1_AbCdEfGhI"


def test_the_sdk_opens_nothing_with_another_key(sdk, key):
    message, _ = sdk.encrypt(source=b"123456", key_provider=provider(key), algorithm=SUITE)
    with pytest.raises(aws_encryption_sdk.exceptions.MasterKeyProviderError):
        sdk.decrypt(source=message, key_provider=provider(f"{key}2"))
