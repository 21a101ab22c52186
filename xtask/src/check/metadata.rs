//! What the manifests of this workspace say.

use std::path::PathBuf;

use serde_json::Value;

use crate::Outcome;
use crate::test::cargo;

/// A package of the workspace.
pub(crate) struct Package {
    pub name: String,
    /// The folder of its manifest.
    pub folder: PathBuf,
    pub dependencies: Vec<Dependency>,
}

/// What a package's manifest asks for.
pub(crate) struct Dependency {
    pub name: String,
    /// Under `[dev-dependencies]`.
    pub is_dev: bool,
}

/// Asks cargo for the packages of the workspace.
pub(crate) fn members() -> Outcome<Vec<Package>> {
    let output = cargo().args(["metadata", "--no-deps", "--format-version", "1"]).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let answer: Value = serde_json::from_slice(&output.stdout)?;
    let packages = list(&answer, "packages").map(Package::read).collect::<Option<_>>();
    packages.ok_or_else(|| "`cargo metadata` answers in an unknown form".into())
}

impl Package {
    fn read(package: &Value) -> Option<Self> {
        let manifest = PathBuf::from(package.get("manifest_path")?.as_str()?);
        let dependencies = list(package, "dependencies").map(Dependency::read);
        Some(Self {
            name: package.get("name")?.as_str()?.to_owned(),
            folder: manifest.parent()?.to_owned(),
            dependencies: dependencies.collect::<Option<_>>()?,
        })
    }
}

impl Dependency {
    fn read(dependency: &Value) -> Option<Self> {
        let name = dependency.get("name")?.as_str()?.to_owned();
        let is_dev = dependency.get("kind")?.as_str() == Some("dev");
        Some(Self { name, is_dev })
    }
}

fn list<'a>(object: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    object.get(name).and_then(Value::as_array).into_iter().flatten()
}
