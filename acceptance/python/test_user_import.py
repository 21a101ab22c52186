"""Import of users from CSV files: jobs, uploads, what becomes of each line, and what is refused meanwhile."""

import time

import pytest
import requests

from support import PASSWORD, as_dict, refused, unique, unique_email

NO_SUCH_POOL = "us-east-1_Nowhere00"
NO_POOL = f"User pool {NO_SUCH_POOL} does not exist."
DONE = {"Succeeded", "Failed", "Stopped", "Expired"}
BUSY = "Another user import job is already in progress."


@pytest.fixture(scope="module")
def role(account):
    return f"arn:aws:iam::{account}:role/import"


class Imports:
    """The import jobs of a pool."""

    def __init__(self, idp, endpoint, pool, role):
        self.idp, self.endpoint, self.pool, self.role = idp, endpoint, pool, role
        self.header = idp.get_csv_header(UserPoolId=pool.id)["CSVHeader"]

    def create(self, name="job"):
        made = self.idp.create_user_import_job(
            UserPoolId=self.pool.id, JobName=name, CloudWatchLogsRoleArn=self.role
        )
        return made["UserImportJob"]

    def put(self, job, content):
        headers = {"x-amz-server-side-encryption": "aws:kms"}
        return requests.put(job["PreSignedUrl"], data=content, headers=headers, timeout=60)

    def start(self, job):
        names = {"UserPoolId": self.pool.id, "JobId": job["JobId"]}
        return self.idp.start_user_import_job(**names)["UserImportJob"]

    def stop(self, job):
        names = {"UserPoolId": self.pool.id, "JobId": job["JobId"]}
        return self.idp.stop_user_import_job(**names)["UserImportJob"]

    def describe(self, job):
        names = {"UserPoolId": self.pool.id, "JobId": job["JobId"]}
        return self.idp.describe_user_import_job(**names)["UserImportJob"]

    def wait(self, job, is_there=lambda job: job["Status"] in DONE):
        """Asks until the job is there, and answers it."""
        end = time.monotonic() + 120
        while not is_there(described := self.describe(job)):
            assert time.monotonic() < end, described
            time.sleep(0.02)
        return described

    def file(self, *users, header=None):
        """A file with a line for each user, who is a dictionary by column."""
        header = header or self.header
        lines = [",".join(header)]
        lines += [",".join(user.get(column, "") for column in header) for user in users]
        return ("\n".join(lines) + "\n").encode()

    def run(self, content):
        job = self.create()
        assert self.put(job, content).status_code == 200
        self.start(job)
        return self.wait(job)

    def log(self, job):
        lines, after = [], 0
        while after is not None:
            url = f"{self.endpoint}/_poolhouse/imports/{self.pool.id}/{job['JobId']}/log?after={after}"
            answer = requests.get(url, timeout=60)
            assert answer.status_code == 200
            lines += answer.text.splitlines()
            after = answer.headers.get("x-poolhouse-after")
        return lines


def user(username=None, **columns):
    username = username or unique("user")
    base = {
        "cognito:username": username,
        "cognito:mfa_enabled": "false",
        "email": f"{username}@example.com",
        "email_verified": "true",
    }
    return base | columns


def counts(job):
    return job["ImportedUsers"], job["SkippedUsers"], job["FailedUsers"]


@pytest.fixture
def imports(make_pool, idp, endpoint, role):
    made = Imports(idp, endpoint, make_pool(AutoVerifiedAttributes=["email"]), role)
    yield made
    # One job of the account can run at a time: the next test wants its turn.
    for job in idp.list_user_import_jobs(UserPoolId=made.pool.id, MaxResults=60)["UserImportJobs"]:
        if job["Status"] in {"Pending", "InProgress"}:
            made.stop(job)
        if job["Status"] not in DONE | {"Created"}:
            made.wait(job)


def test_the_header_has_the_attributes_of_the_pool(make_pool, idp):
    pool = make_pool(Schema=[{"Name": "tier", "AttributeDataType": "String"}])
    answer = idp.get_csv_header(UserPoolId=pool.id)
    assert answer["UserPoolId"] == pool.id
    header = answer["CSVHeader"]
    assert header[:3] == ["name", "given_name", "family_name"] and len(header) == 22
    assert header[-3:] == ["custom:tier", "cognito:mfa_enabled", "cognito:username"]


