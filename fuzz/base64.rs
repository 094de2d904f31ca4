//! A base64 encoder that is independent of the code under test.

pub fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = (0..3).fold(0_usize, |bits, at| bits << 8 | usize::from(*chunk.get(at).unwrap_or(&0)));
        for at in 0..4 {
            let sextet = bits >> (18 - 6 * at) & 63;
            text.push(if at <= chunk.len() { ALPHABET[sextet].into() } else { '=' });
        }
    }
    text
}
