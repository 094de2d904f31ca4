use proptest::prelude::*;

use super::*;

const USER: &str = "ops";
const PASSWORD: &str = "9vKq3x:PzL7_mT2w£b4y";

fn credentials() -> Credentials {
    Credentials::new(USER, PASSWORD).unwrap()
}

fn is_authorized(values: &[&[u8]]) -> bool {
    authenticate(&credentials(), values.iter().copied()).is_ok()
}

fn encoded(pair: impl AsRef<[u8]>) -> String {
    STANDARD.encode(pair)
}

fn right() -> String {
    format!("Basic {}", encoded(format!("{USER}:{PASSWORD}")))
}

#[test]
fn s03_one_authorization_header_is_accepted() {
    assert!(is_authorized(&[right().as_bytes()]));
}

#[test]
fn s64_the_proof_names_the_user() {
    assert_eq!(authenticate(&credentials(), [right().as_bytes()]).unwrap().user(), USER);
}

#[test]
fn s03_no_authorization_header_is_refused() {
    assert!(!is_authorized(&[]));
}

#[test]
fn s03_two_authorization_headers_are_refused() {
    let (right, wrong) = (right(), format!("Basic {}", encoded("ops:wrong")));
    for values in [[&right, &right], [&right, &wrong], [&wrong, &right]] {
        assert!(!is_authorized(&values.map(|value| value.as_bytes())), "{values:?}");
    }
    let list = format!("{right}, {right}");
    assert!(!is_authorized(&[list.as_bytes()]));
}

#[test]
fn s04_the_scheme_is_case_insensitive_and_followed_by_one_or_more_spaces() {
    let token = encoded(format!("{USER}:{PASSWORD}"));
    for start in ["Basic ", "basic ", "BASIC ", "bAsIc ", "Basic  ", "Basic       "] {
        assert!(is_authorized(&[format!("{start}{token}").as_bytes()]), "{start:?}");
    }
}

#[test]
fn s04_other_schemes_and_separators_are_refused() {
    let token = encoded(format!("{USER}:{PASSWORD}"));
    for start in [
        "", "Basic", "Basic\t", "Basic \t", " Basic ", "Basicx ", "xBasic ", "Basic: ", "Bearer ", "Digest ",
        "Basic,",
    ] {
        assert!(!is_authorized(&[format!("{start}{token}").as_bytes()]), "{start:?}");
    }
    for value in ["Basic", "Basic ", "Basic    ", "", " "] {
        assert!(!is_authorized(&[value.as_bytes()]), "{value:?}");
    }
}

#[test]
fn s05_tokens_that_are_not_strict_base64_are_refused() {
    // "ops:9vKq3x-PzL7_mT2wRb4y" has 24 bytes, so one more byte needs padding.
    let credentials = Credentials::new("ops2", "9vKq3x-PzL7_mT2wRb4y").unwrap();
    let token = encoded("ops2:9vKq3x-PzL7_mT2wRb4y");
    assert!(token.ends_with("=="));
    let unpadded = token.trim_end_matches('=');
    let trailing_bits = format!("{}R==", &unpadded[..unpadded.len() - 1]);
    let ok = |token: &str| authenticate(&credentials, [format!("Basic {token}").as_bytes()]).is_ok();
    assert!(ok(&token));
    for bad in [
        unpadded.to_owned(),
        format!("{unpadded}="),
        format!("{token}="),
        format!("{token}===="),
        trailing_bits,
        format!("{token} "),
        format!("{} {}", &token[..8], &token[8..]),
        format!("{}\n{}", &token[..8], &token[8..]),
        format!("{}-{}", &token[..8], &token[9..]),
        format!("{}é{}", &token[..8], &token[9..]),
        format!("{token},{token}"),
        "====".to_owned(),
    ] {
        assert!(!ok(&bad), "{bad:?}");
    }
}

#[test]
fn s05_overlong_headers_and_pairs_are_refused() {
    let longest = Credentials::allow_weak("u", "p".repeat(MAX_PAIR_BYTES - 2)).unwrap();
    let with = |spaces: usize, pair: String| format!("Basic{}{}", " ".repeat(spaces), encoded(pair));
    let ok = |value: String| authenticate(&longest, [value.as_bytes()]).is_ok();

    let pair = format!("u:{}", "p".repeat(MAX_PAIR_BYTES - 2));
    assert!(ok(with(1, pair.clone())));
    assert!(!ok(with(1, pair.clone() + "p")));
    assert!(!ok(with(1, pair.clone() + "pp")));
    assert!(!ok(with(1, pair.clone() + "ppp")));
    let spaces = MAX_HEADER_BYTES - with(0, pair.clone()).len();
    assert!(ok(with(spaces, pair.clone())));
    assert!(!ok(with(spaces + 1, pair)));
    assert!(!ok("x".repeat(1 << 20)));
}

