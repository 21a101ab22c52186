//! Where the master key comes from: a file that only its owner can read, or an environment
//! variable.
//!
//! The key is 32 random bytes, written as 64 hexadecimal digits or as base64. Whoever has it and
//! the database can read every secret in there; without it they are lost.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use poolhouse_domain::ports::Entropy;
use zeroize::Zeroizing;

/// The bytes of a master key; wiped when dropped.
pub type KeyBytes = Zeroizing<[u8; 32]>;

/// The longest text that is read: a key, and some white space around it.
const LONGEST: u64 = 256;

/// Why there is no master key. The text says what to do.
#[derive(Debug)]
pub enum MasterKeyError {
    /// The file can't be read or written.
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Others than the owner may read or write the file.
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The content is no key.
    Malformed {
        /// The file or variable.
        place: String,
    },
    /// The environment variable is not set.
    Unset {
        /// Its name.
        variable: String,
    },
}

impl std::fmt::Display for MasterKeyError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io { path, error } if error.kind() == io::ErrorKind::NotFound => write!(
                f,
                "there is no master key file {}: restore it from your backup, or, for a new \
                 installation, make one with: \
                 (umask 077; head -c 32 /dev/urandom | base64 > {})",
                path.display(),
                path.display()
            ),
            Self::Io { path, error } => write!(
                f,
                "the master key file {} can't be used: {error}; check the path and its permissions",
                path.display()
            ),
            Self::Exposed { path, mode } => write!(
                f,
                "the master key file {} can be used by others (mode {mode:04o}): \
                 run chmod 600 {}",
                path.display(),
                path.display()
            ),
            Self::Malformed { place } => write!(
                f,
                "{place} holds no master key: it must be 32 bytes as base64 or as 64 hexadecimal \
                 digits"
            ),
            Self::Unset { variable } => {
                write!(f, "the environment variable {variable} is to hold the master key: set it")
            }
        }
    }
}

impl std::error::Error for MasterKeyError {}

/// Reads a key file. Refuses one that others than its owner may read or write.
pub fn read_file(path: &Path) -> Result<KeyBytes, MasterKeyError> {
    let failed = |error| MasterKeyError::Io { path: path.to_owned(), error };
    let file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(MasterKeyError::Exposed { path: path.to_owned(), mode });
    }
    let mut text = Zeroizing::new(String::new());
    file.take(LONGEST).read_to_string(&mut text).map_err(failed)?;
    parse(&text).ok_or_else(|| MasterKeyError::Malformed { place: path.display().to_string() })
}

/// Reads a key file, or makes one (mode 0600, durable before it is used) if there is none.
pub fn read_or_create_file(path: &Path, entropy: &dyn Entropy) -> Result<KeyBytes, MasterKeyError> {
    match fs::exists(path) {
        Ok(true) => {}
        Ok(false) => create_file(path, entropy)?,
        Err(error) => {
            return Err(MasterKeyError::Io { path: path.to_owned(), error });
        }
    }
    read_file(path)
}

/// Makes a key file. Nothing happens if another process was first.
pub fn create_file(path: &Path, entropy: &dyn Entropy) -> Result<(), MasterKeyError> {
    write_new(path, entropy).map_err(|error| MasterKeyError::Io { path: path.to_owned(), error })
}

/// Writes under another name first, so that the file has its whole content from its first moment,
/// even if the machine stops half-way.
fn write_new(path: &Path, entropy: &dyn Entropy) -> io::Result<()> {
    let mut key = Zeroizing::new([0_u8; 32]);
    entropy.fill(key.as_mut_slice());
    let mut text = Zeroizing::new(STANDARD.encode(key.as_slice()));
    text.push('\n');
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}.new", std::process::id()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    // Unlike a rename, a link never replaces a key that is already there.
    let linked = written.and_then(|()| match fs::hard_link(&draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    });
    fs::remove_file(&draft)?;
    linked?;
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

/// Reads the key out of the value of an environment variable, given with the variable's name.
pub fn from_variable(name: &str, value: Option<&str>) -> Result<KeyBytes, MasterKeyError> {
    let Some(value) = value else {
        return Err(MasterKeyError::Unset { variable: name.to_owned() });
    };
    let place = || format!("the environment variable {name}");
    parse(value).ok_or_else(|| MasterKeyError::Malformed { place: place() })
}

/// 32 bytes from hexadecimal digits or base64.
fn parse(text: &str) -> Option<KeyBytes> {
    let text = text.trim();
    let bytes = match hex::decode(text) {
        Ok(bytes) => bytes,
        Err(_) => STANDARD.decode(text).ok()?,
    };
    let bytes = Zeroizing::new(bytes);
    <[u8; 32]>::try_from(bytes.as_slice()).ok().map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use std::{fs::Permissions, os::unix::fs::PermissionsExt};

    use super::*;
    use crate::entropy::SystemEntropy;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn a_new_file_is_for_its_owner_only_and_is_read_again() {
        let folder = folder();
        let path = folder.path().join("master.key");
        let made = read_or_create_file(&path, &SystemEntropy).unwrap();
        let read = read_or_create_file(&path, &SystemEntropy).unwrap();
        assert!(made == read && *made != [0; 32]);
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_key_is_never_overwritten() {
        let folder = folder();
        let path = folder.path().join("master.key");
        let made = read_or_create_file(&path, &SystemEntropy).unwrap();
        create_file(&path, &SystemEntropy).unwrap();
        assert!(read_file(&path).unwrap() == made);
    }

    #[test]
    fn a_file_that_others_can_read_is_refused_with_the_command_that_helps() {
        let folder = folder();
        let path = folder.path().join("master.key");
        create_file(&path, &SystemEntropy).unwrap();
        for mode in [0o640, 0o604, 0o620] {
            fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let error = read_file(&path).unwrap_err().to_string();
            assert!(error.contains(&format!("chmod 600 {}", path.display())), "{error}");
        }
    }

    #[test]
    fn hexadecimal_and_base64_are_the_same_key() {
        let hex = "00".repeat(31) + "ff";
        let base64 = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAP8=";
        let one = from_variable("KEY", Some(&hex)).unwrap();
        let two = from_variable("KEY", Some(&format!(" {base64}\n"))).unwrap();
        assert!(one == two && one[31] == 255);
    }

    #[test]
    fn what_is_no_key_is_refused_without_being_shown() {
        let error = from_variable("POOLHOUSE_MASTER_KEY", Some("hunter2")).unwrap_err().to_string();
        assert!(error.contains("POOLHOUSE_MASTER_KEY") && !error.contains("hunter2"), "{error}");
        let error = from_variable("POOLHOUSE_MASTER_KEY", None).unwrap_err().to_string();
        assert!(error.contains("POOLHOUSE_MASTER_KEY"), "{error}");
        let folder = folder();
        let path = folder.path().join("master.key");
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).unwrap();
        let error = read_file(&path).unwrap_err().to_string();
        assert!(error.contains("holds no master key"), "{error}");
    }

    #[test]
    fn a_missing_file_and_a_missing_folder_are_told() {
        let path = folder().path().join("gone").join("master.key");
        assert!(read_file(&path).unwrap_err().to_string().contains("there is no master key file"));
        assert!(read_or_create_file(&path, &SystemEntropy).is_err());
    }
}
