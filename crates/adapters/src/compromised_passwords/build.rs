//! Making a filter from a list of passwords or of their SHA-1.
//!
//! Lists may be larger than memory: keys are spread over 256 temporary files by their first byte, and
//! each of these becomes a shard of its own. A billion passwords take 8 GB for these files, 2.3 GB for
//! the filter, and some 150 MB of memory.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufWriter, Read, Seek, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use aws_lc_rs::digest::{Context, SHA256};
use tempfile::NamedTempFile;
use xorf::BinaryFuse16;

use super::{MAGIC, MANY_SHARDS, key_of, key_of_hash, shard_of};

/// Up to so many passwords are in a single shard.
const MOST_IN_ONE: u64 = 1_000_000;
/// Bytes of the longest line.
const LONGEST_LINE: u64 = 4_096;

/// What the lines of a list are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// Passwords.
    Passwords,
    /// Passwords, of which the usual variants are known too: with a capital first letter, and then
    /// with `1`, `!`, `1!`, `123` and `123!` at the end.
    WithVariants,
    /// SHA-1 in hexadecimal digits, and, after a colon, how often the password came out. What came
    /// out less often than this is left out.
    Sha1 {
        /// The least.
        at_least: u64,
    },
}

/// Why no filter is made.
#[derive(Debug)]
pub enum BuildError {
    /// Reading or writing failed.
    Io(io::Error),
    /// A line is not what it should be.
    Line(u64, &'static str),
    /// The list is empty.
    Empty,
    /// The filter's construction failed, which happens by chance only.
    Construction,
}

impl std::fmt::Display for BuildError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Io(error) => error.fmt(f),
            Self::Line(number, why) => write!(f, "line {number} {why}"),
            Self::Empty => f.write_str("there is no password in the list"),
            Self::Construction => f.write_str("the filter could not be constructed"),
        }
    }
}

impl std::error::Error for BuildError {}

impl From<io::Error> for BuildError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Makes a filter, and answers how many passwords are in it. It takes the file's place only when it
/// is complete.
///
/// # Errors
/// [`BuildError`].
pub fn build(from: impl BufRead, lines: Lines, to: &Path) -> Result<u64, BuildError> {
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.map_or_else(|| PathBuf::from("."), Path::to_owned);
    let mut piles = Piles::new(&folder)?;
    spread(from, lines, &mut piles)?;
    if piles.count == 0 {
        return Err(BuildError::Empty);
    }
    let shards = if piles.count > MOST_IN_ONE { MANY_SHARDS } else { 1 };
    let mut parts = NamedTempFile::new_in(&folder)?;
    let mut writer = BufWriter::new(parts.as_file_mut());
    let mut passwords = 0;
    for keys in piles.shards(shards) {
        let mut keys = keys?;
        keys.sort_unstable();
        keys.dedup();
        passwords += keys.len() as u64;
        write_shard(&mut writer, &keys)?;
    }
    writer.flush()?;
    drop(writer);
    assemble(&mut parts, shards, passwords, &folder, to)?;
    Ok(passwords)
}

/// Puts the parts together, with what comes before and after them.
fn assemble(
    parts: &mut NamedTempFile,
    shards: usize,
    passwords: u64,
    folder: &Path,
    to: &Path,
) -> Result<(), BuildError> {
    // What is in it is no secret, and another user may run the server.
    let readable = fs::Permissions::from_mode(0o644);
    let mut whole = tempfile::Builder::new().permissions(readable).tempfile_in(folder)?;
    let mut sum = Context::new(&SHA256);
    let mut put = |bytes: &[u8]| {
        sum.update(bytes);
        whole.write_all(bytes)
    };
    put(&MAGIC)?;
    put(&u32::try_from(shards).unwrap_or_default().to_le_bytes())?;
    put(&passwords.to_le_bytes())?;
    parts.rewind()?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        let read = parts.read(&mut buffer)?;
        match buffer.split_at(read) {
            ([], _) => break,
            (piece, _) => put(piece)?,
        }
    }
    let checksum = sum.finish();
    whole.write_all(checksum.as_ref())?;
    whole.as_file().sync_all()?;
    whole.persist(to).map_err(|error| error.error)?;
    Ok(())
}

