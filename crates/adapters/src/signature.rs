//! AWS Signature Version 4: who signed a request.
//!
//! The scheme is documented at
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.
//! Both forms are understood: an `Authorization` header, and `X-Amz-…` parameters in the query.
//! Why this is not a library: `docs/decisions/0003-sigv4.md`.
//!
//! The texts of refusals are the service's as far as they are known. Those of incomplete, unknown
//! and wrong signatures were seen in answers of real services; the others (clock, scope, header
//! lists, query parameters) are a belief.

mod canonical;

use std::collections::BTreeMap;

use aws_lc_rs::{digest, hmac};
use http::{
    header::{AUTHORIZATION, DATE},
    request::Parts,
};
use jiff::{civil::DateTime, fmt::rfc2822, tz::TimeZone};
use poolhouse_domain::{access_keys::AccessKey, fault::Fault, ports::Store, time::Timestamp};

use canonical::{Query, canonical_headers, canonical_path, canonical_query, header_value};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const TERMINATOR: &str = "aws4_request";
/// Seconds that a signature may be older or younger than now.
const SKEW: i64 = 5 * 60;
/// The longest `X-Amz-Expires` that is honoured, in seconds. A signed request can be replayed
/// while it is valid, and these are requests of administrators.
const LONGEST_PRESIGNED: i64 = 15 * 60;

/// What a signature must be made for.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// The region of this server.
    pub region: &'a str,
    /// The service, such as `cognito-idp`.
    pub service: &'a str,
}

/// Whose access key signed a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signer {
    /// The id of the key.
    pub access_key_id: String,
    /// The name that the key was given.
    pub name: String,
    /// The region that the signature names.
    pub region: String,
    /// The policies of the key: documents by name.
    pub policies: BTreeMap<String, String>,
}

/// A signature that is missing, incomplete or wrong. The request gets status 400.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The error type, such as `InvalidSignatureException`.
    pub type_name: &'static str,
    /// The message for the client.
    pub message: String,
}

impl Refused {
    fn missing() -> Self {
        let message = "Missing Authentication Token".to_owned();
        Self { type_name: "MissingAuthenticationTokenException", message }
    }

    fn incomplete(message: String) -> Self {
        Self { type_name: "IncompleteSignatureException", message }
    }

    fn invalid(message: impl Into<String>) -> Self {
        Self { type_name: "InvalidSignatureException", message: message.into() }
    }

    /// No such key, or a session token: Poolhouse gives out none.
    fn unknown_key() -> Self {
        let message = "The security token included in the request is invalid.".to_owned();
        Self { type_name: "UnrecognizedClientException", message }
    }

    fn mismatch() -> Self {
        Self::invalid(
            "The request signature we calculated does not match the signature you provided. \
             Check your AWS Secret Access Key and signing method. \
             Consult the service documentation for details.",
        )
    }
}

/// Verifies the signature of a request against the access keys in the store.
///
/// What is looked at first wins: completeness, the clock, the scope, the key, the signature. That
/// order is a belief; it reveals nothing about keys before the clock and the scope are right.
///
/// # Errors
/// A fault if the store fails; a bad signature is a refusal.
pub async fn verify(
    parts: &Parts,
    body: &[u8],
    store: &dyn Store,
    now: Timestamp,
    scope: Scope<'_>,
) -> Result<Result<Signer, Refused>, Fault> {
    let claim = match Claim::read(parts) {
        Ok(claim) => claim,
        Err(refused) => return Ok(Err(refused)),
    };
    // Where a user pool has a replica, this server is too.
    let mut view = store.read().await?;
    let claimed = claim.region().to_owned();
    let is_elsewhere = claimed != scope.region && view.is_replica_region(&claimed).await?;
    let scope = if is_elsewhere { Scope { region: &claimed, ..scope } } else { scope };
    let claim = match claim.check_circumstances(now, scope) {
        Ok(claim) => claim,
        Err(refused) => return Ok(Err(refused)),
    };
    let key = view.access_key(&claim.key_id).await?;
    Ok(claim.judge(parts, body, key))
}

