"""Checks every answer that passes through a boto3 client against the service model.

botocore drops members it does not know and converts what it can, so a wrong answer often looks right
in a test. The check reads the raw body instead and raises as soon as something is off.
"""

import base64
import binascii
import json
import uuid

# Errors which the front end answers before an operation runs; no operation lists them.
FRAMEWORK_ERRORS = {
    "AccessDeniedException",
    "ExpiredTokenException",
    "IncompleteSignatureException",
    "InvalidSignatureException",
    "MissingAuthenticationTokenException",
    "SerializationException",
    "UnknownOperationException",
    "UnrecognizedClientException",
}

# Pairs which the service answers although its model does not list them.
ANSWERED_BEYOND_THE_MODEL = {("AdminCreateUser", "AliasExistsException")}

# Values which the service documents although its model does not list them.
VALUES_BEYOND_THE_MODEL = {("ExplicitAuthFlowsType", "ALLOW_CLIENT_TOKEN_AUTH")}

# Required members which the service leaves out nevertheless.
LACKING_AGAINST_THE_MODEL = {("CustomDomainConfigType", "CertificateArn")}

CONTENT_TYPE = "application/x-amz-json-1.1"


class WrongShape(AssertionError):
    """The server's answer does not have the shape the service model promises."""


def check_every_answer_of(client):
    """Makes `client` raise `WrongShape` for each answer that strays from the model."""
    client.meta.events.register("before-parse.cognito-identity-provider.*", _check)
    return client


def _check(operation_model, response_dict, **_):
    headers = {key.lower(): value for key, value in response_dict["headers"].items()}
    body = response_dict["body"]
    found = faults_of_answer(operation_model, response_dict["status_code"], headers, body)
    if found:
        raise WrongShape(f"{operation_model.name} answered {body[:600]!r}: " + "; ".join(found))


def faults_of_answer(operation_model, status, headers, body):
    """A sentence for each place where an answer strays from the model. Header names are in lower case."""
    found = list(_header_faults(headers))
    if status == 200:
        return found + _success_faults(operation_model, body)
    return found + _error_faults(operation_model, status, headers, body)


def _header_faults(headers):
    if headers.get("content-type") != CONTENT_TYPE:
        yield f"content type is {headers.get('content-type')!r}"
    try:
        uuid.UUID(headers.get("x-amzn-requestid", ""))
    except ValueError:
        yield f"request id is {headers.get('x-amzn-requestid')!r}, not a UUID"


def _success_faults(operation_model, body):
    shape = operation_model.output_shape
    if shape is None:
        return [] if body == b"" else ["the operation has no output, yet there is a body"]
    try:
        document = json.loads(body)
    except ValueError:
        return ["the body is not JSON"]
    return list(_faults(shape, document, "$"))


def _error_faults(operation_model, status, headers, body):
    try:
        document = json.loads(body)
    except ValueError:
        return ["the error body is not JSON"]
    kind = document.get("__type")
    listed = {shape.name for shape in operation_model.error_shapes}
    faults = []
    if status != (500 if kind == "InternalErrorException" else 400):
        faults.append(f"status {status}")
    if kind == "InternalErrorException":
        faults.append("the server failed internally")
    beyond = (operation_model.name, kind) in ANSWERED_BEYOND_THE_MODEL
    if kind not in listed | FRAMEWORK_ERRORS and not beyond:
        faults.append(f"{kind} is not an error of {operation_model.name}")
    if headers.get("x-amzn-errortype") != f"{kind}:":
        faults.append(f"x-amzn-errortype is {headers.get('x-amzn-errortype')!r}")
    if kind in listed and not isinstance(document.get("message"), str):
        faults.append("no message")
    return faults


def _faults(shape, value, path):
    """Yields one sentence for each place where `value` strays from `shape`."""
    if value is None:
        yield f"{path} is null; absent members must be left out"
        return
    if getattr(shape, "is_document_type", False):
        return
    check = _CHECKS.get(shape.type_name)
    if check is None:
        yield f"{path} has the unexpected model type {shape.type_name}"
    else:
        yield from check(shape, value, path)


def _structure(shape, value, path):
    if not isinstance(value, dict):
        yield f"{path} is not an object"
        return
    for member in shape.required_members:
        if member not in value and (shape.name, member) not in LACKING_AGAINST_THE_MODEL:
            yield f"{path}.{member} is missing"
    for key, inner in value.items():
        if key in shape.members:
            yield from _faults(shape.members[key], inner, f"{path}.{key}")
        else:
            yield f"{path}.{key} is not in the model"


def _list(shape, value, path):
    if not isinstance(value, list):
        yield f"{path} is not an array"
        return
    for index, inner in enumerate(value):
        yield from _faults(shape.member, inner, f"{path}[{index}]")


def _map(shape, value, path):
    if not isinstance(value, dict):
        yield f"{path} is not an object"
        return
    for key, inner in value.items():
        yield from _faults(shape.value, inner, f"{path}[{key!r}]")


def _string(shape, value, path):
    if not isinstance(value, str):
        yield f"{path} is not a string"
    elif (shape.name, value) in VALUES_BEYOND_THE_MODEL:
        return
    elif shape.enum and value not in shape.enum:
        yield f"{path} is {value!r}, not one of {shape.enum}"
    # Lengths bind requests only: the service itself answers schema names, such as
    # `phone_number_verified`, that are longer than its model allows.


def _whole_number(_, value, path):
    if isinstance(value, bool) or not isinstance(value, int):
        yield f"{path} is not a whole number"


def _number(_, value, path):
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        yield f"{path} is not a number"


def _timestamp(shape, value, path):
    faults = list(_number(shape, value, path))
    yield from faults
    if not faults and not 1_000_000_000 < value < 10_000_000_000:
        yield f"{path} is not a time in epoch seconds"


def _boolean(_, value, path):
    if not isinstance(value, bool):
        yield f"{path} is not a boolean"


def _blob(_, value, path):
    try:
        base64.b64decode(value, validate=True)
    except (TypeError, binascii.Error):
        yield f"{path} is not base64 text"


_CHECKS = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "integer": _whole_number,
    "long": _whole_number,
    "float": _number,
    "double": _number,
    "timestamp": _timestamp,
    "boolean": _boolean,
    "blob": _blob,
}
