"""Logins of clouds against stand-ins of their endpoints (R-47): the right secret to the right host, and
never another's. In each test two clouds, or two accounts, are set up; one of them is a decoy."""

import base64
import hashlib
import json
import subprocess
import time

import pytest

from internet import Internet, sigv4_is_right

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
ACR = "lab.azurecr.io"
API = "api.ecr.eu-west-1.amazonaws.com"
STS = "sts.eu-west-1.amazonaws.com"
ENTRA = "login.microsoftonline.com"
GOOGLE = "oauth2.googleapis.com"
METADATA = "/computeMetadata/v1/instance/service-accounts/default/token"

# Credentials of all other clouds, beside those of a test: no server may see them.
DECOYS = {
    "ecr": {"AWS_ACCESS_KEY_ID": "AKIDDECOY", "AWS_SECRET_ACCESS_KEY": "decoy-aws"},
    "acr": {"AZURE_CLIENT_ID": "decoy-id", "AZURE_TENANT_ID": "decoy-tenant", "AZURE_CLIENT_SECRET": "decoy-azure"},
    "github": {"GITHUB_TOKEN": "decoy-github", "GITHUB_ACTOR": "decoy-actor"},
}


def decoys_beside(own):
    return {name: value for kind, env in DECOYS.items() if kind != own for name, value in env.items()}


@pytest.fixture(scope="session")
def certificates(tmp_path_factory):
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture
def internet(pki, certificates):
    fake = Internet(pki, certificates)
    yield fake
    fake.close()
    assert "decoy" not in json.dumps([asked.text for asked in fake.asked])


@pytest.fixture
def lookup(regtool, tmp_path, internet):
    """lookup(host, own kind, environment) -> "user secret"; no helper program is installed."""
    (tmp_path / "empty").mkdir()
    regtool.extra["PATH"] = str(tmp_path / "empty")

    def run(host, own=None, env=None, anonymous=False, **more):
        env = internet.env | decoys_beside(own) | (env or {}) | more
        result = regtool("-v", "-v", "-v", "lookup", host, env=env)
        assert "planted" not in result.stderr
        return "" if anonymous and not result.stdout else result.ref
    return run


def ecr_token(text):
    return base64.b64encode(f"AWS:{text}".encode()).decode()


def ecr_answers(internet, text="twelve-hours", host=API, public=False):
    data = {"authorizationToken": ecr_token(text)}
    internet.answer(host, "POST", "/", {"authorizationData": data if public else [data]})


def sts_reply(access, secret, session, action="AssumeRole"):
    return (f"<{action}Response><{action}Result><Credentials><AccessKeyId>{access}</AccessKeyId>"
            f"<SecretAccessKey>{secret}</SecretAccessKey><SessionToken>{session}</SessionToken>"
            f"<Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></{action}Result></{action}Response>")


# --- Amazon ---------------------------------------------------------------------------------------------

KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "planted-key", "AWS_SESSION_TOKEN": "session"}


def test_fake_ecr_from_the_environment_R47(lookup, internet):
    ecr_answers(internet)
    assert lookup(ECR, "ecr", KEYS) == "AWS twelve-hours"
    [asked] = internet.asked
    assert asked.headers["x-amz-target"] == "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"
    assert asked.headers["x-amz-security-token"] == "session"
    assert sigv4_is_right(asked, "planted-key") and not sigv4_is_right(asked, "other")
    assert internet.saw("planted-key") == []


@pytest.mark.parametrize("host", [f"{ECR}.evil.example", "x" + ECR, "api.ecr.eu-west-1.amazonaws.com",
                                  "public.ecr.aws.evil.example", "gcr.io.evil.example", f"{ACR}.evil.example"])
def test_fake_clouds_are_for_their_own_names_R47(lookup, internet, host):
    assert lookup(host, "ecr", KEYS, anonymous=True) == ""
    assert internet.asked == []


