//! Arithmetic for SRP (RFC 5054) on the one group that Cognito's SRP uses: integers modulo `N`, the
//! 3072-bit prime of RFC 3526 group 15, with the generator `g = 2`.
//!
//! A [`Number`] is always reduced, that is in `0..N`. Exponents are plain big-endian bytes, because
//! they are not numbers of this group. Nothing here knows about passwords; `poolhouse-domain::srp`
//! does.
//!
//! | function | takes time that depends on | for |
//! |---|---|---|
//! | [`power_of_g`] | the exponent's length | `g^x`, `g^b`: a table makes it over four times faster than [`power`] |
//! | [`power`] | the exponent's length | secret exponents |
//! | [`power_public_exponent`] | the exponent's bits | exponents everybody saw, like SRP's `u` |
//!
//! Each of them keeps a processor core busy for a tenth to two thirds of a millisecond: call them
//! off the threads that serve connections. The table is built at first use, in a few milliseconds;
//! call [`prepare`] from a background thread at start to move this out of the first sign-in.
//!
//! The arithmetic is aws-lc's, reached through its C interface, which makes this the workspace's
//! only crate with `unsafe` code. It lives in `ffi`; this file and `table` are safe code.

mod ffi;
mod table;

use std::sync::LazyLock;

use ffi::{Integer, Montgomery};
use table::PowersOfG;
use zeroize::Zeroizing;

/// The bytes of a number of this group when it is written at full width.
pub const NUMBER_BYTES: usize = 384;

/// The generator of the group.
pub const G: u8 = 2;

static GROUP: LazyLock<Montgomery> = LazyLock::new(Montgomery::rfc3526_group_15);

static POWERS_OF_G: LazyLock<PowersOfG> = LazyLock::new(|| PowersOfG::build(&GROUP));

/// An integer in `0..N`. Its memory is wiped when it is dropped, and it does not print.
pub struct Number(Integer);

impl Number {
    /// Reads big-endian bytes of any length (none is zero) and reduces them modulo `N`.
    ///
    /// The work grows with the length: bound what comes from a network first.
    pub fn from_bytes(big_endian: &[u8]) -> Self {
        Self(Integer::from_big_endian(big_endian).reduced(&GROUP))
    }

    /// The shortest big-endian bytes: no leading zeros, and no byte at all for zero.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        self.0.to_big_endian()
    }

    /// Big-endian bytes at full width, with leading zeros.
    pub fn to_padded_bytes(&self) -> Zeroizing<[u8; NUMBER_BYTES]> {
        let mut bytes = self.0.to_padded_little_endian();
        bytes.reverse();
        bytes
    }

    /// Whether the number is zero; SRP refuses a client whose `A` is.
    pub fn is_zero(&self) -> bool {
        self.0.is_zero()
    }

    /// Whether two numbers are equal, in constant time.
    pub fn equals(&self, other: &Self) -> bool {
        self.0.equals(&other.0)
    }
}

impl std::fmt::Debug for Number {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Number(***)")
    }
}

/// Builds what is otherwise built at first use: the Montgomery context and the table of
/// [`power_of_g`].
pub fn prepare() {
    LazyLock::force(&POWERS_OF_G);
}

/// The prime `N`, big-endian.
pub fn modulus() -> Vec<u8> {
    GROUP.modulus().to_vec()
}

/// `g^exponent mod N`, in time that depends on the exponent's length only: all exponents of up to
/// 32 bytes take the same time (they use the table), longer ones take what [`power`] takes.
pub fn power_of_g(exponent: &[u8]) -> Number {
    match table::padded(exponent) {
        Some(exponent) => Number(POWERS_OF_G.power(&GROUP, &exponent)),
        None => power(&Number::from_bytes(&[G]), exponent),
    }
}

/// `base^exponent mod N`, in time that depends on the exponent's length only.
pub fn power(base: &Number, exponent: &[u8]) -> Number {
    Number(base.0.power(&Integer::from_big_endian(exponent), &GROUP))
}

/// `base^exponent mod N`, faster than [`power`]: its time tells about the exponent, which therefore
/// must not be a secret.
pub fn power_public_exponent(base: &Number, exponent: &[u8]) -> Number {
    Number(base.0.power_variable_time(&Integer::from_big_endian(exponent), &GROUP))
}

/// `a · b mod N`.
pub fn multiply(a: &Number, b: &Number) -> Number {
    Number(a.0.to_montgomery(&GROUP).montgomery_product(&b.0, &GROUP))
}

/// `a + b mod N`.
pub fn add(a: &Number, b: &Number) -> Number {
    Number(a.0.add(&b.0, &GROUP))
}

/// `a − b mod N`.
pub fn subtract(a: &Number, b: &Number) -> Number {
    Number(a.0.subtract(&b.0, &GROUP))
}

#[cfg(test)]
mod tests {
    use num_bigint::BigUint;

    use super::*;

    /// RFC 3526 section 4.
    const PRIME: &str = "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74\
        020BBEA63B139B22514A08798E3404DDEF9519B3CD3A431B302B0A6DF25F1437\
        4FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6F406B7ED\
        EE386BFB5A899FA5AE9F24117C4B1FE649286651ECE45B3DC2007CB8A163BF05\
        98DA48361C55D39A69163FA8FD24CF5F83655D23DCA3AD961C62F356208552BB\
        9ED529077096966D670C354E4ABC9804F1746C08CA18217C32905E462E36CE3B\
        E39E772C180E86039B2783A2EC07A28FB5C55DF06F4C52C9DE2BCBF695581718\
        3995497CEA956AE515D2261898FA051015728E5A8AAAC42DAD33170D04507A33\
        A85521ABDF1CBA64ECFB850458DBEF0A8AEA71575D060C7DB3970F85A6E1E4C7\
        ABF5AE8CDB0933D71E8C94E04A25619DCEE3D2261AD2EE6BF12FFA06D98A0864\
        D87602733EC86A64521F2B18177B200CBBE117577A615D6C770988C0BAD946E2\
        08E24FA074E5AB3143DB5BFCE0FD108E4B82D120A93AD2CAFFFFFFFFFFFFFFFF";

