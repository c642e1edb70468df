//! Text as both databases have to find and order it.

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// The folded copy of a text: compatibility-decomposed, marks stripped, in lower case
/// (sync.md, Tables). "Ärzte" and "arzte" fold alike, so one finds the other.
pub fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    // Lower case comes last and is decomposed again: "İ" becomes "i" and a dot that is a mark.
    text.nfkd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .filter(|c| !is_combining_mark(*c))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn what_people_type_finds_what_is_stored() {
        for (stored, folded) in [
            ("Mina Vermeulen", "mina vermeulen"),
            ("Đorđe Petrović-Njegoš", "đorđe petrovic-njegos"),
            ("ÄRZTE", "arzte"),
            ("İstanbul", "istanbul"),
            ("ﬁnance", "finance"),
            ("Γιώργος", "γιωργος"),
            ("محمد", "محمد"),
        ] {
            assert_eq!(fold(stored), folded, "{stored}");
        }
    }
}
