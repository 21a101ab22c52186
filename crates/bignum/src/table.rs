//! Powers of `g` from a table.
//!
//! An exponent of 256 bits is cut into its 11 lowest bits and 49 digits of 5 bits:
//!
//! ```text
//! e = low + Σ digit_i · 2^(11 + 5i)        g^e = 2^low · Π g^(digit_i · 2^(11 + 5i))
//! ```
//!
//! `2^low` is below `N` and costs nothing (one bit in an empty number), and each factor of the
//! product is looked up in a table: 49 multiplications instead of the 256 squarings and 50
//! multiplications of a general exponentiation. The table holds its entries times the Montgomery
//! constant `R`, and the accumulator starts without `R`, so that each Montgomery product cancels
//! one `R` and the last one already is the result.
//!
//! **Constant time.** Which entry is taken is a secret (the exponent derives from a password), and
//! the addresses a program touches can be seen through the processor's caches. So each look-up
//! reads all 32 entries of its digit and keeps one by masking. This reading is why the digits have
//! 5 bits: with 4 the multiplications cost more, with 6 the reading (1 MiB per power) and the
//! memory do.

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

use crate::NUMBER_BYTES;
use crate::ffi::{Integer, Montgomery};

/// The longest exponent the table serves.
const EXPONENT_BYTES: usize = 32;
/// Bits at the exponent's low end that need no table, since `2^(2^11 − 1)` is below `N`.
const LOW_BITS: usize = 11;
const DIGIT_BITS: usize = 5;
const DIGITS: usize = (EXPONENT_BYTES * 8 - LOW_BITS).div_ceil(DIGIT_BITS);
const LIMBS: usize = NUMBER_BYTES / 8;

/// A number as 64-bit words, least significant first.
type Limbs = [u64; LIMBS];

/// A 256-bit exponent, big-endian.
type Exponent = Zeroizing<[u8; EXPONENT_BYTES]>;

/// For each digit position `i` and each value `d` of the digit: `g^(d · 2^(11 + 5i)) · R mod N`.
pub(crate) struct PowersOfG(Vec<[Limbs; 1 << DIGIT_BITS]>);

impl PowersOfG {
    /// About 1,500 Montgomery products: some milliseconds.
    pub(crate) fn build(group: &Montgomery) -> Self {
        let mut step = power_of_two(1 << LOW_BITS, group);
        let mut table = Vec::with_capacity(DIGITS);
        for _ in 0..DIGITS {
            let mut row = [[0; LIMBS]; 1 << DIGIT_BITS];
            let mut entry = Integer::from_big_endian(&[1]).to_montgomery(group);
            for limbs in &mut row {
                *limbs = limbs_of(&entry);
                entry = entry.montgomery_product(&step, group);
            }
            table.push(row);
            // After the last digit value, `entry` is `step` once more than the digit can say: the
            // step of the next position.
            step = entry;
        }
        Self(table)
    }

    /// `g^exponent mod N`.
    pub(crate) fn power(&self, group: &Montgomery, exponent: &Exponent) -> Integer {
        let mut result = one_bit(bits(exponent, 0, LOW_BITS));
        for (position, row) in self.0.iter().enumerate() {
            let digit = bits(exponent, LOW_BITS + position * DIGIT_BITS, DIGIT_BITS);
            result = result.montgomery_product(&select(row, digit), group);
        }
        result
    }
}

/// `exponent` with leading zeros up to 32 bytes, or `None` if it is longer.
pub(crate) fn padded(exponent: &[u8]) -> Option<Exponent> {
    let mut padded = Zeroizing::new([0; EXPONENT_BYTES]);
    let free = EXPONENT_BYTES.checked_sub(exponent.len())?;
    padded.get_mut(free..)?.copy_from_slice(exponent);
    Some(padded)
}

/// `2^exponent · R mod N`, by a general exponentiation.
fn power_of_two(exponent: u16, group: &Montgomery) -> Integer {
    let exponent = Integer::from_big_endian(&exponent.to_be_bytes());
    Integer::from_big_endian(&[2]).power(&exponent, group).to_montgomery(group)
}

/// The integer of `count` bits (at most 16) that starts `from` bits above the exponent's lowest;
/// bits past its end are zero. Only `from` and `count`, which are no secrets, decide what is read.
fn bits(exponent: &Exponent, from: usize, count: usize) -> u64 {
    let wide = exponent
        .iter()
        .rev()
        .skip(from / 8)
        .take(3)
        .zip([0, 8, 16])
        .fold(0, |wide, (byte, shift)| wide | u64::from(*byte) << shift);
    (wide >> (from % 8)) & ((1 << count) - 1)
}

/// `2^position` for a position below 2^11, without a look at an address that depends on it.
fn one_bit(position: u64) -> Integer {
    let mut limbs = Zeroizing::new([0; LIMBS]);
    for (index, limb) in (0_u64..).zip(limbs.iter_mut()) {
        *limb = mask(index, position / 64) & (1 << (position % 64));
    }
    integer_of(&limbs)
}

/// The entry of a row, found by reading all of them.
fn select(row: &[Limbs], digit: u64) -> Integer {
    let mut selected = Zeroizing::new([0; LIMBS]);
    for (index, entry) in (0_u64..).zip(row) {
        let mask = mask(index, digit);
        for (limb, candidate) in selected.iter_mut().zip(entry) {
            *limb |= candidate & mask;
        }
    }
    integer_of(&selected)
}

/// All ones if the two are equal, otherwise zero; opaque to the optimiser.
fn mask(a: u64, b: u64) -> u64 {
    0_u64.wrapping_sub(u64::from(a.ct_eq(&b).unwrap_u8()))
}

fn limbs_of(integer: &Integer) -> Limbs {
    let bytes = integer.to_padded_little_endian();
    let (words, _) = bytes.as_chunks::<8>();
    let mut limbs = [0; LIMBS];
    for (limb, word) in limbs.iter_mut().zip(words) {
        *limb = u64::from_le_bytes(*word);
    }
    limbs
}

fn integer_of(limbs: &Limbs) -> Integer {
    let mut bytes = [0; NUMBER_BYTES];
    let (words, _) = bytes.as_chunks_mut::<8>();
    for (word, limb) in words.iter_mut().zip(limbs) {
        *word = limb.to_le_bytes();
    }
    let integer = Integer::from_little_endian(&bytes);
    bytes.zeroize();
    integer
}