def test_fake_ecr_in_china_R47(lookup, internet):
    ecr_answers(internet, host="api.ecr.cn-north-1.amazonaws.com.cn")
    assert lookup("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "ecr", KEYS) == "AWS twelve-hours"


def test_fake_ecr_public_R47(lookup, internet):
    ecr_answers(internet, host="api.ecr-public.us-east-1.amazonaws.com", public=True)
    assert lookup("public.ecr.aws", "ecr", KEYS) == "AWS twelve-hours"
    [asked] = internet.asked
    assert asked.headers["x-amz-target"] == "SpencerFrontendService.GetAuthorizationToken"
    assert "/us-east-1/ecr-public/aws4_request" in asked.headers["authorization"]
    assert sigv4_is_right(asked, "planted-key")


def test_fake_ecr_public_without_keys_is_anonymous(lookup, internet):
    assert lookup("public.ecr.aws", "ecr", anonymous=True) == ""
    assert internet.asked == []


def aws_file(home, name, text):
    path = home.home / ".aws" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)


def test_fake_ecr_profile_R47(lookup, internet, home):
    ecr_answers(internet)
    aws_file(home, "credentials", "[default]\naws_access_key_id = decoy\naws_secret_access_key = decoy\n\n[work]\n"
             "aws_access_key_id = AKIDWORK\naws_secret_access_key=planted-work\n")
    assert lookup(ECR, "ecr", AWS_PROFILE="work") == "AWS twelve-hours"
    assert "Credential=AKIDWORK/" in internet.asked[0].headers["authorization"]
    assert sigv4_is_right(internet.asked[0], "planted-work")


def test_fake_ecr_web_identity_R47(lookup, internet, tmp_path):
    """As in a cluster (IRSA) and in CI systems."""
    ecr_answers(internet)
    (tmp_path / "token").write_text("planted-jwt\n")
    internet.answer(STS, "POST", "/", sts_reply("ASIA1", "planted-sts", "sess", "AssumeRoleWithWebIdentity"))
    env = {"AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"), "AWS_ROLE_ARN": "arn:aws:iam::1:role/r"}
    assert lookup(ECR, "ecr", env) == "AWS twelve-hours"
    sts, ecr = internet.asked
    assert sts.form == {"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15",
                        "RoleArn": "arn:aws:iam::1:role/r", "RoleSessionName": "koc",
                        "WebIdentityToken": "planted-jwt"}
    assert sigv4_is_right(ecr, "planted-sts") and ecr.headers["x-amz-security-token"] == "sess"
    assert internet.saw("planted-jwt") == [STS]


def test_fake_ecr_role_of_a_profile_R47(lookup, internet, home):
    ecr_answers(internet)
    internet.answer(STS, "POST", "/", sts_reply("ASIA1", "planted-sts", "sess"))
    aws_file(home, "config", "[default]\nregion=x\n[profile ci]\nrole_arn = arn:aws:iam::1:role/ci\n"
             "source_profile = base\nexternal_id = e&x\n")
    aws_file(home, "credentials", "[base]\naws_access_key_id=AKIDBASE\naws_secret_access_key=planted-base\n")
    assert lookup(ECR, "ecr", AWS_PROFILE="ci") == "AWS twelve-hours"
    sts, ecr = internet.asked
    assert sigv4_is_right(sts, "planted-base") and sigv4_is_right(ecr, "planted-sts")
    assert sts.form["ExternalId"] == "e&x" and sts.form["RoleArn"].endswith("role/ci")


def test_fake_ecr_roles_that_go_round(lookup, internet, home):
    aws_file(home, "config", "".join(
        f"[profile {a}]\nrole_arn = arn:aws:iam::1:role/{a}\nsource_profile = {b}\n" for a, b in ("ab", "ba")))
    assert lookup(ECR, "ecr", AWS_PROFILE="a", anonymous=True) == ""


def test_fake_ecr_credential_process_R47(lookup, internet, home):
    ecr_answers(internet)
    keys = {"Version": 1, "AccessKeyId": "AKIDPROC", "SecretAccessKey": "planted-proc", "SessionToken": "s"}
    aws_file(home, "config", f"[default]\ncredential_process = printf '%s' '{json.dumps(keys)}'\n")
    assert lookup(ECR, "ecr", PATH="/usr/bin:/bin") == "AWS twelve-hours"
    assert sigv4_is_right(internet.asked[0], "planted-proc")


