//! Lists of compromised passwords: which one a server looks passwords up in, and how one is made.

use std::{
    fs::File,
    io::{self, BufRead, BufReader},
    path::Path,
};

use poolhouse_adapters::compromised_passwords::{
    Filter,
    build::{BuildError, Lines, build},
};

use crate::{Outcome, cli::CompromisedPasswordsCommand};

/// The list in this file, or else the one that comes with the binary.
pub(crate) fn load(file: Option<&Path>) -> Outcome<Filter> {
    let Some(path) = file else { return Ok(Filter::built_in()?) };
    let filter = Filter::open(path).map_err(|error| format!("compromised_passwords: {error}"))?;
    let passwords = filter.passwords();
    tracing::info!(passwords, file = %path.display(), "compromised passwords are loaded");
    Ok(filter)
}

/// Runs a `compromised-passwords` command; answers what to print.
pub(crate) fn run(command: &CompromisedPasswordsCommand) -> Outcome<String> {
    let CompromisedPasswordsCommand::Build { from, out, hashes, at_least, variants } = command;
    let lines = match (hashes, variants) {
        (Some(_), _) => Lines::Sha1 { at_least: *at_least },
        (None, true) => Lines::WithVariants,
        (None, false) => Lines::Passwords,
    };
    let list: Box<dyn BufRead> = if from == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        let file = File::open(from)
            .map_err(|error| format!("--from {} can't be read: {error}", from.display()))?;
        Box::new(BufReader::with_capacity(1 << 20, file))
    };
    let count = build(list, lines, out).map_err(|error| match error {
        BuildError::Io(error) => format!("--out {}: {error}", out.display()),
        error => format!("--from {}: {error}", from.display()),
    })?;
    Ok(format!("{count} passwords are in {}\n", out.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_built_and_loaded_and_problems_name_the_option() {
        let folder = tempfile::tempdir().unwrap();
        let (list, filter) = (folder.path().join("list"), folder.path().join("filter"));
        let command = |hashes| CompromisedPasswordsCommand::Build {
            from: list.clone(),
            out: filter.clone(),
            hashes,
            at_least: 0,
            variants: false,
        };
        let problem = run(&command(None)).err().unwrap().to_string();
        assert!(problem.starts_with("--from ") && problem.contains("can't be read"), "{problem}");
        std::fs::write(&list, "swordfish\nrosebud\n").unwrap();
        let problem = run(&command(Some(crate::cli::HashAlgorithm::Sha1))).err().unwrap();
        assert!(problem.to_string().contains("list: line 1 is no SHA-1"), "{problem}");
        assert!(load(Some(&filter)).is_err());
        let told = run(&command(None)).unwrap();
        assert!(told.starts_with("2 passwords are in "), "{told}");
        assert_eq!(load(Some(&filter)).unwrap().passwords(), 2);
        let problem = load(Some(&list)).err().unwrap().to_string();
        assert!(problem.starts_with("compromised_passwords: "), "{problem}");
        assert!(load(None).unwrap().passwords() > 2);
    }
}
