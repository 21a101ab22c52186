"""Compares every answer that a server recorded (`poolhouse dev --record FILE`) with the service model.

    python check_answers.py FILE

`wire_shapes.py` does this for each boto3 client while a test runs. Here are the answers that all other
clients got as well: the SDKs for JavaScript, the AWS CLI, raw requests.
"""

import json
import sys
from collections import Counter

import botocore.session

from wire_shapes import FRAMEWORK_ERRORS, faults_of_answer

# What is answered before an operation is known or its body read: only the type is checked.
BEFORE_THE_OPERATION = {400, 403, 404, 408, 413, 503}


def main(path):
    service = botocore.session.get_session().get_service_model("cognito-idp")
    known = set(service.operation_names)
    counts, strays = Counter(), []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            answer = json.loads(line)
            counts[answer["operation"]] += 1
            found = faults(service, known, answer)
            if found:
                strays.append(f"{answer['operation']} answered {answer['body'][:400]!r}: " + "; ".join(found))
    print(f"{sum(counts.values())} answers of {len(known & set(counts))} operations compared with the model")
    for stray in strays[:20]:
        print(stray)
    if not counts:
        return "no answer was recorded"
    return f"{len(strays)} answers stray from the model" if strays else None


def faults(service, known, answer):
    status, name = answer["status"], answer["operation"]
    kind = answer["headers"].get("x-amzn-errortype", "").rstrip(":")
    if name not in known or (status != 200 and status != 400 and status in BEFORE_THE_OPERATION):
        is_expected = kind in FRAMEWORK_ERRORS | {"ServiceUnavailable"}
        return [] if is_expected else [f"status {status} with the type {kind!r}"]
    body = answer["body"].encode()
    return faults_of_answer(service.operation_model(name), status, answer["headers"], body)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