@pytest.mark.parametrize("session", [True, False])
def test_fake_ecr_single_sign_on_R47(lookup, internet, home, session):
    ecr_answers(internet)
    portal = "portal.sso.us-west-2.amazonaws.com"
    internet.answer(portal, "GET", "/federation/credentials", {"roleCredentials": {
        "accessKeyId": "ASIASSO", "secretAccessKey": "planted-sso", "sessionToken": "s", "expiration": 1}})
    where = "https://lab.awsapps.com/start"
    profile = "sso_account_id = 42\nsso_role_name = dev\n"
    if session:
        aws_file(home, "config", f"[profile w]\nsso_session = lab\n{profile}[sso-session lab]\n"
                 f"sso_region = us-west-2\nsso_start_url = {where}\n")
    else:
        aws_file(home, "config", f"[profile w]\nsso_start_url = {where}\nsso_region = us-west-2\n{profile}")
    name = hashlib.sha1(b"lab" if session else where.encode()).hexdigest()
    (home.home / ".aws/sso/cache").mkdir(parents=True)
    aws_file(home, f"sso/cache/{name}.json", json.dumps({"accessToken": "planted-bearer"}))
    aws_file(home, "sso/cache/other.json", json.dumps({"accessToken": "decoy"}))
    assert lookup(ECR, "ecr", AWS_PROFILE="w") == "AWS twelve-hours"
    assert internet.saw("planted-bearer") == [portal]
    assert internet.asked[0].query == {"role_name": "dev", "account_id": "42"}
    assert sigv4_is_right(internet.asked[1], "planted-sso")


@pytest.mark.parametrize("token", ["variable", "file"])
def test_fake_ecr_container_R47(lookup, internet, tmp_path, token):
    """As on ECS and EKS: an agent on loopback."""
    ecr_answers(internet)
    internet.answer("127.0.0.1", "GET", "/creds", {"AccessKeyId": "ASIA2", "SecretAccessKey": "planted-task",
                                                   "Token": "s"})
    env = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://{internet.place}/creds"}
    if token == "file":
        (tmp_path / "t").write_text("planted-agent\n")
        env["AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"] = str(tmp_path / "t")
    else:
        env["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = "planted-agent"
    assert lookup(ECR, "ecr", env) == "AWS twelve-hours"
    assert internet.asked[0].headers["authorization"] == "planted-agent"
    assert internet.saw("planted-agent") == ["127.0.0.1"]
    assert sigv4_is_right(internet.asked[1], "planted-task")


def test_fake_container_agent_elsewhere_is_refused(lookup, internet):
    env = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://10.0.0.9/creds",
           "AWS_CONTAINER_AUTHORIZATION_TOKEN": "planted-agent"}
    assert lookup(ECR, "ecr", env, anonymous=True) == ""
    assert internet.asked == []


def test_fake_ecr_machine_R47(lookup, internet):
    """IMDSv2: a token first, by PUT."""
    ecr_answers(internet)
    at = "/latest/meta-data/iam/security-credentials/"
    internet.answer("127.0.0.1", "PUT", "/latest/api/token", "imds-token")
    internet.answer("127.0.0.1", "GET", at, "my-role\n")
    internet.answer("127.0.0.1", "GET", at + "my-role", {"AccessKeyId": "ASIA3", "SecretAccessKey": "planted-imds",
                                                         "Token": "s", "Expiration": "x"})
    env = {"AWS_EC2_METADATA_SERVICE_ENDPOINT": f"http://{internet.place}/"}
    assert lookup(ECR, "ecr", env) == "AWS twelve-hours"
    assert internet.asked[0].headers["x-aws-ec2-metadata-token-ttl-seconds"]
    assert all(a.headers["x-aws-ec2-metadata-token"] == "imds-token" for a in internet.asked[1:3])
    assert sigv4_is_right(internet.asked[3], "planted-imds")
    internet.asked.clear()
    assert lookup(ECR, "ecr", env, anonymous=True, AWS_EC2_METADATA_DISABLED="true") == ""
    assert internet.asked == []


# --- Azure ----------------------------------------------------------------------------------------------

