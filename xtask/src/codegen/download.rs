//! Fetches the service model from a release of botocore and takes its prose out.

use std::process::Command;

use serde_json::{Map, Value};

use crate::Outcome;

/// Reads the model out of the wheel, because Python has zip and gzip at hand.
const UNPACK: &str = "\
import glob, gzip, sys, zipfile
wheel = zipfile.ZipFile(glob.glob(sys.argv[1] + '/*.whl')[0])
packed = wheel.read('botocore/data/cognito-idp/2016-04-18/service-2.json.gz')
sys.stdout.buffer.write(gzip.decompress(packed))
";

/// The service model of botocore `version`, without prose, with a note of where it is from.
pub(super) fn service_model(version: &str) -> Outcome<Value> {
    let folder = tempfile::tempdir()?;
    let download = Command::new("python3")
        .args(["-m", "pip", "--quiet", "download", "--no-deps", "--dest"])
        .arg(folder.path())
        .arg(format!("botocore=={version}"))
        .status()?;
    if !download.success() {
        return Err(format!("pip could not download botocore {version}").into());
    }
    let unpacked = Command::new("python3").args(["-c", UNPACK]).arg(folder.path()).output()?;
    if !unpacked.status.success() {
        return Err(String::from_utf8_lossy(&unpacked.stderr).into_owned().into());
    }
    let Value::Object(mut model) = serde_json::from_slice(&unpacked.stdout)? else {
        return Err("the service model is not an object".into());
    };
    let mut noted = Map::new();
    noted.insert("botocore".to_owned(), Value::String(version.to_owned()));
    noted.append(&mut model);
    let mut noted = Value::Object(noted);
    strip_prose(&mut noted);
    Ok(noted)
}

/// Removes every documentation string; a member that is called so would hold an object.
fn strip_prose(value: &mut Value) {
    match value {
        Value::Object(entries) => {
            entries.retain(|key, value| {
                !(value.is_string() && (key == "documentation" || key == "deprecatedMessage"))
            });
            entries.values_mut().for_each(strip_prose);
        }
        Value::Array(items) => items.iter_mut().for_each(strip_prose),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn prose_goes_and_members_of_that_name_stay() {
        let mut model = json!({"a": [{"documentation": "prose", "documentation2": 1}],
            "members": {"documentation": {"shape": "X", "documentation": "prose"}}});
        strip_prose(&mut model);
        assert_eq!(
            model,
            json!({"a": [{"documentation2": 1}], "members": {"documentation": {"shape": "X"}}})
        );
    }
}