/// The region that a signature names, whether it is right or not; none if there is no signature.
pub fn claimed_region(parts: &Parts) -> Option<String> {
    Claim::read(parts).ok().map(|claim| claim.region().to_owned())
}

/// What a request says about its own signature.
struct Claim {
    key_id: String,
    /// `date/region/service/terminator`, as sent.
    scope: [String; 4],
    /// Lower-case names, in the order in which they were signed.
    signed_headers: Vec<String>,
    signature: Vec<u8>,
    /// `YYYYMMDDTHHMMSSZ`.
    signed_at_text: String,
    signed_at: i64,
    /// Seconds after which it is too old.
    lifetime: i64,
}

impl Claim {
    /// Reads the claim from the header, or else from the query.
    fn read(parts: &Parts) -> Result<Self, Refused> {
        let query = Query::parse(parts.uri.query().unwrap_or_default());
        let claim = if let Some(value) = parts.headers.get(AUTHORIZATION) {
            Self::from_header(parts, &String::from_utf8_lossy(value.as_bytes()))?
        } else if query.value("X-Amz-Algorithm").is_some() {
            Self::from_query(&query)?
        } else {
            return Err(Refused::missing());
        };
        check_session_token(parts, &query)?;
        claim.check_signed_headers(parts)?;
        Ok(claim)
    }

    /// Reads an `Authorization` header.
    fn from_header(parts: &Parts, authorization: &str) -> Result<Self, Refused> {
        let fields = authorization_fields(authorization);
        let dated = match header_value(parts, "x-amz-date") {
            Some(date) => Some(date),
            None => header_value(parts, DATE.as_str()),
        };
        let missing = ["Credential", "Signature", "SignedHeaders"].into_iter();
        let missing = missing.filter(|name| !fields.contains_key(name));
        let mut problems: Vec<String> = missing
            .map(|name| format!("Authorization header requires '{name}' parameter. "))
            .collect();
        if dated.is_none() {
            let text = "Authorization header requires existence of either a 'X-Amz-Date' \
                        or a 'Date' header. ";
            problems.push(text.to_owned());
        }
        let field = |name| fields.get(name).copied();
        if let (Some(credential), Some(signature), Some(signed_headers), Some(date)) =
            (field("Credential"), field("Signature"), field("SignedHeaders"), dated)
        {
            return Self::new(credential, signature, signed_headers, &date, SKEW);
        }
        Err(Refused::incomplete(format!("{}Authorization={authorization}", problems.concat())))
    }

    /// Reads the parameters of a presigned request.
    fn from_query(query: &Query) -> Result<Self, Refused> {
        let names = ["X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date"];
        let has_algorithm = query.value("X-Amz-Algorithm") == Some(ALGORITHM);
        let algorithm = ["X-Amz-Algorithm"].into_iter().filter(|_| !has_algorithm);
        let missing = names.into_iter().filter(|name| query.value(name).is_none());
        let problems: Vec<String> = algorithm
            .chain(missing)
            .map(|name| format!("AWS query-string parameters must include '{name}'. "))
            .collect();
        match names.map(|name| query.value(name)) {
            [Some(credential), Some(signature), Some(signed_headers), Some(date)]
                if problems.is_empty() =>
            {
                let expires = query.value("X-Amz-Expires").map(str::parse::<u32>);
                let lifetime = match expires {
                    None => SKEW,
                    Some(Ok(seconds)) => i64::from(seconds).min(LONGEST_PRESIGNED),
                    Some(Err(_)) => {
                        let message = "X-Amz-Expires should be a number".to_owned();
                        return Err(Refused::incomplete(message));
                    }
                };
                Self::new(credential, signature, signed_headers, date, lifetime)
            }
            _ => {
                let message =
                    format!("{}Re-examine the query-string parameters.", problems.concat());
                Err(Refused::incomplete(message))
            }
        }
    }