AZURE = {"AZURE_CLIENT_ID": "client", "AZURE_TENANT_ID": "tenant"}
NOBODY = "00000000-0000-0000-0000-000000000000"


def acr_answers(internet, host=ACR):
    internet.answer(host, "POST", "/oauth2/exchange", {"refresh_token": "acr-refresh"})


def exchanged(internet, host=ACR, **expected):
    asked = internet.asked[-1]
    assert (asked.host, asked.method, asked.path) == (host, "POST", "/oauth2/exchange")
    assert asked.form == {"grant_type": "access_token", "service": host} | expected


def test_fake_azure_service_principal_R47(lookup, internet):
    internet.answer(ENTRA, "POST", "/tenant/oauth2/v2.0/token", {"access_token": "aad"})
    acr_answers(internet)
    assert lookup(ACR, "acr", AZURE, AZURE_CLIENT_SECRET="planted&secret") == f"{NOBODY} acr-refresh"
    assert internet.asked[0].form == {
        "grant_type": "client_credentials", "client_id": "client", "client_secret": "planted&secret",
        "scope": "https://containerregistry.azure.net/.default"}
    exchanged(internet, tenant="tenant", access_token="aad")
    assert internet.saw("planted%26secret") == [ENTRA]


def test_fake_azure_workload_identity_R47(lookup, internet, tmp_path):
    """As in AKS, in another cloud of Microsoft's."""
    authority, registry = "login.chinacloudapi.cn", "lab.azurecr.cn"
    (tmp_path / "token").write_text("planted.jwt\n")
    internet.answer(authority, "POST", "/tenant/oauth2/v2.0/token", {"access_token": "aad"})
    acr_answers(internet, registry)
    env = AZURE | {"AZURE_FEDERATED_TOKEN_FILE": str(tmp_path / "token"),
                   "AZURE_AUTHORITY_HOST": f"https://{authority}/"}
    assert lookup(registry, "acr", env) == f"{NOBODY} acr-refresh"
    assert internet.asked[0].form["client_assertion"] == "planted.jwt"
    assert internet.asked[0].form["client_assertion_type"].endswith(":jwt-bearer")
    exchanged(internet, registry, tenant="tenant", access_token="aad")
    assert internet.saw("planted.jwt") == [authority]


@pytest.mark.parametrize("where", ["machine", "app"])
def test_fake_azure_managed_identity_R47(lookup, internet, where):
    path = "/metadata/identity/oauth2/token" if where == "machine" else "/msi/token"
    internet.answer("127.0.0.1", "GET", path, {"access_token": "msi"})
    acr_answers(internet)
    env = {"AZURE_CLIENT_ID": "mine"}
    if where == "machine":
        env["AZURE_POD_IDENTITY_AUTHORITY_HOST"] = f"http://{internet.place}"
    else:
        env |= {"IDENTITY_ENDPOINT": f"http://{internet.place}/msi/token", "IDENTITY_HEADER": "planted-header"}
    assert lookup(ACR, "acr", env) == f"{NOBODY} acr-refresh"
    asked = internet.asked[0]
    assert asked.query["resource"] == "https://containerregistry.azure.net"
    assert asked.query["client_id"] == "mine"
    assert asked.headers["metadata" if where == "machine" else "x-identity-header"]
    exchanged(internet, access_token="msi")


def test_fake_azure_elsewhere_is_not_asked(lookup, internet):
    """Not a virtual machine of Azure: its metadata address is not contacted, and there is no delay."""
    begin = time.monotonic()
    assert lookup(ACR, "acr", anonymous=True) == ""
    assert internet.asked == [] and time.monotonic() - begin < 5


