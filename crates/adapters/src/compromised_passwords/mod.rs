//! Passwords that are known to have come out, in a filter: a file that knows of each password whether
//! it is in the list, without holding any of them.
//!
//! It takes 18 bits for each password, is never wrong about one that is in the list, and takes one in
//! 65,536 others for known. Passwords are looked up by the first 64 bits of their SHA-1, in which the
//! lists that go around come. SHA-1 protects nothing here.
//!
//! ```text
//! magic     8 bytes
//! shards    u32      1, or 256: one for each first byte of the SHA-1
//! passwords u64
//! each shard         seed u64, segment length u32, length of all segments u32,
//!                    number of fingerprints u32, fingerprints u16
//! checksum  32 bytes SHA-256 of everything before
//! ```
//!
//! Numbers are little-endian.

pub mod build;

use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::{Path, PathBuf},
};

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use poolhouse_domain::threat_protection::compromised::CompromisedPasswords;
use xorf::{BinaryFuse16, Filter as _};

/// What a filter begins with. The last byte is the version of the form.
const MAGIC: [u8; 8] = *b"PHKNOWN1";
/// Bytes of the checksum.
const CHECKSUM: usize = 32;
/// Shards of a filter for many passwords.
const MANY_SHARDS: usize = 256;

/// The commonest passwords; `docs/decisions/0018-compromised-passwords.md` tells where from.
const BUILT_IN: &[u8] = include_bytes!("common.filter");

/// A list of passwords, loaded into memory.
pub struct Filter {
    shards: Vec<BinaryFuse16>,
    passwords: u64,
}

/// Why a filter can't be used.
#[derive(Debug)]
pub enum FilterError {
    /// The file can't be read.
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// The file is no filter, or is damaged.
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
}

impl std::fmt::Display for FilterError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io { path, error } => write!(f, "{} can't be read: {error}", path.display()),
            Self::Damaged { path, why } => write!(
                f,
                "{} {why}: make the filter with `poolhouse compromised-passwords build`",
                path.display()
            ),
        }
    }
}

impl std::error::Error for FilterError {}

/// Why something is not read as a filter.
enum Unreadable {
    Io(io::Error),
    Damaged(&'static str),
}

impl From<io::Error> for Unreadable {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Damaged("is cut off"),
            _ => Self::Io(error),
        }
    }
}

impl Filter {
    /// The list that comes with Poolhouse: a few thousand of the commonest passwords.
    ///
    /// # Errors
    /// The binary is damaged.
    pub fn built_in() -> Result<Self, FilterError> {
        Self::read(BUILT_IN, BUILT_IN.len() as u64)
            .map_err(|why| why.of(Path::new("built-in list")))
    }

    /// Loads a filter from a file.
    ///
    /// # Errors
    /// The file can't be read, is no filter, or is damaged.
    pub fn open(path: &Path) -> Result<Self, FilterError> {
        let read = || {
            let file = File::open(path)?;
            let length = file.metadata()?.len();
            Self::read(BufReader::with_capacity(1 << 20, file), length)
        };
        read().map_err(|why| why.of(path))
    }

    /// How many passwords are in the list.
    pub const fn passwords(&self) -> u64 {
        self.passwords
    }

    fn read(from: impl Read, length: u64) -> Result<Self, Unreadable> {
        let mut from = Summed { inner: from, sum: Context::new(&SHA256) };
        if from.array()? != MAGIC {
            return Err(Unreadable::Damaged("is no filter of compromised passwords"));
        }
        let shards = u32::from_le_bytes(from.array()?) as usize;
        if shards != 1 && shards != MANY_SHARDS {
            return Err(Unreadable::Damaged("has a strange number of parts"));
        }
        let passwords = u64::from_le_bytes(from.array()?);
        let shards = (0..shards).map(|_| shard(&mut from, length)).collect::<Result<_, _>>()?;
        let Summed { mut inner, sum } = from;
        let mut checksum = [0; CHECKSUM];
        inner.read_exact(&mut checksum)?;
        if sum.finish().as_ref() != checksum {
            return Err(Unreadable::Damaged("is damaged: its checksum is wrong"));
        }
        Ok(Self { shards, passwords })
    }

    /// Whether a key is in the list, or is taken for one.
    fn has(&self, key: u64) -> bool {
        let shard = match self.shards.as_slice() {
            [only] => Some(only),
            many => many.get(shard_of(key)),
        };
        shard.is_some_and(|shard| shard.contains(&key))
    }
}

impl Unreadable {
    fn of(self, path: &Path) -> FilterError {
        let path = path.to_owned();
        match self {
            Self::Io(error) => FilterError::Io { path, error },
            Self::Damaged(why) => FilterError::Damaged { path, why },
        }
    }
}

impl CompromisedPasswords for Filter {
    fn contains(&self, password: &str) -> bool {
        self.has(key_of(password.as_bytes()))
    }
}

