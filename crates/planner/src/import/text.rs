//! The text of a file, whatever program wrote it.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// Bytes that are looked at where nothing says how the text is encoded.
const LOOKED_AT: usize = 4_096;

/// Makes text of a file's bytes, and says of which encoding it was: what its mark says, else UTF-8
/// where it is that, else what Excel writes on Windows. What isn't a text is refused in words.
pub fn decode(bytes: &[u8]) -> Result<(String, &'static str), String> {
    if let Some(what) = no_text(bytes) {
        return Err(what.to_owned());
    }
    let (encoding, rest) = match Encoding::for_bom(bytes) {
        Some((encoding, mark)) => (encoding, &bytes[mark..]),
        None => (without_mark(bytes), bytes),
    };
    let (text, broken) = encoding.decode_without_bom_handling(rest);
    if broken && encoding != WINDOWS_1252 {
        return Err(format!(
            "The file says that it is {}, and isn’t. Save it again as “CSV UTF-8”.",
            encoding.name()
        ));
    }
    Ok((Cow::into_owned(text), encoding.name()))
}

/// What a file is that is no text.
fn no_text(bytes: &[u8]) -> Option<&'static str> {
    if bytes.is_empty() {
        return Some("The file is empty.");
    }
    for (beginning, what) in [
        (
            b"PK\x03\x04".as_slice(),
            "This is an Excel workbook, or another archive. Open it in Excel, choose Save As, “CSV UTF-8 (Comma delimited)”, and import that file.",
        ),
        (
            b"\xd0\xcf\x11\xe0".as_slice(),
            "This is an old Excel workbook. Open it in Excel, choose Save As, “CSV UTF-8 (Comma delimited)”, and import that file.",
        ),
        (b"%PDF".as_slice(), "This is a PDF. Import a CSV file."),
    ] {
        if bytes.starts_with(beginning) {
            return Some(what);
        }
    }
    None
}

/// The encoding of a text that doesn't say.
fn without_mark(bytes: &[u8]) -> &'static Encoding {
    let beginning = &bytes[..bytes.len().min(LOOKED_AT)];
    let nulls = |from: usize| {
        beginning
            .iter()
            .skip(from)
            .step_by(2)
            .filter(|b| **b == 0)
            .count()
    };
    // Latin text in UTF-16 has a zero in every other byte.
    let many = beginning.len() / 4;
    if many > 0 && nulls(1) > many {
        UTF_16LE
    } else if many > 0 && nulls(0) > many {
        UTF_16BE
    } else if std::str::from_utf8(bytes).is_ok() {
        UTF_8
    } else {
        WINDOWS_1252
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_excel_writes_is_read() {
        let text = "naam;plaats\nZoë;Łódź\n";
        let latin = "naam;plaats\nZoë;Café\n";
        let utf16 = |mark: &[u8], bytes: fn(u16) -> [u8; 2], text: &str| {
            let units = text.encode_utf16().flat_map(bytes);
            mark.iter().copied().chain(units).collect::<Vec<u8>>()
        };
        let (windows, _, broken) = WINDOWS_1252.encode(latin);
        assert!(!broken);
        for (bytes, expected, encoding) in [
            (text.as_bytes().to_vec(), text, "UTF-8"),
            ([b"\xef\xbb\xbf", text.as_bytes()].concat(), text, "UTF-8"),
            (utf16(b"\xff\xfe", u16::to_le_bytes, text), text, "UTF-16LE"),
            (utf16(b"\xfe\xff", u16::to_be_bytes, text), text, "UTF-16BE"),
            (utf16(b"", u16::to_le_bytes, text), text, "UTF-16LE"),
            (utf16(b"", u16::to_be_bytes, text), text, "UTF-16BE"),
            (windows.into_owned(), latin, "windows-1252"),
        ] {
            assert_eq!(decode(&bytes), Ok((expected.to_owned(), encoding)));
        }
    }

    #[test]
    fn what_is_no_text_is_refused_with_what_to_do() {
        for (bytes, word) in [
            (b"".as_slice(), "empty"),
            (b"PK\x03\x04xl/workbook.xml", "CSV UTF-8"),
            (b"\xd0\xcf\x11\xe0", "old Excel"),
            (b"%PDF-1.7", "PDF"),
            (b"\xff\xfea\0\xd8", "UTF-16LE"),
            (b"\xef\xbb\xbf\xff", "UTF-8"),
        ] {
            let error = decode(bytes).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }
}