def test_fake_azure_registry_takes_the_refresh_token(regtool, internet, tmp_path):
    """End to end: exchange, then the registry's token server by POST, then the registry."""
    (tmp_path / "empty").mkdir()
    manifest = json.dumps({"schemaVersion": 2}).encode()
    digest = "sha256:" + hashlib.sha256(manifest).hexdigest()
    internet.answer(ENTRA, "POST", "/tenant/oauth2/v2.0/token", {"access_token": "aad"})
    acr_answers(internet)
    internet.answer(ACR, "POST", "/oauth2/token",
                    lambda a: {"access_token": "planted-access"} if a.form["refresh_token"] == "acr-refresh" else 401)
    challenge = {"WWW-Authenticate": f'Bearer realm="https://{ACR}/oauth2/token",service="{ACR}"'}

    def manifests(status, headers):
        for method in ("HEAD", "GET"):
            internet.answer(ACR, method, "/v2/app/manifests/v1", b"" if status == 401 else manifest, status, **headers)

    manifests(401, challenge)
    real = internet.reply

    def reply(asked):
        if asked.headers.get("authorization") == "Bearer planted-access":
            manifests(200, {"Docker-Content-Digest": digest,
                            "Content-Type": "application/vnd.oci.image.manifest.v1+json"})
        return real(asked)

    internet.reply = reply
    env = internet.env | AZURE | {"AZURE_CLIENT_SECRET": "planted-secret", "PATH": str(tmp_path / "empty")}
    result = regtool("-v", "-v", "-v", "resolve", f"{ACR}/app:v1", env=env)
    assert digest in result.stdout and "planted" not in result.stderr
    assert internet.saw("planted-access") == [ACR]


# --- Google ---------------------------------------------------------------------------------------------

def default_credentials(home, content):
    path = home.home / ".config/gcloud/application_default_credentials.json"
    path.parent.mkdir(parents=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def test_fake_google_user_R47(lookup, internet, home):
    internet.answer(GOOGLE, "POST", "/token", {"access_token": "refreshed", "expires_in": 3599})
    default_credentials(home, {"type": "authorized_user", "client_id": "c", "client_secret": "planted&s",
                               "refresh_token": "planted-r"})
    for host in ("gcr.io", "eu.gcr.io", "europe-docker.pkg.dev"):
        assert lookup(host) == "_token refreshed"
    assert internet.asked[0].form == {"grant_type": "refresh_token", "client_id": "c", "client_secret": "planted&s",
                                      "refresh_token": "planted-r"}
    assert internet.saw("planted-r") == [GOOGLE]


@pytest.mark.parametrize("form", ["pkcs8", "pkcs1"])
def test_fake_google_service_account_R47(lookup, internet, tmp_path, pki, form):
    """The assertion is checked with the public key, as Google does."""
    key = pki.folder / f"{form}.pem"
    pki.openssl("rsa" if form == "pkcs1" else "pkcs8", *(["-traditional"] if form == "pkcs1" else ["-topk8", "-nocrypt"]),
                "-in", "server.key", "-out", str(key))
    assert ("RSA PRIVATE" in key.read_text()) == (form == "pkcs1")
    internet.answer(GOOGLE, "POST", "/token", {"access_token": "of-account"})
    path = tmp_path / "account.json"
    path.write_text(json.dumps({
        "type": "service_account", "client_email": "ci@lab.iam", "private_key_id": "k1",
        "private_key": key.read_text(), "token_uri": f"https://{GOOGLE}/token"}))
    assert lookup("gcr.io", GOOGLE_APPLICATION_CREDENTIALS=str(path)) == "_token of-account"
    sent = internet.asked[0].form
    assert sent["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    head, claims, signature = sent["assertion"].split(".")

    def decode(part):
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))

    assert json.loads(decode(head)) == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    said = json.loads(decode(claims))
    assert said["iss"] == "ci@lab.iam" and said["aud"] == f"https://{GOOGLE}/token"
    assert said["scope"].endswith("/cloud-platform") and 0 < said["exp"] - said["iat"] <= 3600
    (tmp_path / "signature").write_bytes(decode(signature))
    pki.openssl("x509", "-in", "server.crt", "-pubkey", "-noout", "-out", str(tmp_path / "public.pem"))
    subprocess.run(["openssl", "dgst", "-sha256", "-verify", tmp_path / "public.pem",
                    "-signature", tmp_path / "signature"], input=f"{head}.{claims}".encode(), check=True,
                   capture_output=True)