fn write_shard(to: &mut impl Write, keys: &[u64]) -> Result<(), BuildError> {
    let filter = BinaryFuse16::try_from(keys).map_err(|_| BuildError::Construction)?;
    let count = u32::try_from(filter.fingerprints.len()).map_err(|_| BuildError::Construction)?;
    to.write_all(&filter.descriptor.seed.to_le_bytes())?;
    to.write_all(&filter.descriptor.segment_length.to_le_bytes())?;
    to.write_all(&filter.descriptor.segment_count_length.to_le_bytes())?;
    to.write_all(&count.to_le_bytes())?;
    for fingerprint in &filter.fingerprints {
        to.write_all(&fingerprint.to_le_bytes())?;
    }
    Ok(())
}

/// Keys in temporary files, by their first byte.
struct Piles {
    files: Vec<BufWriter<File>>,
    count: u64,
}

impl Piles {
    fn new(folder: &Path) -> io::Result<Self> {
        let file = |_| tempfile::tempfile_in(folder).map(BufWriter::new);
        Ok(Self { files: (0..MANY_SHARDS).map(file).collect::<Result<_, _>>()?, count: 0 })
    }

    fn add(&mut self, key: u64) -> io::Result<()> {
        self.count += 1;
        match self.files.get_mut(shard_of(key)) {
            Some(file) => file.write_all(&key.to_le_bytes()),
            None => Ok(()),
        }
    }

    /// The keys of so many shards.
    fn shards(self, shards: usize) -> impl Iterator<Item = io::Result<Vec<u64>>> {
        let mut files = self.files.into_iter();
        let each = MANY_SHARDS / shards;
        (0..shards).map(move |_| {
            let mut keys = Vec::new();
            for file in files.by_ref().take(each) {
                read_keys(file, &mut keys)?;
            }
            Ok(keys)
        })
    }
}

fn read_keys(file: BufWriter<File>, keys: &mut Vec<u64>) -> io::Result<()> {
    let mut file = file.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.rewind()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    keys.extend(bytes.as_chunks().0.iter().map(|key| u64::from_le_bytes(*key)));
    Ok(())
}

/// Takes the keys of all lines.
fn spread(mut from: impl BufRead, lines: Lines, piles: &mut Piles) -> Result<(), BuildError> {
    let mut line = Vec::new();
    for number in 1.. {
        line.clear();
        let read = from.by_ref().take(LONGEST_LINE + 1).read_until(b'\n', &mut line)?;
        if read == 0 {
            break;
        }
        if read as u64 > LONGEST_LINE {
            return Err(BuildError::Line(number, "is too long for a password"));
        }
        let text = content(&line);
        if text.is_empty() {
            continue;
        }
        match lines {
            Lines::Passwords => piles.add(key_of(text))?,
            Lines::WithVariants => {
                for variant in variants(text) {
                    piles.add(key_of(&variant))?;
                }
            }
            Lines::Sha1 { at_least } => {
                let malformed = "is no SHA-1 in 40 hexadecimal digits, with or without `:count`";
                let (hash, count) = read_hash(text).ok_or(BuildError::Line(number, malformed))?;
                if count.is_none_or(|count| count >= at_least) {
                    piles.add(key_of_hash(&hash))?;
                }
            }
        }
    }
    Ok(())
}

