//! `mallctl` of the jemalloc in this program.

use std::ffi::CStr;
use std::io;
use std::ptr;

use tikv_jemalloc_ctl::raw;

use super::Error;

/// Reads the value of `name`.
///
/// # Safety
///
/// `T` is the type that the manual gives `name`.
pub(super) unsafe fn read<T: Copy>(name: &CStr) -> Result<T, Error> {
    // SAFETY: the caller promises the type; the name ends in NUL because it is a `CStr`.
    unsafe { raw::read(name.to_bytes_with_nul()) }.map_err(|cause| Error::new(name, cause))
}

/// Reads the text of `name`.
///
/// # Safety
///
/// The manual gives `name` the type `const char *`, and jemalloc never changes that text.
pub(super) unsafe fn read_text(name: &CStr) -> Result<String, Error> {
    // SAFETY: the caller promises a pointer to a NUL-terminated text that stays.
    unsafe { raw::read_str(name.to_bytes_with_nul()) }
        .map(|text| String::from_utf8_lossy(text).trim_end_matches('\0').to_owned())
        .map_err(|cause| Error::new(name, cause))
}

/// Writes `value` to `name`.
///
/// # Safety
///
/// `T` is the type that the manual gives `name`, and a pointer in `value` is good for the call.
pub(super) unsafe fn write<T>(name: &CStr, value: T) -> Result<(), Error> {
    // SAFETY: the caller promises the type; the name ends in NUL because it is a `CStr`.
    unsafe { raw::write(name.to_bytes_with_nul(), value) }.map_err(|cause| Error::new(name, cause))
}

/// Triggers the action of `name`, a key that is neither read nor written.
pub(super) fn call(name: &CStr) -> Result<(), Error> {
    let (old, length, new) = (ptr::null_mut(), ptr::null_mut(), ptr::null_mut());
    // SAFETY: the name ends in NUL because it is a `CStr`; jemalloc's manual allows each other pointer to be null.
    refused(name, unsafe { tikv_jemalloc_sys::mallctl(name.as_ptr(), old, length, new, 0) })
}

/// Looks up the numbers of `name`, one for each part between dots.
pub(super) fn name_to_mib(name: &CStr, mib: &mut [usize]) -> Result<(), Error> {
    raw::name_to_mib(name.to_bytes_with_nul(), mib).map_err(|cause| Error::new(name, cause))
}

/// Reads the value at `mib`, the numbers of `name`. Errors show the name.
///
/// # Safety
///
/// `T` is the type that the manual gives `name`.
pub(super) unsafe fn read_mib<T: Copy>(name: &CStr, mib: &[usize]) -> Result<T, Error> {
    // SAFETY: the caller promises the type; jemalloc checks the numbers.
    unsafe { raw::read_mib(mib) }.map_err(|cause| Error::new(name, cause))
}

/// Writes `value` to the key at `mib`, the numbers of `name`, and reads what it returns.
///
/// # Safety
///
/// The key reads a `V` and returns a `T`.
pub(super) unsafe fn exchange_mib<V, T: Copy + Default>(
    name: &CStr,
    mib: &[usize],
    mut value: V,
) -> Result<T, Error> {
    let (mut found, mut length) = (T::default(), size_of::<T>());
    // SAFETY: jemalloc checks the numbers, and both lengths against the types, which the caller promises. The values live
    // on this stack during the call.
    let errno = unsafe {
        tikv_jemalloc_sys::mallctlbymib(
            mib.as_ptr(),
            mib.len(),
            (&raw mut found).cast(),
            &raw mut length,
            (&raw mut value).cast(),
            size_of::<V>(),
        )
    };
    refused(name, errno).map(|()| found)
}

/// Writes `values` to the key at `mib`, the numbers of `name`, and reads what it returns into `found`.
///
/// # Safety
///
/// The key reads an array of `V` and writes an array of `T`, and checks both lengths.
pub(super) unsafe fn exchange_slices<V, T>(
    name: &CStr,
    mib: &[usize],
    values: &[V],
    found: &mut [T],
) -> Result<(), Error> {
    let mut length = size_of_val(found);
    // SAFETY: jemalloc checks the numbers and both lengths, and only reads `values`. The caller promises the types.
    let errno = unsafe {
        tikv_jemalloc_sys::mallctlbymib(
            mib.as_ptr(),
            mib.len(),
            found.as_mut_ptr().cast(),
            &raw mut length,
            values.as_ptr().cast_mut().cast(),
            size_of_val(values),
        )
    };
    refused(name, errno)
}

fn refused(name: &CStr, errno: i32) -> Result<(), Error> {
    match errno {
        0 => Ok(()),
        errno => Err(Error::new(name, io::Error::from_raw_os_error(errno).kind())),
    }
}

pub(super) fn code_address() -> Option<u64> {
    Some(tikv_jemalloc_sys::mallctl as *const () as u64)
}
