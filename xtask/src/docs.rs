//! Pages of the documentation that would drift if they were written by hand.

use std::fs;
use std::path::PathBuf;

use crate::test::tested_errors::TestedErrors;
use crate::{Outcome, codegen, workspace};

/// Command line of `cargo xtask docs`.
#[derive(clap::Args)]
pub(crate) struct Args {}

/// Writes the pages.
pub(crate) fn run(_: &Args) -> Outcome {
    for (path, text) in pages()? {
        if !fs::read_to_string(&path).is_ok_and(|old| old == text) {
            fs::write(&path, text)?;
            println!("wrote {}", path.display());
        }
    }
    Ok(())
}

/// Fails if a page is not what would be written.
pub(crate) fn check() -> Outcome {
    let mut stale = Vec::new();
    for (path, text) in pages()? {
        if !fs::read_to_string(&path).is_ok_and(|old| old == text) {
            stale.push(path.display().to_string());
        }
    }
    if stale.is_empty() {
        return Ok(());
    }
    Err(format!("run `cargo xtask docs`, which writes {}", stale.join(", ")).into())
}

/// Every page with its text.
fn pages() -> Outcome<Vec<(PathBuf, String)>> {
    let operations = codegen::operations_page(&TestedErrors::stored()?)?;
    Ok(vec![(workspace().join("docs/operations.md"), operations)])
}