/// Something that is read and summed up.
struct Summed<R> {
    inner: R,
    sum: Context,
}

impl<R: Read> Summed<R> {
    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> io::Result<()> {
        self.inner.read_exact(bytes)?;
        self.sum.update(bytes);
        Ok(())
    }
}

/// Reads a shard of a file of this length.
fn shard<R: Read>(from: &mut Summed<R>, length: u64) -> Result<BinaryFuse16, Unreadable> {
    let seed = u64::from_le_bytes(from.array()?);
    let segment_length = u32::from_le_bytes(from.array()?);
    let segment_count_length = u32::from_le_bytes(from.array()?);
    let count = u32::from_le_bytes(from.array()?);
    // A key leads into three segments in a row. What is beyond the last would be a panic.
    let reached = u64::from(segment_count_length) + 2 * u64::from(segment_length);
    let is_whole = segment_length.is_power_of_two()
        && segment_count_length > 0
        && segment_count_length.is_multiple_of(segment_length)
        && reached <= u64::from(count)
        && u64::from(count) * 2 <= length;
    if !is_whole {
        return Err(Unreadable::Damaged("is damaged: a part of it has a wrong form"));
    }
    let mut fingerprints = Vec::with_capacity(count as usize);
    let mut buffer = [0; 8_192];
    let mut left = count as usize * 2;
    while left > 0 {
        let (piece, _) = buffer.split_at_mut(left.min(8_192));
        from.fill(piece)?;
        left -= piece.len();
        fingerprints.extend(piece.as_chunks().0.iter().map(|pair| u16::from_le_bytes(*pair)));
    }
    // The type of the descriptor has no public name, so another filter's is overwritten.
    let any = BinaryFuse16::try_from([0].as_slice());
    let mut filter = any.map_err(|_| Unreadable::Damaged("can't be loaded"))?;
    filter.descriptor.seed = seed;
    filter.descriptor.segment_length = segment_length;
    filter.descriptor.segment_length_mask = segment_length - 1;
    filter.descriptor.segment_count_length = segment_count_length;
    filter.fingerprints = fingerprints.into();
    Ok(filter)
}

/// By what a password is looked up.
fn key_of(password: &[u8]) -> u64 {
    key_of_hash(digest(&SHA1_FOR_LEGACY_USE_ONLY, password).as_ref())
}

/// The same from its SHA-1.
fn key_of_hash(sha1: &[u8]) -> u64 {
    u64::from_be_bytes(sha1.first_chunk().copied().unwrap_or_default())
}

/// In which of many shards a key is.
const fn shard_of(key: u64) -> usize {
    (key >> 56) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_list_knows_common_passwords_and_their_usual_endings() {
        let list = Filter::built_in().unwrap();
        assert!(list.passwords() > 15_000 && BUILT_IN.len() <= 50_000, "{}", list.passwords());
        for known in ["123456", "password", "Password1!", "Qwerty123!", "dragon"] {
            assert!(list.contains(known), "{known}");
        }
        for own in ["Correct-Horse-7", "Battery-Staple-8", "", "pässwörd"] {
            assert!(!list.contains(own), "{own}");
        }
    }

    #[test]
    fn a_filter_that_is_cut_off_or_changed_is_refused() {
        let read = |bytes: &[u8]| match Filter::read(bytes, bytes.len() as u64) {
            Ok(_) => None,
            Err(Unreadable::Damaged(why)) => Some(why),
            Err(Unreadable::Io(error)) => panic!("{error}"),
        };
        assert_eq!(read(BUILT_IN), None);
        assert_eq!(read(&BUILT_IN[..BUILT_IN.len() - 1]), Some("is cut off"));
        assert_eq!(read(b"PHKNOWN"), Some("is cut off"));
        assert_eq!(
            read(&[b"123456:7".as_slice(), BUILT_IN].concat()),
            Some("is no filter of compromised passwords")
        );
        for (at, why) in [
            (0, "is no filter of compromised passwords"),
            (8, "has a strange number of parts"),
            (13, "is damaged: its checksum is wrong"),
            (20, "is damaged: its checksum is wrong"),
            (29, "is damaged: a part of it has a wrong form"),
            (33, "is damaged: a part of it has a wrong form"),
            (39, "is damaged: a part of it has a wrong form"),
            (20_000, "is damaged: its checksum is wrong"),
            (BUILT_IN.len() - 1, "is damaged: its checksum is wrong"),
        ] {
            let mut changed = BUILT_IN.to_vec();
            changed[at] ^= 0x55;
            assert_eq!(read(&changed), Some(why), "{at}");
        }
    }

    #[test]
    fn a_missing_file_is_named() {
        let problem = Filter::open(Path::new("nowhere/known.filter")).err().unwrap().to_string();
        assert!(problem.starts_with("nowhere/known.filter can't be read: "), "{problem}");
    }
}