    fn new(
        credential: &str,
        signature: &str,
        signed_headers: &str,
        date: &str,
        lifetime: i64,
    ) -> Result<Self, Refused> {
        let elements: Vec<&str> = credential.split('/').collect();
        let [key_id, scope_date, region, service, terminator] = elements.as_slice() else {
            return Err(Refused::incomplete(format!(
                "Credential must have exactly 5 slash-delimited elements, \
                 e.g. keyid/date/region/service/term, got '{credential}'"
            )));
        };
        let (signed_at, signed_at_text) = parse_date(date)?;
        Ok(Self {
            key_id: (*key_id).to_owned(),
            scope: [scope_date, region, service, terminator].map(|part| (*part).to_owned()),
            signed_headers: signed_headers.split(';').map(str::to_owned).collect(),
            // What isn't hexadecimal can't be a signature: an empty one never matches.
            signature: hex::decode(signature).unwrap_or_default(),
            signed_at_text,
            signed_at,
            lifetime,
        })
    }

    /// What decides about the meaning of a request must be signed: its host, its date, and the
    /// operation. Every SDK signs all three.
    fn check_signed_headers(&self, parts: &Parts) -> Result<(), Refused> {
        let is_signed = |name: &str| self.signed_headers.iter().any(|signed| signed == name);
        if !is_signed("host") {
            let message = "'Host' or ':authority' must be a 'SignedHeader' \
                           in the AWS Authorization.";
            return Err(Refused::invalid(message));
        }
        // `date` counts only where there is no `x-amz-date`. In the query form the date is part
        // of the query, which is signed as a whole.
        let dates = ["x-amz-date", "date"];
        let date = dates.into_iter().find(|name| parts.headers.contains_key(*name));
        let date = date.filter(|_| parts.headers.contains_key(AUTHORIZATION));
        let target = Some("x-amz-target").filter(|name| parts.headers.contains_key(*name));
        for name in [date, target].into_iter().flatten() {
            if !is_signed(name) {
                return Err(Refused::invalid(format!(
                    "'{name}' must be a 'SignedHeader' in the AWS Authorization."
                )));
            }
        }
        Ok(())
    }

    /// Whether the signature is of now and meant for this server.
    fn check_circumstances(self, now: Timestamp, scope: Scope<'_>) -> Result<Self, Refused> {
        let now = now.seconds();
        if now.saturating_sub(self.signed_at) > self.lifetime {
            return Err(Refused::invalid(format!(
                "Signature expired: {} is now earlier than {} ({} - {} min.)",
                self.signed_at_text,
                date_text(now.saturating_sub(self.lifetime)),
                date_text(now),
                self.lifetime / 60,
            )));
        }
        if self.signed_at.saturating_sub(now) > SKEW {
            return Err(Refused::invalid(format!(
                "Signature not yet current: {} is still later than {} ({} + {} min.)",
                self.signed_at_text,
                date_text(now.saturating_add(SKEW)),
                date_text(now),
                SKEW / 60,
            )));
        }
        self.check_scope(scope)?;
        Ok(self)
    }

    /// One clause for each part of the scope that is wrong.
    fn check_scope(&self, expected: Scope<'_>) -> Result<(), Refused> {
        let [date, region, service, terminator] = &self.scope;
        let day = self.signed_at_text.get(..8).unwrap_or_default();
        let at = &self.signed_at_text;
        let clauses = [
            (region != expected.region).then(|| {
                format!("Credential should be scoped to a valid region, not '{region}'. ")
            }),
            (service != expected.service).then(|| {
                let expected = expected.service;
                format!("Credential should be scoped to correct service: '{expected}'. ")
            }),
            (terminator != TERMINATOR).then(|| {
                format!(
                    "Credential should be scoped with a valid terminator: '{TERMINATOR}', \
                     not '{terminator}'. "
                )
            }),
            (date != day).then(|| {
                format!(
                    "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of \
                     date from HTTP: '{date}' != '{day}', from '{at}'."
                )
            }),
        ];
        let problems: String = clauses.into_iter().flatten().collect();
        if problems.is_empty() { Ok(()) } else { Err(Refused::invalid(problems)) }
    }

    /// The signer, if there is such a key and its secret makes the same signature.
    fn judge(&self, parts: &Parts, body: &[u8], key: Option<AccessKey>) -> Result<Signer, Refused> {
        let key = key.ok_or_else(Refused::unknown_key)?;
        self.check_signature(parts, body, &key.secret)?;
        let region = self.region().to_owned();
        Ok(Signer { access_key_id: key.id, name: key.name, region, policies: key.policies })
    }

