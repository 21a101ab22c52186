"""Writes invoke_signature.json: a request to Lambda's Invoke API as botocore signs it, at a fixed time.

Run by hand after changing the request: python3 sign_invoke_with_botocore.py
"""

import base64
import datetime
import json
import pathlib
import urllib.parse

import botocore
import botocore.auth
import botocore.awsrequest
import botocore.credentials

NOW = datetime.datetime(2026, 5, 1, 12, 30, 45, tzinfo=datetime.timezone.utc)
botocore.auth.get_current_datetime = lambda remove_tzinfo=True: (
    NOW.replace(tzinfo=None) if remove_tzinfo else NOW
)

ENDPOINT = "https://lambda.eu-west-1.amazonaws.com"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:check"
BODY = '{"userName":"josé","request":{"password":"hunter2"},"response":{}}'


def main():
    context = json.dumps({"custom": {"event_id": "event-1"}}, separators=(",", ":"))
    headers = {
        "Content-Type": "application/json",
        "X-Amz-Invocation-Type": "RequestResponse",
        "X-Amz-Client-Context": base64.b64encode(context.encode()).decode(),
    }
    url = f"{ENDPOINT}/2015-03-31/functions/{urllib.parse.quote(FUNCTION, safe='')}/invocations"
    request = botocore.awsrequest.AWSRequest("POST", url, headers=headers, data=BODY.encode())
    credentials = botocore.credentials.Credentials("AKIAPOOLHOUSE1234567", "s3cr3t/AAAA", "a token")
    botocore.auth.SigV4Auth(credentials, "lambda", "eu-west-1").add_auth(request)
    prepared = request.prepare()
    sent = {
        name.lower(): value if isinstance(value, str) else value.decode()
        for name, value in prepared.headers.items()
    }
    document = {"botocore": botocore.__version__, "signed_at": int(NOW.timestamp()),
                "endpoint": ENDPOINT, "url": prepared.url, "headers": sent, "body": BODY}
    path = pathlib.Path(__file__).with_name("invoke_signature.json")
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
