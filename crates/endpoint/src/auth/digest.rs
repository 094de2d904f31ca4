//! Keyed digests of fixed length, the only form in which credentials are kept and compared.
//!
//! A byte-by-byte comparison takes longer the more bytes agree, and comparing lengths first reveals the
//! length. Digests all have the same length. Without the random key, an attacker cannot choose an input whose
//! digest shares a prefix with the stored one.

use std::io;

use hmac::digest::{FixedOutputReset as _, Output};
use hmac::{HmacReset, KeyInit, Mac};
use memory_debug_fleet::fill_random;
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};
use zeroize::Zeroizing;

/// A random 256-bit key, made for each login.
pub(crate) struct Key(Zeroizing<[u8; 32]>);

/// The field that was digested. It is part of the digested text, so the tag of a user never equals the tag of
/// a password.
#[derive(Clone, Copy)]
pub(crate) enum Field {
    User = 0,
    Password = 1,
}

/// HMAC-SHA256 of one field. Compared in constant time only, hence no `PartialEq`.
pub(crate) struct Tag(Zeroizing<[u8; 32]>);

impl Key {
    /// Makes a key from the operating system's random numbers.
    ///
    /// # Errors
    ///
    /// If the operating system provides no random numbers.
    pub(crate) fn random() -> io::Result<Self> {
        let mut key = Zeroizing::new([0; 32]);
        fill_random(key.as_mut_slice())?;
        Ok(Self(key))
    }

    /// The digest of `text`. The state of the hash function is wiped in place. `Mac::finalize` would move it
    /// and leave a copy.
    pub(crate) fn tag(&self, field: Field, text: &[u8]) -> Tag {
        let mut mac =
            HmacReset::<Sha256>::new_from_slice(self.0.as_slice()).expect("HMAC takes keys of any length");
        let mut tag = Output::<HmacReset<Sha256>>::default();
        mac.update(&[field as u8]);
        mac.update(text);
        mac.finalize_into_reset(&mut tag);
        Tag(Zeroizing::new(tag.into()))
    }
}

impl ConstantTimeEq for Tag {
    fn ct_eq(&self, other: &Self) -> Choice {
        self.0.as_slice().ct_eq(other.0.as_slice())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn same(left: &Tag, right: &Tag) -> bool {
        left.ct_eq(right).into()
    }

    #[test]
    fn s08_different_keys_give_different_tags() {
        let (one, two) = (Key::random().unwrap(), Key::random().unwrap());
        assert!(!same(&one.tag(Field::User, b"ops"), &two.tag(Field::User, b"ops")));
    }

    #[test]
    fn s09_a_user_and_a_password_of_the_same_text_have_different_tags() {
        let key = Key::random().unwrap();
        assert!(!same(&key.tag(Field::User, b"ops"), &key.tag(Field::Password, b"ops")));
    }

    #[test]
    fn s08_tags_are_hmac_sha256() {
        // RFC 4231, test case 2, is HMAC("Jefe", "what do ya want for nothing?"). Here the key has 32 bytes and the
        // field comes first, so `openssl dgst -sha256 -mac HMAC` computed the expected value.
        let key = Key(Zeroizing::new([0x0b; 32]));
        let tag = key.tag(Field::Password, b"what do ya want for nothing?");
        let hex: String = tag.0.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "7ec97d88440ec215206753ad50d190644b47f88e9017491a88e19c98fca97209");
    }

    proptest! {
        #[test]
        fn s09_tags_are_equal_exactly_when_the_texts_are(left: Vec<u8>, right: Vec<u8>) {
            let key = Key::random().unwrap();
            let tags_agree = same(&key.tag(Field::User, &left), &key.tag(Field::User, &right));
            prop_assert_eq!(tags_agree, left == right);
            prop_assert!(same(&key.tag(Field::User, &left), &key.tag(Field::User, &left)));
        }
    }
}
