//! Licences and banned crates, by the lists in `deny.toml`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use toml::{Table, Value};

use super::{Finding, spdx};
use crate::test::cargo;
use crate::{Outcome, workspace};

/// The packages of others that our crates are built with, tests and all platforms included.
pub(super) struct Tree(BTreeSet<Package>);

/// A package of a registry.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Package {
    name: String,
    version: String,
    /// Its SPDX expression; empty if it states none.
    license: String,
}

impl Tree {
    /// Asks `cargo tree`: unlike `cargo metadata` it leaves out what no feature in use asks for.
    pub(super) fn read() -> Outcome<Self> {
        let mut tree = cargo();
        tree.args(["tree", "--workspace", "--edges", "all", "--target", "all"]);
        let output = tree.args(["--prefix", "none", "--format", "{p}\t{l}\t"]).output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
        }
        let packages = String::from_utf8(output.stdout)?;
        Ok(Self(packages.lines().filter_map(Package::read).collect()))
    }
}

impl Package {
    /// Reads `name v1.2.3 (proc-macro)`, tab, licence, tab. None for a package of ours, which comes
    /// with its path, and for lines that are no package.
    fn read(line: &str) -> Option<Self> {
        let (package, rest) = line.split_once('\t')?;
        let mut words = package.split(' ');
        let (name, version) = (words.next()?, words.next()?.strip_prefix('v')?);
        let is_ours = words.next().is_some_and(|source| source.starts_with("(/"));
        let license = rest.split('\t').next().unwrap_or_default().to_owned();
        let (name, version) = (name.to_owned(), version.to_owned());
        (!is_ours).then_some(Self { name, version, license })
    }
}

/// Every package that we do not write ourselves must be usable under licences of the list.
pub(super) fn licences(tree: &Tree) -> Finding {
    let rules = rules()?;
    let allowed = texts(&rules, "licenses", "allow");
    let mut problems = Vec::new();
    for package in &tree.0 {
        match spdx::permits(&package.license, &|name| allowed.contains(&name)) {
            Ok(true) => {}
            Ok(false) => problems.push(format!("{}: {}", shown(package), package.license)),
            Err(error) => problems.push(format!("{}: {error}", shown(package))),
        }
    }
    if problems.is_empty() {
        return Ok(format!("{} packages", tree.0.len()));
    }
    let advice = "replace these packages, or allow their licence in deny.toml";
    Err(format!("{advice}\n{}", problems.join("\n")).into())
}

/// No banned crate may be in the tree. Crates that are there in several versions are told.
pub(super) fn bans(tree: &Tree) -> Finding {
    let rules = rules()?;
    let banned = banned(&rules);
    let found = tree.0.iter().filter(|package| banned.contains(&package.name.as_str()));
    let found: Vec<_> = found.map(shown).collect();
    if !found.is_empty() {
        let advice = "find out with `cargo tree --invert NAME` who asks for these, and turn it off";
        return Err(format!("{advice}\n{}", found.join("\n")).into());
    }
    let twice = in_several_versions(&tree.0);
    if twice.is_empty() {
        return Ok(String::new());
    }
    Ok(format!("none; in several versions: {}", twice.join(", ")))
}

fn shown(package: &Package) -> String {
    format!("{} {}", package.name, package.version)
}

fn in_several_versions(packages: &BTreeSet<Package>) -> Vec<&str> {
    let mut versions = BTreeMap::<&str, u32>::new();
    for package in packages {
        *versions.entry(&package.name).or_default() += 1;
    }
    let several = versions.into_iter().filter(|(_, count)| *count > 1);
    several.map(|(name, _)| name).collect()
}

fn rules() -> Outcome<Table> {
    Ok(fs::read_to_string(workspace().join("deny.toml"))?.parse()?)
}

fn list<'a>(rules: &'a Table, section: &str, key: &str) -> impl Iterator<Item = &'a Value> {
    let list = rules.get(section).and_then(|section| section.get(key));
    list.and_then(Value::as_array).into_iter().flatten()
}

fn texts<'a>(rules: &'a Table, section: &str, key: &str) -> Vec<&'a str> {
    list(rules, section, key).filter_map(Value::as_str).collect()
}

/// The names in `bans.deny`.
fn banned(rules: &Table) -> Vec<&str> {
    let names = list(rules, "bans", "deny");
    names.filter_map(|entry| entry.get("crate")?.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_the_tree_is_read_unless_it_is_ours() {
        let serde = Package::read("serde_derive v1.0.1 (proc-macro)\tMIT OR Apache-2.0\t (*)");
        assert_eq!(serde.unwrap().license, "MIT OR Apache-2.0");
        let unstated = Package::read("thing v1.0.1\t\t");
        assert_eq!(unstated.unwrap().license, "");
        assert_eq!(Package::read("poolhouse v0.1.0 (/home/ada/poolhouse)\tApache-2.0\t"), None);
        assert_eq!(Package::read(""), None);
    }

    #[test]
    fn the_lists_are_read_from_deny_toml() {
        let rules = rules().unwrap();
        assert!(texts(&rules, "licenses", "allow").contains(&"Apache-2.0"));
        assert!(!texts(&rules, "licenses", "allow").contains(&"GPL-3.0-only"));
        assert!(banned(&rules).contains(&"ring"));
    }
}