    /// The region in the scope.
    const fn region(&self) -> &str {
        let [_, region, _, _] = &self.scope;
        region.as_str()
    }

    /// Whether the secret makes the same signature. Compared in constant time.
    fn check_signature(&self, parts: &Parts, body: &[u8], secret: &str) -> Result<(), Refused> {
        let Some(canonical) = self.canonical_request(parts, body) else {
            return Err(Refused::mismatch());
        };
        let to_sign = format!(
            "{ALGORITHM}\n{}\n{}\n{}",
            self.signed_at_text,
            self.scope.join("/"),
            sha256_hex(canonical.as_bytes())
        );
        hmac::verify(&self.signing_key(secret), to_sign.as_bytes(), &self.signature)
            .map_err(|_| Refused::mismatch())
    }

    /// The canonical request, or none if a header is missing that was signed.
    ///
    /// The last line is always the hash of the body that arrived: what a client claims in
    /// `x-amz-content-sha256` (such as `UNSIGNED-PAYLOAD`) does not count.
    fn canonical_request(&self, parts: &Parts, body: &[u8]) -> Option<String> {
        let method = parts.method.as_str();
        let path = canonical_path(parts.uri.path());
        let query = canonical_query(parts.uri.query().unwrap_or_default());
        let headers = canonical_headers(parts, &self.signed_headers)?;
        let names = self.signed_headers.join(";");
        let hash = sha256_hex(body);
        Some(format!("{method}\n{path}\n{query}\n{headers}\n{names}\n{hash}"))
    }

    /// The key for this day, region and service.
    fn signing_key(&self, secret: &str) -> hmac::Key {
        let first = hmac::Key::new(hmac::HMAC_SHA256, format!("AWS4{secret}").as_bytes());
        self.scope.iter().fold(first, |key, part| {
            hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref())
        })
    }
}

/// Poolhouse's keys are long-lived and have no session token, so one that comes along is wrong.
fn check_session_token(parts: &Parts, query: &Query) -> Result<(), Refused> {
    let name = "x-amz-security-token";
    let in_header = header_value(parts, name).is_some_and(|token| !token.is_empty());
    let in_query = query.value("X-Amz-Security-Token").is_some_and(|token| !token.is_empty());
    if in_header || in_query { Err(Refused::unknown_key()) } else { Ok(()) }
}

/// The `name=value` fields after the algorithm. None for another algorithm.
fn authorization_fields(authorization: &str) -> BTreeMap<&str, &str> {
    let fields = authorization.strip_prefix(ALGORITHM).unwrap_or_default();
    let fields = fields.split(',').filter_map(|field| field.split_once('='));
    fields
        .map(|(name, value)| (name.trim(), value.trim()))
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

/// Seconds since the epoch, and the basic ISO-8601 form that goes into the signature.
fn parse_date(text: &str) -> Result<(i64, String), Refused> {
    let basic = DateTime::strptime("%Y%m%dT%H%M%SZ", text).ok();
    let basic = basic.and_then(|date| date.to_zoned(TimeZone::UTC).ok());
    let moment = match basic {
        Some(moment) => Some(moment.timestamp()),
        None => rfc2822::parse(text).ok().map(|moment| moment.timestamp()),
    };
    match moment {
        Some(moment) => Ok((moment.as_second(), date_text(moment.as_second()))),
        None => Err(Refused::incomplete(format!(
            "Date must be in ISO-8601 'basic format'. Got '{text}'. \
             See http://en.wikipedia.org/wiki/ISO_8601"
        ))),
    }
}

/// The basic ISO-8601 form; empty outside of the calendar.
fn date_text(seconds: i64) -> String {
    let moment = jiff::Timestamp::from_second(seconds);
    moment.map_or_else(|_| String::new(), |at| at.strftime("%Y%m%dT%H%M%SZ").to_string())
}

fn sha256_hex(data: &[u8]) -> String {
    hex::encode(digest::digest(&digest::SHA256, data))
}

#[cfg(test)]
mod tests;