def test_a_user_comes_in_and_sets_a_password(imports, inbox):
    email = unique_email()
    imported = user(email=email, address="Rue 1\\, Paris", birthdate="12/31/2001", updated_at="1700000000")
    job = imports.create("My job")
    assert job["JobId"].startswith("import-") and job["Status"] == "Created"
    assert counts(job) == (0, 0, 0) and "StartDate" not in job
    assert imports.describe(job) == job
    assert imports.put(job, imports.file(imported)).status_code == 200
    started = imports.start(job)
    assert started["Status"] == "Pending" and started["StartDate"] >= job["CreationDate"]
    done = imports.wait(job)
    assert done["Status"] == "Succeeded" and counts(done) == (1, 0, 0)
    assert done["CompletionDate"] >= done["StartDate"]
    assert imports.log(job) == ["[SUCCEEDED] Line Number 2 - The import succeeded."]

    pool, name = imports.pool, imported["cognito:username"]
    assert pool.user(name)["UserStatus"] == "RESET_REQUIRED"
    attributes = as_dict(pool.user(name)["UserAttributes"])
    assert attributes.pop("sub")
    assert attributes == {
        "email": email,
        "email_verified": "true",
        "address": "Rue 1, Paris",
        "birthdate": "2001-12-31",
        "updated_at": "1700000000",
    }
    with refused("PasswordResetRequiredException", "Password reset required for the user"):
        pool.begin(name)
    imports.idp.forgot_password(ClientId=pool.client_id, Username=name)
    code = inbox.code(pool, name)
    imports.idp.confirm_forgot_password(
        ClientId=pool.client_id, Username=name, Password=PASSWORD, ConfirmationCode=code
    )
    assert pool.sign_in(name)["AccessToken"]


def test_each_line_that_makes_no_user_says_why(imports):
    there = imports.pool.make_user()
    twice = user()
    lines = [
        (user(), "SUCCEEDED", "The import succeeded."),
        (twice, "SUCCEEDED", "The import succeeded."),
        (twice, "SKIPPED", "The user already exists."),
        (user(there), "SKIPPED", "The user already exists."),
        (user(email_verified="false"), "FAILED", "The User Record does not set any of the auto verified"),
        (user(email=""), "FAILED", "email_verified is set and email is missing."),
        (user(email="nobody"), "FAILED", "The value of email has not the form of one."),
        (user(phone_number="0123"), "FAILED", "The value of phone_number has not the form of one."),
        (user("a b"), "FAILED", "The username is too long or contains characters that it can't."),
        (user("bell\a"), "FAILED", "The line contains control characters."),
        (user(name="escape\x1b[31m"), "FAILED", "The line contains control characters."),
        (user(name="nul\0"), "FAILED", "The line contains control characters."),
        (user(**{"cognito:mfa_enabled": "true"}), "FAILED", "cognito:mfa_enabled must be false"),
        (user(birthdate="31.12.2001"), "FAILED", "Attributes did not conform to the schema: birthdate."),
        (user(name="x" * 16_000), "FAILED", "The line is longer than 16000 characters."),
        (user(name='"quoted", twice'), "FAILED", "The line has 22 values instead of 21."),
        (user(name="ä" * 2_048), "SUCCEEDED", "The import succeeded."),
    ]
    content = imports.file(*(line for line, _, _ in lines)) + b"\xff\xfe,invalid\n\n\n"
    job = imports.run(content)
    found = imports.log(job)
    for number, (line, (_, kind, text)) in enumerate(zip(found, lines), 2):
        assert line.startswith(f"[{kind}] Line Number {number} - {text}"), line
    assert found[len(lines) :] == [
        f"[FAILED] Line Number {len(lines) + 2} - The line is not valid UTF-8."
    ]
    assert counts(job) == (3, 2, 13) and job["Status"] == "Failed"
    assert job["CompletionMessage"] == "Too many users have failed or been skipped during the import."