#[test]
fn s06_the_pair_is_split_at_its_first_colon() {
    let colons = Credentials::new("ops", ":9vKq3x::PzL7_mT2w:").unwrap();
    let ok = |pair: &str| authenticate(&colons, [format!("Basic {}", encoded(pair)).as_bytes()]).is_ok();
    assert!(ok("ops::9vKq3x::PzL7_mT2w:"));
    assert!(!ok("ops:9vKq3x::PzL7_mT2w:"));
    assert!(!ok("ops"), "no colon at all");
    assert!(!ok(""));
    assert!(!ok(":"));
    assert!(!ok("::9vKq3x::PzL7_mT2w:"));
}

#[test]
fn s06_control_characters_are_refused() {
    for pair in ["ops\0:x", "ops:x\n", "ops:x\r\n", "\u{7f}ops:x", "ops:\tx", "ops:9vKq3x:PzL7_mT2w£b4y\n"] {
        assert!(!is_authorized(&[format!("Basic {}", encoded(pair)).as_bytes()]), "{pair:?}");
    }
}

#[test]
fn s05_s06_pairs_that_cannot_be_configured_are_not_compared() {
    let is_compared =
        |pair: &[u8]| Claim::decode(encoded(pair).as_bytes(), &mut ClaimBuffer::default()).is_some();
    let pair = |length| [b"u:", "p".repeat(length - 2).as_bytes()].concat();
    assert!(is_compared(&pair(MAX_PAIR_BYTES)));
    for excess in 1..=4 {
        assert!(!is_compared(&pair(MAX_PAIR_BYTES + excess)), "{excess}");
    }
    assert!(is_compared(b"u: ~\x80\xff"));
    for control in (0..0x20).chain([0x7f]) {
        assert!(!is_compared(&[b'u', b':', control]), "{control:#x}");
        assert!(!is_compared(&[control, b':', b'p']), "{control:#x}");
    }
}

#[test]
fn s07_passwords_are_compared_as_bytes() {
    // The pound sign of the password in Latin-1, and the replacement character that a lossy conversion would
    // produce.
    for pound in [&b"\xa3"[..], "\u{fffd}".as_bytes()] {
        let pair = [b"ops:9vKq3x:PzL7_mT2w", pound, b"b4y"].concat();
        assert!(!is_authorized(&[format!("Basic {}", encoded(pair)).as_bytes()]));
    }
    assert!(is_authorized(&[right().as_bytes()]));
}

#[test]
fn s08_both_user_and_password_must_be_right() {
    for pair in [
        "ops:wrong",
        "ops:",
        "wrong:9vKq3x:PzL7_mT2w£b4y",
        "OPS:9vKq3x:PzL7_mT2w£b4y",
        "ops:9vKq3x:PzL7_mT2w£b4",
        "ops:9vKq3x:PzL7_mT2w£b4yy",
        "ops:9VKQ3X:PzL7_mT2w£b4y",
        "op:s9vKq3x:PzL7_mT2w£b4y",
        "9vKq3x:ops",
    ] {
        assert!(!is_authorized(&[format!("Basic {}", encoded(pair)).as_bytes()]), "{pair}");
    }
}

proptest! {
    #[test]
    fn s05_no_header_value_panics(value: Vec<u8>) {
        prop_assert!(!is_authorized(&[&value]));
    }

    #[test]
    fn s05_no_token_panics(token in "[A-Za-z0-9+/= _-]{0,64}") {
        let value = format!("Basic {token}");
        prop_assert!(!is_authorized(&[value.as_bytes()]));
    }

    #[test]
    fn s06_every_pair_that_can_be_configured_can_be_sent(
        user in "[\\p{L}\\p{N}]([^:\\p{Cc}]{0,20}[\\p{L}\\p{N}])?",
        password in "[\\p{L}\\p{N}](\\PC{0,20}[\\p{L}\\p{N}])?",
    ) {
        let credentials = Credentials::allow_weak(user.clone(), password.clone()).unwrap();
        let value = format!("Basic {}", encoded(format!("{user}:{password}")));
        prop_assert!(authenticate(&credentials, [value.as_bytes()]).is_ok());
        let other = format!("Basic {}", encoded(format!("{user}:{password}x")));
        prop_assert!(authenticate(&credentials, [other.as_bytes()]).is_err());
    }
}