    fn prime() -> BigUint {
        BigUint::parse_bytes(PRIME.as_bytes(), 16).unwrap()
    }

    /// Bytes that look random and are the same in every run (xorshift64*).
    struct Noise(u64);

    impl Noise {
        fn next(&mut self) -> u64 {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
        }

        fn bytes(&mut self, length: usize) -> Vec<u8> {
            (0..length).map(|_| self.next().to_be_bytes()[0]).collect()
        }
    }

    fn same(ours: &Number, theirs: &BigUint) -> bool {
        let theirs = if *theirs == BigUint::ZERO { Vec::new() } else { theirs.to_bytes_be() };
        *ours.to_bytes() == theirs
    }

    fn edge_cases() -> Vec<BigUint> {
        let one = BigUint::from(1_u8);
        vec![
            BigUint::ZERO,
            one.clone(),
            BigUint::from(2_u8),
            (&one << 64) - &one,
            &one << 3071,
            prime() - &one,
            prime(),
            prime() + &one,
            (&one << 3072) - &one,
            (&one << 4096) - &one,
        ]
    }

    #[test]
    fn the_modulus_is_the_prime_of_rfc_3526_group_15() {
        assert_eq!(modulus(), prime().to_bytes_be());
    }

    #[test]
    fn numbers_are_reduced_and_written_without_leading_zeros() {
        for value in edge_cases() {
            let mut bytes = vec![0; 3];
            bytes.extend(value.to_bytes_be());
            let number = Number::from_bytes(&bytes);
            let reduced = value % prime();
            assert!(same(&number, &reduced));
            assert_eq!(BigUint::from_bytes_be(&*number.to_padded_bytes()), reduced);
            assert_eq!(number.is_zero(), reduced == BigUint::ZERO);
        }
        assert!(Number::from_bytes(&[]).is_zero());
        assert!(Number::from_bytes(&[]).to_bytes().is_empty());
    }

    #[test]
    fn sums_differences_and_products_agree_with_num_bigint() {
        let mut noise = Noise(1);
        let mut values = edge_cases();
        values.extend((1..=24).map(|n| BigUint::from_bytes_be(&noise.bytes(n * 16))));
        for a in &values {
            for b in &values {
                let (x, y) =
                    (Number::from_bytes(&a.to_bytes_be()), Number::from_bytes(&b.to_bytes_be()));
                let (a, b) = (a % prime(), b % prime());
                assert!(same(&add(&x, &y), &((&a + &b) % prime())));
                assert!(same(&subtract(&x, &y), &((&a + prime() - &b) % prime())));
                assert!(same(&multiply(&x, &y), &((&a * &b) % prime())));
                assert_eq!(x.equals(&y), a == b);
            }
        }
    }

    #[test]
    fn powers_of_g_agree_with_num_bigint_for_exponents_of_every_length() {
        let mut noise = Noise(2);
        let mut exponents: Vec<Vec<u8>> = (0..=70).map(|length| noise.bytes(length)).collect();
        exponents.push(noise.bytes(128));
        exponents.extend((0..24).map(|_| noise.bytes(32)));
        exponents.extend([vec![0], vec![1], vec![0; 32], vec![255; 32], vec![0; 64]]);
        exponents.extend([vec![255; 33], vec![7, 255], vec![8, 0], vec![8, 1]]);
        exponents
            .extend((0_u32..256).step_by(3).map(|bit| (BigUint::from(1_u8) << bit).to_bytes_be()));
        for exponent in exponents {
            let expected = BigUint::from(G).modpow(&BigUint::from_bytes_be(&exponent), &prime());
            assert!(same(&power_of_g(&exponent), &expected), "{} bytes", exponent.len());
        }
    }

    #[test]
    fn powers_agree_with_num_bigint() {
        let mut noise = Noise(3);
        let mut bases = edge_cases();
        bases.extend((0..4).map(|_| BigUint::from_bytes_be(&noise.bytes(384))));
        let mut exponents = vec![vec![], vec![0], vec![1], vec![0, 0, 2], vec![255; 32]];
        exponents.extend([8, 31, 32, 33, 64, 65, 128].map(|length| noise.bytes(length)));
        for base in &bases {
            for exponent in &exponents {
                let expected = base.modpow(&BigUint::from_bytes_be(exponent), &prime());
                let base = Number::from_bytes(&base.to_bytes_be());
                assert!(same(&power(&base, exponent), &expected));
                assert!(same(&power_public_exponent(&base, exponent), &expected));
            }
        }
    }

    #[test]
    fn exponents_add_up_across_threads() {
        let threads: Vec<_> = (1_u64..5)
            .map(|seed| {
                std::thread::spawn(move || {
                    let mut noise = Noise(seed);
                    for _ in 0..20 {
                        let (a, b) = (noise.bytes(31), noise.bytes(31));
                        let sum = BigUint::from_bytes_be(&a) + BigUint::from_bytes_be(&b);
                        let product = multiply(&power_of_g(&a), &power_of_g(&b));
                        assert!(product.equals(&power_of_g(&sum.to_bytes_be())));
                    }
                })
            })
            .collect();
        for thread in threads {
            thread.join().unwrap();
        }
    }

    #[test]
    fn a_number_does_not_print_its_value() {
        assert_eq!(format!("{:?}", Number::from_bytes(&[42])), "Number(***)");
    }
}
