//! Outside text is made harmless while it is still bytes (`sync.md` 19).
//!
//! In a JSON text the character U+0000 can stand only as the escape `\u0000`, and half a surrogate
//! pair only as `\ud800`–`\udfff` without its other half. Both are overwritten with `\ufffd`, which
//! is as long: no text moves, and pages without such escapes (nearly all) cost one quick search.

use memchr::memmem;

/// Overwrites the escapes that no database text can hold.
pub(crate) fn repair(json: &mut [u8]) {
    let hits: Vec<usize> = memmem::find_iter(json, b"\\u").collect();
    let mut skip_to = 0;
    for at in hits {
        if at < skip_to || is_escaped(json, at) {
            continue;
        }
        let Some(unit) = unit_at(json, at) else {
            continue;
        };
        match unit {
            0xD800..=0xDBFF => match unit_at(json, at + 6) {
                Some(0xDC00..=0xDFFF) => skip_to = at + 12,
                _ => blank(json, at),
            },
            0 | 0xDC00..=0xDFFF => blank(json, at),
            _ => {}
        }
    }
}

/// Whether the backslash at `at` is itself escaped: an odd number of them stands before it.
fn is_escaped(json: &[u8], at: usize) -> bool {
    json[..at]
        .iter()
        .rev()
        .take_while(|byte| **byte == b'\\')
        .count()
        % 2
        == 1
}

/// The UTF-16 unit of an escape `\uXXXX` at `at`.
fn unit_at(json: &[u8], at: usize) -> Option<u16> {
    let escape = json.get(at..at + 6)?;
    if !escape.starts_with(b"\\u") {
        return None;
    }
    escape[2..].iter().try_fold(0, |unit, digit| {
        let value = char::from(*digit).to_digit(16)?;
        u16::try_from(value).ok().map(|value| unit << 4 | value)
    })
}

fn blank(json: &mut [u8], at: usize) {
    json[at..at + 6].copy_from_slice(b"\\ufffd");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn repaired(json: &str) -> String {
        let mut bytes = json.as_bytes().to_vec();
        repair(&mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn nul_and_half_surrogates_become_the_replacement_character() {
        for (json, expected) in [
            (r#""a\u0000b""#, "a\u{fffd}b"),
            (r#""\\u0000""#, "\\u0000"),
            (r#""\\\u0000""#, "\\\u{fffd}"),
            (r#""\ud83d\ude00""#, "😀"),
            (r#""\uD83D""#, "\u{fffd}"),
            (r#""\ud83dx""#, "\u{fffd}x"),
            (r#""\ude00\ud83d\ude00""#, "\u{fffd}😀"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"),
            (r#""\ud83d\u0000""#, "\u{fffd}\u{fffd}"),
            (r#""\u00e9\u0041""#, "éA"),
        ] {
            let text: String = serde_json::from_str(&repaired(json)).unwrap();
            assert_eq!(text, expected, "{json}");
        }
    }

    #[test]
    fn what_is_no_escape_is_left_alone() {
        for json in ["", "\\", "\\u", "\\u00", "\\uzzzz", "{\"a\":1}"] {
            assert_eq!(repaired(json), json);
        }
    }

    proptest! {
        #[test]
        fn any_text_comes_through_unless_it_holds_nul(text in any::<String>()) {
            let json = serde_json::to_string(&text).unwrap();
            let read: String = serde_json::from_str(&repaired(&json)).unwrap();
            prop_assert_eq!(read, text.replace('\0', "\u{fffd}"));
        }

        #[test]
        fn any_units_can_be_read(units in prop::collection::vec(any::<u16>(), 0..20)) {
            let escapes: Vec<String> = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            let json = format!("\"{}\"", escapes.concat());
            let read: String = serde_json::from_str(&repaired(&json)).unwrap();
            let expected = String::from_utf16_lossy(&units).replace('\0', "\u{fffd}");
            prop_assert_eq!(read, expected);
        }
    }
}
