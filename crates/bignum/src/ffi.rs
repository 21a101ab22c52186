//! The C side: aws-lc's big integers behind types that free and wipe them.
//!
//! Two facts make the blocks below sound. An [`Integer`] owns a `BIGNUM` that aws-lc made and that
//! nobody else points to, so that `&Integer` is enough for the functions that take `const BIGNUM
//! *`. And [`Montgomery`] never changes after it was built.
//!
//! The functions called here fail when memory runs out or when an argument is out of its range. The
//! second is excluded by what their callers hold (numbers below `N`, exponents that aren't
//! negative, an odd modulus), so that a failure is answered like Rust's own collections answer it:
//! the process aborts.

use std::alloc::{Layout, handle_alloc_error};
use std::ffi::c_int;
use std::ptr::NonNull;

use aws_lc_sys as aws_lc;
use zeroize::Zeroizing;

use crate::NUMBER_BYTES;

/// A non-negative integer, wiped when dropped.
pub(crate) struct Integer(NonNull<aws_lc::BIGNUM>);

// SAFETY: a BIGNUM belongs to no thread, and this is the only pointer to it.
unsafe impl Send for Integer {}
// SAFETY: behind a shared reference it is only passed to functions that take it as const; those
// read it and keep no cache in it.
unsafe impl Sync for Integer {}

impl Integer {
    fn new() -> Self {
        // SAFETY: no preconditions.
        Self(made(unsafe { aws_lc::BN_new() }))
    }

    /// Calls `fill` with a new integer to write the result to and a scratch context.
    fn filled(fill: impl FnOnce(*mut aws_lc::BIGNUM, *mut aws_lc::BN_CTX) -> c_int) -> Self {
        let result = Self::new();
        let scratch = Scratch::new();
        succeeded(fill(result.0.as_ptr(), scratch.0.as_ptr()));
        result
    }

    fn pointer(&self) -> *const aws_lc::BIGNUM {
        self.0.as_ptr()
    }

    /// Reads big-endian bytes. Leading zeros stay part of the integer's width, so that the width of
    /// an exponent says nothing about its value.
    pub(crate) fn from_big_endian(bytes: &[u8]) -> Self {
        let result = Self::new();
        // SAFETY: `bytes` is valid for its length, and `result` is ours to write.
        made(unsafe { aws_lc::BN_bin2bn(bytes.as_ptr(), bytes.len(), result.0.as_ptr()) });
        result
    }

    /// Reads little-endian bytes.
    pub(crate) fn from_little_endian(bytes: &[u8]) -> Self {
        let result = Self::new();
        // SAFETY: `bytes` is valid for its length, and `result` is ours to write.
        made(unsafe { aws_lc::BN_le2bn(bytes.as_ptr(), bytes.len(), result.0.as_ptr()) });
        result
    }

    pub(crate) fn to_big_endian(&self) -> Zeroizing<Vec<u8>> {
        // SAFETY: reads a valid integer.
        let length = unsafe { aws_lc::BN_num_bytes(self.pointer()) };
        let mut bytes = Zeroizing::new(vec![0; length as usize]);
        // SAFETY: writes exactly BN_num_bytes bytes.
        unsafe { aws_lc::BN_bn2bin(self.pointer(), bytes.as_mut_ptr()) };
        bytes
    }

    /// Little-endian bytes at full width; the integer must be below `N`.
    pub(crate) fn to_padded_little_endian(&self) -> Zeroizing<[u8; NUMBER_BYTES]> {
        let mut bytes = Zeroizing::new([0; NUMBER_BYTES]);
        // SAFETY: writes exactly the number of bytes it is told, or fails.
        succeeded(unsafe {
            aws_lc::BN_bn2le_padded(bytes.as_mut_ptr(), NUMBER_BYTES, self.pointer())
        });
        bytes
    }

    pub(crate) fn is_zero(&self) -> bool {
        // SAFETY: reads a valid integer.
        (unsafe { aws_lc::BN_is_zero(self.pointer()) }) == 1
    }

    pub(crate) fn equals(&self, other: &Self) -> bool {
        // SAFETY: reads two valid integers.
        (unsafe { aws_lc::BN_equal_consttime(self.pointer(), other.pointer()) }) == 1
    }

    /// The remainder modulo `N`.
    pub(crate) fn reduced(&self, group: &Montgomery) -> Self {
        Self::filled(|result, scratch| {
            // SAFETY: all pointers are valid, and `result` is not one of the inputs.
            unsafe { aws_lc::BN_nnmod(result, self.pointer(), group.n.pointer(), scratch) }
        })
    }

    /// `self^exponent mod N` in constant time; `self` must be below `N`.
    pub(crate) fn power(&self, exponent: &Self, group: &Montgomery) -> Self {
        Self::filled(|result, scratch| {
            // SAFETY: all pointers are valid, and `result` is not one of the inputs.
            unsafe {
                aws_lc::BN_mod_exp_mont_consttime(
                    result,
                    self.pointer(),
                    exponent.pointer(),
                    group.n.pointer(),
                    scratch,
                    group.pointer(),
                )
            }
        })
    }