@pytest.mark.parametrize("key", ["planted", "-----BEGIN PRIVATE KEY-----\nplanted\n-----END PRIVATE KEY-----\n", "", None])
def test_fake_google_service_account_with_a_bad_key(lookup, internet, tmp_path, key):
    path = tmp_path / "account.json"
    path.write_text(json.dumps({"type": "service_account", "client_email": "x", "private_key": key}))
    assert lookup("gcr.io", GOOGLE_APPLICATION_CREDENTIALS=str(path), anonymous=True) == ""
    assert internet.asked == []


@pytest.mark.parametrize("source", ["file", "url"])
def test_fake_google_workload_identity_R47(lookup, internet, home, tmp_path, source):
    """As google-github-actions/auth writes it."""
    sts, iam = "sts.googleapis.com", "iamcredentials.googleapis.com"
    (tmp_path / "oidc").write_text("planted-oidc\n")
    internet.answer("token.actions.example", "GET", "/oidc", {"value": "planted-oidc"})
    internet.answer(sts, "POST", "/v1/token", {"access_token": "federated", "expires_in": 3600})
    internet.answer(iam, "POST", "/v1/sa:generateAccessToken", {"accessToken": "spoken-for", "expireTime": "x"})
    places = {
        "file": {"file": str(tmp_path / "oidc"), "format": {"type": "text"}},
        "url": {"url": "https://token.actions.example/oidc?audience=x", "headers": {"Authorization": "Bearer planted-gh"},
                "format": {"type": "json", "subject_token_field_name": "value"}},
    }
    default_credentials(home, {
        "type": "external_account", "audience": "//iam.googleapis.com/p",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "token_url": f"https://{sts}/v1/token",
        "service_account_impersonation_url": f"https://{iam}/v1/sa:generateAccessToken",
        "credential_source": places[source]})
    assert lookup("gcr.io") == "_token spoken-for"
    exchange = next(a for a in internet.asked if a.host == sts).form
    assert exchange["subject_token"] == "planted-oidc" and exchange["audience"] == "//iam.googleapis.com/p"
    assert internet.asked[-1].headers["authorization"] == "Bearer federated"
    assert internet.saw("planted-gh") == (["token.actions.example"] if source == "url" else [])


def test_fake_google_metadata_R47(lookup, internet):
    internet.answer("127.0.0.1", "GET", METADATA, {"access_token": "from-metadata", "expires_in": 3600})
    assert lookup("gcr.io", GCE_METADATA_HOST=internet.place) == "_token from-metadata"
    assert internet.asked[0].headers["metadata-flavor"] == "Google"
    assert lookup("notgcr.io", GCE_METADATA_HOST=internet.place, anonymous=True) == ""


def test_fake_gcloud_after_a_broken_file_R47(lookup, internet, home, tmp_path):
    default_credentials(home, '{"type": "planted')
    script = tmp_path / "empty/gcloud"
    script.write_text('#!/bin/sh\necho \'{"credential": {"access_token": "of-gcloud"}}\'\n')
    script.chmod(0o755)
    assert lookup("gcr.io") == "_token of-gcloud"


@pytest.mark.parametrize("body", [b"planted", b"{}", b'{"access_token": "a\\nb"}', b"[]", b"{" * 200000])
def test_fake_clouds_that_talk_nonsense_mean_anonymous(lookup, internet, body):
    internet.answer("127.0.0.1", "GET", METADATA, body)
    assert lookup("gcr.io", GCE_METADATA_HOST=internet.place, anonymous=True) == ""


def test_fake_cloud_that_is_busy(lookup, internet):
    internet.answer("127.0.0.1", "GET", METADATA,
                    lambda a: {"access_token": "late"} if len(internet.asked) == 3 else 503 if len(internet.asked) == 1 else 429)
    assert lookup("gcr.io", GCE_METADATA_HOST=internet.place) == "_token late"
    internet.asked.clear()
    internet.answer("127.0.0.1", "GET", METADATA, lambda a: 500)
    assert lookup("gcr.io", GCE_METADATA_HOST=internet.place, anonymous=True) == ""
    assert len(internet.asked) == 3


