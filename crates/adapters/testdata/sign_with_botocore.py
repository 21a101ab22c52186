"""Writes signatures.json: requests as botocore signs them, at a fixed time.

Run by hand after changing the requests: python3 sign_with_botocore.py
"""

import datetime
import json
import pathlib

import botocore
import botocore.auth
import botocore.awsrequest
import botocore.credentials

NOW = datetime.datetime(2026, 5, 1, 12, 30, 45, tzinfo=datetime.timezone.utc)
botocore.auth.get_current_datetime = lambda remove_tzinfo=True: (
    NOW.replace(tzinfo=None) if remove_tzinfo else NOW
)

TARGET = "AWSCognitoIdentityProviderService."
JSON = "application/x-amz-json-1.1"


def sign(name, auth, key="AKIAPOOLHOUSE1234567", secret="s3cr3t/" + "A" * 33, token=None,
         url="http://127.0.0.1:7665/", target="ListUserPools", body='{"MaxResults": 10}',
         region="us-east-1", service="cognito-idp", extra=(), **options):
    headers = {"Content-Type": JSON, "X-Amz-Target": TARGET + target, **dict(extra)}
    request = botocore.awsrequest.AWSRequest("POST", url, headers=headers, data=body)
    credentials = botocore.credentials.Credentials(key, secret, token)
    auth(credentials, service, region, **options).add_auth(request)
    prepared = request.prepare()
    sent = {k: v if isinstance(v, str) else v.decode() for k, v in prepared.headers.items()}
    sent.setdefault("Host", prepared.url.split("/")[2])
    return {"name": name, "url": prepared.url, "headers": sent, "body": body}


def main():
    header, query = botocore.auth.SigV4Auth, botocore.auth.SigV4QueryAuth
    requests = [
        sign("header", header),
        sign("unicode", header, target="AdminGetUser",
             body=json.dumps({"Username": "josé 🏊"}, ensure_ascii=False)),
        sign("empty", header, body=""),
        sign("spaces", header, extra={"X-Amz-User-Agent": "a   b  c"}),
        sign("host", header, url="https://pools.example.com/"),
        sign("query string", header, url="http://127.0.0.1:7665/?b=2&a=x%20y&a="),
        sign("presigned", query, body="", expires=60),
        sign("presigned for a week", query, body="", expires=604800),
        sign("unknown key", header, key="AKIAUNKNOWN123456789"),
        sign("wrong secret", header, secret="another" + "B" * 33),
        sign("session token", header, token="a session token"),
        sign("wrong region", header, region="eu-west-1"),
        sign("wrong service", header, service="execute-api"),
    ]
    document = {"botocore": botocore.__version__, "signed_at": int(NOW.timestamp()),
                "requests": requests}
    path = pathlib.Path(__file__).with_name("signatures.json")
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
