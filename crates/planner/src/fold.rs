//! Text as it is searched and sorted, made once here so that both databases find and order alike
//! (`SQLite`'s LOWER knows ASCII only, collations differ from system to system).

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// The folded form: compatibility decomposition (NFKD), marks stripped, lower case, and white
/// space as a page shows it: none around, one between words.
///
/// Folding twice gives the same as folding once.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return single_spaced(text.to_ascii_lowercase());
    }
    let lowered = text.nfkd().collect::<String>().to_lowercase();
    // Lowering can bring marks back (İ becomes i and a dot), so decompose once more.
    let bare: String = lowered.nfkd().filter(|c| !is_combining_mark(*c)).collect();
    // And stripping can put letters beside each other that lower differently (final sigma).
    single_spaced(bare.replace('ς', "σ"))
}

/// The longest key, in bytes. With what else stands in an index row it has to stay below the 2,704
/// that `PostgreSQL` takes (a third of a page); 256 emoji are 1,024.
pub const KEY_MAX: usize = 2_000;

/// The folded form as a key that is sorted, compared and indexed: of a text that is longer than any
/// real name only its beginning.
pub fn key(text: &str) -> String {
    let mut key = fold(text);
    if key.len() > KEY_MAX {
        key.truncate(key.floor_char_boundary(KEY_MAX));
    }
    key
}

fn single_spaced(text: String) -> String {
    let spaced = |text: &str| {
        text.starts_with(' ')
            || text.ends_with(' ')
            || text.contains("  ")
            || text.contains(|c: char| c != ' ' && c.is_whitespace())
    };
    if spaced(&text) {
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    } else {
        text
    }
}

/// What a search looks through: the folded form of each text, a line each.
pub fn search_text<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut all = String::new();
    for text in texts {
        if !all.is_empty() {
            all.push('\n');
        }
        all.push_str(&fold(text));
    }
    all
}

/// Text from outside without U+0000, which `PostgreSQL` can't hold (sync.md rule 19).
pub fn outside(text: String) -> String {
    if text.contains('\0') {
        text.replace('\0', "\u{FFFD}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_key_fits_into_an_index() {
        assert_eq!(key("Zoë"), "zoe");
        let long = "ß€".repeat(40_000);
        assert_eq!(key(&long).len(), KEY_MAX);
        assert!(fold(&long).starts_with(&key(&long)));
    }

    #[test]
    fn marks_case_and_width_fall_away() {
        for (given, folded) in [
            ("Zoë Ångström", "zoe angstrom"),
            ("İSTANBUL", "istanbul"),
            ("ＦＵＬＬ", "full"),
            ("ﬁne", "fine"),
            ("ΣΊΣΥΦΟΣ", "σισυφοσ"),
            ("Ærø", "ærø"),
            ("Γιώργος", "γιωργοσ"),
            ("Đorđe Petrović-Njegoš", "đorđe petrovic-njegos"),
            ("محمد", "محمد"),
            ("plain", "plain"),
            ("  Spaces \t around\u{3000}", "spaces around"),
        ] {
            assert_eq!(fold(given), folded, "{given}");
        }
    }

    #[test]
    fn search_text_keeps_the_texts_apart() {
        assert_eq!(search_text(["Zoë", "z@x.example"]), "zoe\nz@x.example");
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(text in "\\PC*") {
            let once = fold(&text);
            prop_assert_eq!(fold(&once), once);
        }

        #[test]
        fn nothing_from_outside_keeps_a_nul(text in any::<String>()) {
            let inside = outside(format!("a\0{text}"));
            prop_assert!(!inside.contains('\0'));
        }
    }
}