def test_fake_clouds_that_refuse_mean_anonymous(lookup, internet):
    assert lookup("gcr.io", GCE_METADATA_HOST=internet.place, anonymous=True) == ""
    assert lookup(ECR, "ecr", KEYS, anonymous=True) == ""
    assert lookup(ACR, "acr", AZURE, AZURE_CLIENT_SECRET="planted", anonymous=True) == ""


def test_fake_token_that_runs_out_is_fetched_again(regtool, internet):
    """A long-running program: one look-up, and another when the token expires."""
    internet.answer("127.0.0.1", "GET", METADATA, lambda a: {"access_token": f"t{len(internet.asked)}", "expires_in": 2})
    env = internet.env | {"GCE_METADATA_HOST": internet.place}
    result = regtool("lookup", "gcr.io", "0", "gcr.io", "3", "gcr.io", env=env)
    assert result.lines == ["_token t1", "_token t1", "_token t2"]


# --- published helpers come first ---------------------------------------------------------------------

@pytest.mark.parametrize("host, name, own", [(ECR, "ecr-login", "ecr"), ("gcr.io", "gcloud", None),
                                             (ACR, "acr-env", "acr")])
def test_helper_of_a_cloud_R47(lookup, internet, tmp_path, host, name, own):
    script = tmp_path / f"empty/docker-credential-{name}"
    script.write_text('#!/bin/sh\necho \'{"Username":"u","Secret":"of-helper"}\'\n')
    script.chmod(0o755)
    assert lookup(host) == "u of-helper"
    script.write_text("#!/bin/sh\necho keyring is locked >&2\nexit 3\n")
    assert lookup(host, own, anonymous=True) == ""
    assert internet.asked == []


def test_github_R47(lookup, internet):
    env = {"GITHUB_TOKEN": "ghs", "GITHUB_ACTOR": "octocat"}
    assert lookup("ghcr.io", "github", env) == "octocat ghs"
    assert lookup("ghcr.io.evil.example", "github", env, anonymous=True) == ""
    assert lookup("docker.pkg.github.com", "github", env, anonymous=True) == ""
    assert lookup("ghcr.io", "github", {"GITHUB_TOKEN": "ghs"}) == "unset ghs"


# --- realms ---------------------------------------------------------------------------------------------

@pytest.mark.parametrize("place", ["169.254.169.254", "127.0.0.1:9", "localhost", "[::1]:9", "[fd00:ec2::254]",
                                   "100.100.100.200", "0.0.0.0"])
def test_fake_registry_that_names_the_inside_as_token_server_R66(regtool, internet, home, place):
    """Also behind a proxy, which hides the address of the connection."""
    config = home.home / ".docker/config.json"
    config.parent.mkdir()
    config.write_text(json.dumps({"auths": {"r.example": {"auth": base64.b64encode(b"koc:planted").decode()}}}))
    challenge = {"WWW-Authenticate": f'Bearer realm="https://{place}/latest/meta-data/",service="x"'}
    internet.answer("r.example", "HEAD", "/v2/app/manifests/v1", "", 401, **challenge)
    result = regtool("-v", "-v", "-v", "resolve", "r.example/app:v1", env=internet.env, status=1)
    assert "the token server is said to be at" in result.stderr and "planted" not in result.stderr
    assert set(internet.hosts()) == {"r.example"}


def test_fake_registry_with_its_token_server_elsewhere_R66(regtool, internet, home):
    """As at Docker Hub: the password goes to that one host, and to no other."""
    config = home.home / ".docker/config.json"
    config.parent.mkdir()
    secret = base64.b64encode(b"koc:planted").decode()
    config.write_text(json.dumps({"auths": {"r.example": {"auth": secret}}}))
    challenge = {"WWW-Authenticate": 'Bearer realm="https://auth.example/token",service="x"'}
    for method in ("HEAD", "GET"):
        internet.answer("r.example", method, "/v2/app/manifests/v1", "", 401, **challenge)
    internet.answer("auth.example", "GET", "/token", {"token": "planted-token"})
    result = regtool("-v", "-v", "-v", "resolve", "r.example/app:v1", env=internet.env, status=1)
    assert internet.saw(secret) == ["auth.example"] and internet.saw("planted-token") == ["r.example"]
    assert "planted" not in result.stderr
