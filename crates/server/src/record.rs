//! `dev --record FILE`: every answer of the user pools API, a line of JSON each.
//!
//! For those who look into what a client got, and for the acceptance tests, which compare every
//! answer that any client got with the service model. The file holds tokens and codes.

use std::{
    fs::{File, OpenOptions},
    io::Write,
    path::Path,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use http::{HeaderMap, Response, request::Parts};
use poolhouse_api::is_for_key_service;
use serde_json::{Map, Value, json};

/// A file that answers are appended to.
pub(crate) struct Record {
    file: Mutex<File>,
}

impl Record {
    /// Opens the file, or makes it, readable to its owner only.
    pub(crate) fn open(path: &Path) -> std::io::Result<Self> {
        let mut options = OpenOptions::new();
        options.create(true).append(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        Ok(Self { file: Mutex::new(options.open(path)?) })
    }

    /// Appends an answer, if the request named an operation of the user pools API. A line is one write, so that it is
    /// whole even if the process is killed.
    pub(crate) fn note(&self, request: &Parts, response: &Response<Bytes>) {
        let target = request.headers.get("x-amz-target").and_then(|value| value.to_str().ok());
        let operation = target.and_then(|target| target.split_once('.'));
        let Some((_, operation)) = operation.filter(|_| !is_for_key_service(request)) else {
            return;
        };
        let line = json!({
            "operation": operation,
            "status": response.status().as_u16(),
            "headers": shown(response.headers()),
            "body": String::from_utf8_lossy(response.body()),
        });
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.write_all(format!("{line}\n").as_bytes()) {
            tracing::warn!(%error, "an answer was not recorded");
        }
    }
}

fn shown(headers: &HeaderMap) -> Value {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let pairs = headers.iter().map(|(name, value)| (name.to_string(), Value::from(text(value))));
    Value::Object(pairs.collect::<Map<_, _>>())
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    #[test]
    fn answers_of_operations_are_appended_and_others_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("answers");
        let record = Record::open(&path).unwrap();
        let mut answer = Response::new(Bytes::from_static(b"{\"a\":\"line\\nend\"}"));
        answer.headers_mut().insert("x-amzn-requestid", http::HeaderValue::from_static("7"));
        let target = "AWSCognitoIdentityProviderService.GetUser";
        let asked = Request::post("/").header("x-amz-target", target).body(()).unwrap();
        record.note(&asked.into_parts().0, &answer);
        record.note(&Request::get("/").body(()).unwrap().into_parts().0, &answer);
        let target = "TrentService.Decrypt";
        let asked = Request::post("/").header("x-amz-target", target).body(()).unwrap();
        record.note(&asked.into_parts().0, &answer);
        drop(record);
        Record::open(&path).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let expected = json!({
            "operation": "GetUser", "status": 200, "headers": { "x-amzn-requestid": "7" },
            "body": "{\"a\":\"line\\nend\"}",
        });
        assert_eq!(lines, [expected]);
    }
}
