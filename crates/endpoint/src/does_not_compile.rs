//! Mistakes that must not compile. Each stands next to the same code without the mistake, which shows that
//! nothing else is wrong with it.

/// S01: there are no credentials by default.
///
/// ```
/// use memory_debug_endpoint::{Credentials, Endpoint};
/// let endpoint = Endpoint::new(Credentials::allow_weak("ops", "x").unwrap());
/// ```
/// ```compile_fail,E0277
/// fn make<T: Default>() -> T { T::default() }
/// let credentials: memory_debug_endpoint::Credentials = make();
/// ```
/// ```compile_fail,E0061
/// let endpoint = memory_debug_endpoint::Endpoint::new();
/// ```
mod s01_credentials_have_no_default {}

/// S08: credentials cannot be compared with `==`.
///
/// ```
/// fn clone<T: Clone + std::fmt::Debug>() {}
/// clone::<memory_debug_endpoint::Credentials>();
/// ```
/// ```compile_fail,E0277
/// fn compare<T: PartialEq>() {}
/// compare::<memory_debug_endpoint::Credentials>();
/// ```
mod s08_credentials_cannot_be_compared {}

/// S16: credentials cannot be printed or serialised.
///
/// ```compile_fail,E0277
/// fn print<T: std::fmt::Display>() {}
/// print::<memory_debug_endpoint::Credentials>();
/// ```
/// ```compile_fail,E0277
/// fn serialize<T: serde::Serialize>() {}
/// serialize::<memory_debug_endpoint::Credentials>();
/// ```
/// ```
/// fn serialize<T: serde::Serialize>() {}
/// serialize::<String>();
/// ```
mod s16_credentials_cannot_be_printed_or_serialised {}

/// S02: code outside this crate cannot create the proof of authentication.
///
/// ```
/// fn needs(_proof: Option<memory_debug_endpoint::Authorized>) {}
/// needs(None);
/// ```
/// ```compile_fail,E0451
/// fn needs(_proof: Option<memory_debug_endpoint::Authorized>) {}
/// needs(Some(memory_debug_endpoint::Authorized { user: "ops".into() }));
/// ```
/// ```compile_fail,E0277
/// fn make<T: Default>() {}
/// make::<memory_debug_endpoint::Authorized>();
/// ```
mod s02_the_proof_cannot_be_made_by_hand {}
