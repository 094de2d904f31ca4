//! The twin of `enabled` for programs without jemalloc: every key returns the reason.

use std::ffi::CStr;

use super::Error;

const CAUSE: &str = "built without feature `jemalloc`";

pub(super) unsafe fn read<T: Copy>(name: &CStr) -> Result<T, Error> {
    Err(Error::new(name, CAUSE))
}

pub(super) unsafe fn read_text(name: &CStr) -> Result<String, Error> {
    Err(Error::new(name, CAUSE))
}

pub(super) unsafe fn write<T>(name: &CStr, _value: T) -> Result<(), Error> {
    Err(Error::new(name, CAUSE))
}

pub(super) fn call(name: &CStr) -> Result<(), Error> {
    Err(Error::new(name, CAUSE))
}

pub(super) fn name_to_mib(name: &CStr, _mib: &mut [usize]) -> Result<(), Error> {
    Err(Error::new(name, CAUSE))
}

pub(super) unsafe fn read_mib<T: Copy>(name: &CStr, _mib: &[usize]) -> Result<T, Error> {
    Err(Error::new(name, CAUSE))
}

pub(super) unsafe fn exchange_mib<V, T: Copy + Default>(
    name: &CStr,
    _mib: &[usize],
    _value: V,
) -> Result<T, Error> {
    Err(Error::new(name, CAUSE))
}

pub(super) unsafe fn exchange_slices<V, T>(
    name: &CStr,
    _mib: &[usize],
    _values: &[V],
    _found: &mut [T],
) -> Result<(), Error> {
    Err(Error::new(name, CAUSE))
}

pub(super) fn code_address() -> Option<u64> {
    None
}