/// A line without what ends it.
fn content(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// A SHA-1, and how often the password came out.
fn read_hash(line: &[u8]) -> Option<([u8; 20], Option<u64>)> {
    let text = str::from_utf8(line).ok()?;
    let (digits, count) = match text.split_once(':') {
        Some((digits, count)) => (digits, Some(count.trim().parse().ok()?)),
        None => (text, None),
    };
    let mut hash = [0; 20];
    hex::decode_to_slice(digits, &mut hash).ok()?;
    Some((hash, count))
}

/// A password and what people make of it where a policy asks for more.
fn variants(password: &[u8]) -> Vec<Vec<u8>> {
    const ENDINGS: [&[u8]; 6] = [b"", b"1", b"!", b"1!", b"123", b"123!"];
    let mut capital = password.to_vec();
    if let Some(first) = capital.first_mut() {
        first.make_ascii_uppercase();
    }
    let ended = ENDINGS.into_iter().map(|ending| [&capital, ending].concat());
    let mut variants: Vec<_> = std::iter::once(password.to_vec()).chain(ended).collect();
    variants.dedup();
    variants
}

#[cfg(test)]
mod tests {
    use poolhouse_domain::threat_protection::compromised::CompromisedPasswords;

    use super::*;
    use crate::compromised_passwords::Filter;

    fn built(list: &[u8], lines: Lines) -> Result<(u64, Filter), String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("known.filter");
        let count = build(list, lines, &file).map_err(|error| error.to_string())?;
        let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "nothing else is left");
        let filter = Filter::open(&file).unwrap();
        assert_eq!(filter.passwords(), count);
        Ok((count, filter))
    }

    #[test]
    fn lists_of_passwords_may_have_any_line_ends_and_repeat_themselves() {
        let (count, filter) = built(b"one\ntwo\r\n\none\n three", Lines::Passwords).unwrap();
        assert_eq!(count, 3);
        assert!(["one", "two", " three"].into_iter().all(|known| filter.contains(known)));
        assert!(["One", "three", "two\r", ""].into_iter().all(|own| !filter.contains(own)));
        let (count, filter) = built(b"one\n", Lines::WithVariants).unwrap();
        assert_eq!(count, 7);
        assert!(["one", "One", "One1!", "One123!"].into_iter().all(|one| filter.contains(one)));
        assert!(!filter.contains("one1"));
    }

    #[test]
    fn lists_of_hashes_may_tell_how_often_each_came_out() {
        // printf password | sha1sum; the same for hunter2 and qwerty
        let list = b"5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:9545824\r\n\
                     f3bbbd66a63d4bf1747940578ec3d0103530e21d:9\n\
                     B1B3773A05C0ED0176787A4F1574FF0075F7521E\n";
        let (count, filter) = built(list, Lines::Sha1 { at_least: 0 }).unwrap();
        assert_eq!(count, 3);
        assert!(["password", "hunter2", "qwerty"].into_iter().all(|one| filter.contains(one)));
        let (count, filter) = built(list, Lines::Sha1 { at_least: 10 }).unwrap();
        assert_eq!(count, 2, "what is not counted is kept");
        assert!(!filter.contains("hunter2"));
    }

    #[test]
    fn what_is_no_list_is_refused_with_the_line() {
        let hashes = Lines::Sha1 { at_least: 0 };
        let error = |list: &[u8], lines| built(list, lines).err().unwrap();
        let good = b"5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8\n".as_slice();
        assert!(error(&[good, b"password"].concat(), hashes).starts_with("line 2 is no SHA-1"));
        assert!(error(b"5BAA61E4C9B93F3F0682250B6CF8331B7EE68FD8:x", hashes).starts_with("line 1"));
        assert_eq!(error(b"\n\n", Lines::Passwords), "there is no password in the list");
        let long = vec![b'a'; 5_000];
        assert_eq!(error(&long, Lines::Passwords), "line 1 is too long for a password");
    }

    #[test]
    fn large_lists_have_many_shards_and_few_are_taken_for_known() {
        let list: Vec<u8> =
            (0..1_000_100_u32).flat_map(|n| format!("{n}\n").into_bytes()).collect();
        let (count, filter) = built(&list, Lines::Passwords).unwrap();
        assert_eq!((count, filter.shards.len()), (1_000_100, MANY_SHARDS));
        assert!((0..1_000_100).step_by(97).all(|n| filter.contains(&n.to_string())));
        let mistaken = (0..400_000).filter(|n| filter.contains(&format!("own {n}"))).count();
        // Six are to be expected at one in 65,536.
        assert!((0..=20).contains(&mistaken), "{mistaken}");
    }
}
