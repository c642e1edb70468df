//! What a browser brings in its cookies: one reader for all that pages keep there beside the
//! session’s.

/// The value of the first cookie with this name, in the texts of the headers that bring them.
pub fn named<'a>(headers: impl IntoIterator<Item = &'a str>, name: &str) -> Option<&'a str> {
    headers
        .into_iter()
        .flat_map(|text| text.split(';'))
        .find_map(|cookie| cookie.trim().strip_prefix(name)?.strip_prefix('='))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_the_name_counts_and_no_other_is_taken_for_it() {
        for (headers, value) in [
            (&[][..], None),
            (&["a=1; b=2"][..], Some("2")),
            (&["a=1", "b=2;c=3"][..], Some("2")),
            (&["b=2; b=3", "b=4"][..], Some("2")),
            (&["bb=2; xb=3; b; b =4"][..], None),
            (&[";;b=;"][..], Some("")),
            (&["b=x=y; b=z"][..], Some("x=y")),
        ] {
            assert_eq!(named(headers.iter().copied(), "b"), value, "{headers:?}");
        }
    }
}