    /// `self^exponent mod N`; the time tells about the exponent. `self` must be below `N`.
    pub(crate) fn power_variable_time(&self, exponent: &Self, group: &Montgomery) -> Self {
        Self::filled(|result, scratch| {
            // SAFETY: all pointers are valid, and `result` is not one of the inputs.
            unsafe {
                aws_lc::BN_mod_exp_mont(
                    result,
                    self.pointer(),
                    exponent.pointer(),
                    group.n.pointer(),
                    scratch,
                    group.pointer(),
                )
            }
        })
    }

    /// `self · R mod N` with the `R = 2^3072` of Montgomery arithmetic; `self` must be below `N`.
    pub(crate) fn to_montgomery(&self, group: &Montgomery) -> Self {
        Self::filled(|result, scratch| {
            // SAFETY: all pointers are valid, and `result` is not one of the inputs.
            unsafe { aws_lc::BN_to_montgomery(result, self.pointer(), group.pointer(), scratch) }
        })
    }

    /// `self · other / R mod N`; both must be below `N`.
    pub(crate) fn montgomery_product(&self, other: &Self, group: &Montgomery) -> Self {
        Self::filled(|result, scratch| {
            // SAFETY: all pointers are valid, and `result` is not one of the inputs.
            unsafe {
                aws_lc::BN_mod_mul_montgomery(
                    result,
                    self.pointer(),
                    other.pointer(),
                    group.pointer(),
                    scratch,
                )
            }
        })
    }

    /// `self + other mod N`; both must be below `N`.
    pub(crate) fn add(&self, other: &Self, group: &Montgomery) -> Self {
        Self::filled(|result, _| {
            // SAFETY: all pointers are valid, and `result` is not one of the inputs.
            unsafe {
                aws_lc::BN_mod_add_quick(result, self.pointer(), other.pointer(), group.n.pointer())
            }
        })
    }

    /// `self − other mod N`; both must be below `N`.
    pub(crate) fn subtract(&self, other: &Self, group: &Montgomery) -> Self {
        Self::filled(|result, _| {
            // SAFETY: all pointers are valid, and `result` is not one of the inputs.
            unsafe {
                aws_lc::BN_mod_sub_quick(result, self.pointer(), other.pointer(), group.n.pointer())
            }
        })
    }
}

impl Drop for Integer {
    fn drop(&mut self) {
        // SAFETY: made by BN_new and not freed before.
        unsafe { aws_lc::BN_clear_free(self.0.as_ptr()) };
    }
}

/// The modulus and what Montgomery multiplication precomputes for it.
pub(crate) struct Montgomery {
    context: NonNull<aws_lc::BN_MONT_CTX>,
    n: Integer,
}

// SAFETY: the context belongs to no thread, and this is the only pointer to it.
unsafe impl Send for Montgomery {}
// SAFETY: after `rfc3526_group_15` the context is only passed to functions that take it as const;
// aws-lc itself shares such contexts between threads (in RSA keys).
unsafe impl Sync for Montgomery {}

impl Montgomery {
    pub(crate) fn rfc3526_group_15() -> Self {
        let n = Integer::new();
        // SAFETY: `n` is ours to write.
        made(unsafe { aws_lc::BN_get_rfc3526_prime_3072(n.0.as_ptr()) });
        let scratch = Scratch::new();
        // SAFETY: both pointers are valid, and the modulus is odd.
        let context =
            made(unsafe { aws_lc::BN_MONT_CTX_new_for_modulus(n.pointer(), scratch.0.as_ptr()) });
        Self { context, n }
    }

    pub(crate) fn modulus(&self) -> Zeroizing<Vec<u8>> {
        self.n.to_big_endian()
    }

    fn pointer(&self) -> *const aws_lc::BN_MONT_CTX {
        self.context.as_ptr()
    }
}

impl Drop for Montgomery {
    fn drop(&mut self) {
        // SAFETY: made by BN_MONT_CTX_new_for_modulus and not freed before.
        unsafe { aws_lc::BN_MONT_CTX_free(self.context.as_ptr()) };
    }
}

/// Temporary integers for one call.
struct Scratch(NonNull<aws_lc::BN_CTX>);

impl Scratch {
    fn new() -> Self {
        // SAFETY: no preconditions.
        Self(made(unsafe { aws_lc::BN_CTX_new() }))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // SAFETY: made by BN_CTX_new and not freed before.
        unsafe { aws_lc::BN_CTX_free(self.0.as_ptr()) };
    }
}

fn made<T>(pointer: *mut T) -> NonNull<T> {
    NonNull::new(pointer).unwrap_or_else(|| out_of_memory())
}

fn succeeded(status: c_int) {
    if status != 1 {
        out_of_memory();
    }
}

fn out_of_memory() -> ! {
    handle_alloc_error(Layout::new::<[u8; NUMBER_BYTES]>())
}