def test_headers_that_fail_the_job(imports):
    good = imports.file(user())
    header = imports.header
    for bad in [
        b"\xef\xbb\xbf" + good,
        good.replace(b"email,", b"", 1),
        good.replace(b"email,", b" email,", 1),
        good.replace(b"email,", b"password,", 1),
        b"\xff\n",
        b"\n" + good,
    ]:
        job = imports.run(bad)
        assert job["Status"] == "Failed" and counts(job) == (0, 0, 0), bad[:60]
        assert "header" in job["CompletionMessage"] or "byte order mark" in job["CompletionMessage"]
        assert imports.log(job) == []
    turned = imports.file(user(), header=list(reversed(header)))
    assert counts(imports.run(turned)) == (1, 0, 0)


def test_ten_thousand_users(imports, idp):
    run = unique("many")
    job = imports.run(imports.file(*(user(f"{run}-{number}") for number in range(10_000))))
    assert job["Status"] == "Succeeded" and counts(job) == (10_000, 0, 0)
    described = idp.describe_user_pool(UserPoolId=imports.pool.id)["UserPool"]
    assert described["EstimatedNumberOfUsers"] == 10_000
    log = imports.log(job)
    assert log == [f"[SUCCEEDED] Line Number {n} - The import succeeded." for n in range(2, 10_002)]
    found = idp.list_users(UserPoolId=imports.pool.id, Filter=f'username = "{run}-9999"')["Users"]
    assert [one["UserStatus"] for one in found] == ["RESET_REQUIRED"]


def test_a_running_job_bars_changes_and_other_jobs_and_can_be_stopped(imports, idp, make_pool, endpoint, role):
    pool = imports.pool
    other = Imports(idp, endpoint, make_pool(AutoVerifiedAttributes=["email"]), role)
    waiting = other.create()
    assert other.put(waiting, other.file(user())).status_code == 200
    run = unique("many")
    job = imports.create()
    content = imports.file(*(user(f"{run}-{number}") for number in range(40_000)))
    assert imports.put(job, content).status_code == 200
    imports.start(job)
    importing = f"A user import job is in progress for user pool {pool.id}."
    with refused("UserImportInProgressException", importing):
        idp.update_user_pool(UserPoolId=pool.id)
    with refused("UserImportInProgressException", importing):
        idp.delete_user_pool(UserPoolId=pool.id)
    with refused("UserImportInProgressException", importing):
        attribute = {"Name": "x", "AttributeDataType": "String"}
        idp.add_custom_attributes(UserPoolId=pool.id, CustomAttributes=[attribute])
    idp.update_user_pool(UserPoolId=other.pool.id, AutoVerifiedAttributes=["email"])
    with refused("PreconditionNotMetException", BUSY):
        other.start(waiting)
    with refused("PreconditionNotMetException", f"User import job {job['JobId']} is in status"):
        try:
            imports.start(job)
        except idp.exceptions.PreconditionNotMetException as error:
            # Pending or InProgress, as it may be.
            message = error.response["Error"]["Message"]
            error.response["Error"]["Message"] = message.rsplit(" ", 1)[0]
            raise
    imports.wait(job, lambda seen: seen["ImportedUsers"] > 0)
    assert imports.put(job, content).status_code == 403, "its file is settled"
    assert imports.stop(job)["Status"] == "Stopping"
    done = imports.wait(job)
    assert done["Status"] == "Stopped"
    assert done["CompletionMessage"] == "The Import Job was stopped by the developer."
    assert 0 < done["ImportedUsers"] < 40_000
    described = idp.describe_user_pool(UserPoolId=pool.id)["UserPool"]
    assert described["EstimatedNumberOfUsers"] == done["ImportedUsers"]
    for again in (imports.start, imports.stop):
        with refused("PreconditionNotMetException", f"User import job {job['JobId']} is in status Stopped."):
            again(job)
    other.start(waiting)
    assert counts(other.wait(waiting)) == (1, 0, 0)


