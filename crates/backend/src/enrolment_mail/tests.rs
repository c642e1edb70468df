use domain::enrolment::Language;

use super::*;

fn words(language: Language, purpose: Purpose, days: i64) -> Words {
    let settings = EnrolmentSettings {
        language,
        ..EnrolmentSettings::default()
    };
    let whose = Whose {
        name: "Ada\nBcc: x@y.example",
        user_name: "ada@x.example",
        customer: "<Adatum>",
        days,
    };
    Words::of(&settings, purpose, whose)
}

#[test]
fn each_language_says_who_for_what_and_how_long() {
    use Language::{Dutch, English};
    use Purpose::{Invitation, PasswordReset};
    for (language, purpose, days, says) in [
        (English, Invitation, 14, "within 14 days"),
        (English, PasswordReset, 1, "within a day"),
        (Dutch, Invitation, 14, "binnen 14 dagen"),
        (Dutch, PasswordReset, 1, "binnen een dag"),
    ] {
        let words = words(language, purpose, days);
        let text = words.text("https://x.example/activate?secret=s&a=b");
        for part in [says, "ada@x.example", "<Adatum>", "secret=s&a=b"] {
            assert!(text.contains(part), "{part}: {text}");
        }
        let html = words.html("https://x.example/activate?secret=s&a=b");
        assert!(
            html.contains("&lt;Adatum&gt;") && !html.contains("<Adatum>"),
            "{html}"
        );
        assert!(html.contains("secret=s&amp;a=b"), "{html}");
        assert!(html.contains(&format!("lang=\"{language}\"")), "{html}");
        assert!(!words.subject.contains('\n'), "no name writes a header");
    }
}
