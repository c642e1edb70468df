//! Codes of authenticator apps: RFC 6238 over RFC 4226, as every app has it: HMAC-SHA-1, six
//! digits, a new one every thirty seconds.
//!
//! SHA-1 is what apps do; the address has a field for others, which most of them ignore. What is
//! broken of it (collisions) is nothing that HMAC rests on.

use domain::{DateTime, second_factor::CODE_DIGITS};
use hmac::{Hmac, Mac};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use sha1::Sha1;

/// How long a code is shown.
const STEP_S: i64 = 30;
/// Steps to either side whose codes are taken too: a phone's clock is not ours, and typing takes a
/// while (RFC 6238 §5.2).
const STEPS_BESIDE: i64 = 1;
/// As RFC 4226 §4 recommends.
pub(super) const KEY_BYTES: usize = 20;

/// The code of a step.
fn code(key: &[u8], step: i64) -> u32 {
    let mut mac =
        Hmac::<Sha1>::new_from_slice(key).expect("HMAC takes a key of any length (RFC 2104)");
    mac.update(&step.to_be_bytes());
    let hash = mac.finalize().into_bytes();
    let at = usize::from(hash[19] & 0xf);
    let four = [hash[at] & 0x7f, hash[at + 1], hash[at + 2], hash[at + 3]];
    u32::from_be_bytes(four) % 1_000_000
}

/// The step that `now` is in.
fn step_at(now: DateTime) -> i64 {
    now.timestamp().div_euclid(STEP_S)
}

/// The step whose code was typed, where it is one that may be given now: none that is over or was
/// taken before (RFC 6238 §5.2). All of them are reckoned and compared, whichever fits.
pub(super) fn matching_step(
    key: &[u8],
    typed: &str,
    now: DateTime,
    last_taken: Option<i64>,
) -> Option<i64> {
    let digits: String = typed.chars().filter(|c| !c.is_whitespace()).collect();
    if digits.len() != CODE_DIGITS || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let typed: u32 = digits.parse().ok()?;
    let present = step_at(now);
    let mut found = None;
    for step in present - STEPS_BESIDE..=present + STEPS_BESIDE {
        let fresh = last_taken.is_none_or(|last| step > last);
        if code(key, step) == typed && fresh {
            found = Some(step);
        }
    }
    found
}

/// RFC 4648 base 32 without padding, as apps take keys.
pub(super) fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut text, mut held, mut bits) = (String::new(), 0_u32, 0_u32);
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(ALPHABET[(held >> bits) as usize & 31]));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(char::from(ALPHABET[(held << (5 - bits)) as usize & 31]));
    }
    text
}

/// The address that tells an app a key: the Key Uri Format that all of them read.
pub(super) fn uri(key: &[u8], issuer: &str, account: &str) -> String {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let (issuer, account) = (encode(issuer), encode(account));
    format!(
        "otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}&algorithm=SHA1&digits={CODE_DIGITS}&period={STEP_S}",
        base32(key)
    )
}

/// The code at a moment, as an app shows it: for tests.
#[cfg(any(test, feature = "testing"))]
pub fn code_at(key: &[u8], now: DateTime) -> String {
    format!("{:06}", code(key, step_at(now)))
}

/// The key in what an app is told: for tests.
#[cfg(any(test, feature = "testing"))]
pub fn key_in(base32: &str) -> Vec<u8> {
    let (mut key, mut held, mut bits) = (Vec::new(), 0_u32, 0_u32);
    for letter in base32.bytes().filter(|byte| *byte != b' ') {
        let five = match letter {
            b'A'..=b'Z' => letter - b'A',
            digit => digit - b'2' + 26,
        };
        held = (held << 5) | u32::from(five);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            key.push((held >> bits).to_be_bytes()[3]);
            held &= (1 << bits) - 1;
        }
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn codes_are_those_of_the_rfc() {
        let key = b"12345678901234567890";
        // RFC 4226, appendix D.
        let counted = [
            755_224, 287_082, 359_152, 969_429, 338_314, 254_676, 287_922, 162_583, 399_871,
            520_489,
        ];
        for (step, expected) in (0..).zip(counted) {
            assert_eq!(code(key, step), expected, "{step}");
        }
        // RFC 6238, appendix B, without the two digits that no app shows.
        for (seconds, expected) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(code_at(key, at(seconds)), expected);
        }
    }

    #[test]
    fn a_code_is_taken_a_step_early_and_late_and_once() {
        let key = b"12345678901234567890";
        let now = at(1_234_567_890);
        let step = step_at(now);
        for beside in [-1, 0, 1] {
            let code = code_at(key, at(1_234_567_890 + beside * 30));
            assert_eq!(matching_step(key, &code, now, None), Some(step + beside));
            assert_eq!(
                matching_step(key, &code, now, Some(step + beside)),
                None,
                "taken"
            );
            assert_eq!(
                matching_step(key, &code, now, Some(step + 1)),
                None,
                "a later one was taken"
            );
        }
        for beside in [-2, 2] {
            let code = code_at(key, at(1_234_567_890 + beside * 30));
            assert_eq!(matching_step(key, &code, now, None), None);
        }
        assert_eq!(matching_step(key, " 005 924 ", now, None), Some(step));
        for odd in ["", "5924", "0059245", "00592x", "٠٠٥٩٢٤"] {
            assert_eq!(matching_step(key, odd, now, None), None, "{odd}");
        }
    }

    #[test]
    fn keys_are_told_as_apps_take_them() {
        // RFC 4648 §10.
        for (bytes, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), text);
            assert_eq!(key_in(text), bytes.as_bytes());
        }
        assert_eq!(
            uri(b"fooba", "Rollcall", "mina+1@example.com"),
            "otpauth://totp/Rollcall:mina%2B1%40example%2Ecom?secret=MZXW6YTB&issuer=Rollcall&algorithm=SHA1&digits=6&period=30"
        );
    }
}