def test_uploads_that_are_refused(imports):
    job, second = imports.create(), imports.create()
    content = imports.file(user())
    url = job["PreSignedUrl"]
    token = url.rsplit("/", 1)[1]
    for wrong in [url[:-1], url.replace(job["JobId"], second["JobId"]), url[: -len(token)] + "x" * 43]:
        assert requests.put(wrong, data=content, timeout=60).status_code == 403
    assert requests.get(url, timeout=60).status_code == 405
    assert requests.post(url, data=content, timeout=60).status_code == 405
    assert imports.put(job, b"").status_code == 400
    assert imports.put(job, b"\n" * 500_002).status_code == 413
    with refused("PreconditionNotMetException", f"No csv file was uploaded for {job['JobId']}"):
        imports.start(job)
    # The last file counts. This one comes without its length.
    assert imports.put(job, b"nonsense").status_code == 200
    assert imports.put(job, (piece for piece in [content[:100], content[100:]])).status_code == 200
    imports.start(job)
    assert counts(imports.wait(job)) == (1, 0, 0)


def test_jobs_are_listed_newest_first_through_three_pages(imports, idp):
    assert idp.list_user_import_jobs(UserPoolId=imports.pool.id, MaxResults=1)["UserImportJobs"] == []
    made = [imports.create(f"job {number}") for number in range(5)]
    pages, token = [], {}
    while token is not None:
        answer = idp.list_user_import_jobs(UserPoolId=imports.pool.id, MaxResults=2, **token)
        pages.append(answer["UserImportJobs"])
        token = {"PaginationToken": answer["PaginationToken"]} if "PaginationToken" in answer else None
    assert [len(page) for page in pages] == [2, 2, 1]
    assert [job for page in pages for job in page] == list(reversed(made))
    with refused("InvalidParameterException", "Invalid pagination token given."):
        idp.list_user_import_jobs(UserPoolId=imports.pool.id, MaxResults=2, PaginationToken="garbage")


def test_jobs_that_are_refused(imports, pool, idp, role):
    names = {"UserPoolId": imports.pool.id, "JobName": "job", "CloudWatchLogsRoleArn": role}
    foreign = names | {"CloudWatchLogsRoleArn": "arn:aws:iam::999999999999:role/import"}
    with refused("InvalidParameterException", "Cross-account pass role is not allowed."):
        idp.create_user_import_job(**foreign)
    with refused("InvalidParameterException", "Poolhouse does not import password hashes."):
        idp.create_user_import_job(**names, PasswordHashingAlgorithm="ARGON2ID")
    with refused("ResourceNotFoundException", NO_POOL):
        idp.create_user_import_job(**names | {"UserPoolId": NO_SUCH_POOL})
    with refused("ResourceNotFoundException", NO_POOL):
        idp.get_csv_header(UserPoolId=NO_SUCH_POOL)
    with refused("ResourceNotFoundException", NO_POOL):
        idp.list_user_import_jobs(UserPoolId=NO_SUCH_POOL, MaxResults=1)
    made = imports.create()
    for ask in (idp.describe_user_import_job, idp.start_user_import_job, idp.stop_user_import_job):
        with refused("ResourceNotFoundException", NO_POOL):
            ask(UserPoolId=NO_SUCH_POOL, JobId=made["JobId"])
        with refused("ResourceNotFoundException", f"User import job {made['JobId']} does not exist."):
            ask(UserPoolId=pool.id, JobId=made["JobId"])
    with refused("PreconditionNotMetException", f"User import job {made['JobId']} is in status Created."):
        imports.stop(made)
    assert imports.put(made, b"x").status_code == 200
    imports.idp.update_user_pool(UserPoolId=imports.pool.id, AutoVerifiedAttributes=[])
    with refused(
        "PreconditionNotMetException", f"User pool {imports.pool.id} has no auto verified attributes."
    ):
        imports.start(made)


def test_urls_and_jobs_are_good_for_a_time(imports, clock):
    job, late = imports.create(), imports.create()
    assert imports.put(job, imports.file(user())).status_code == 200
    clock.advance(900)
    assert imports.put(late, imports.file(user())).status_code == 403
    clock.advance(86_400)
    with refused("PreconditionNotMetException", f"User import job {job['JobId']} is in status Expired."):
        imports.start(job)
    assert imports.wait(job)["Status"] == "Expired"
    assert imports.wait(late)["Status"] == "Expired"
