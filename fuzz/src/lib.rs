//! Everything that reads what others made, as functions of any bytes: none may panic, and what else
//! must hold is asserted in them.
//!
//! `cargo xtask soak` has libFuzzer make inputs up, some minutes for each target; the tests here replay
//! the seeds, among them each input that was once found.

use std::str::{self, FromStr};

use domain::{paging::Cursor, policy::Policy};
pub use graph::fuzzing::{
    link as graph_link, page as graph_page, refusal as graph_refusal, tenant, token as graph_token,
};
use secrecy::SecretString;

/// Something that reads any bytes.
pub type Target = fn(&[u8]);

/// Every target, by the name of its program and of its folder of seeds.
pub const TARGETS: [(&str, Target); 9] = [
    ("api_token", api_token),
    ("certificate", certificate),
    ("cursor", cursor),
    ("graph_link", graph_link),
    ("graph_page", graph_page),
    ("graph_refusal", graph_refusal),
    ("graph_token", graph_token),
    ("policy", policy),
    ("tenant", tenant),
];

/// The bearer token of a call: what is well-formed has nothing in it but letters and digits.
pub fn api_token(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    if backend::auth::token::is_well_formed(text) {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
        assert!(text.chars().all(plain), "{text}");
    }
}

/// The cursor of a list: what was read is written as it came.
pub fn cursor(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    if let Ok(cursor) = Cursor::from_str(text) {
        let again = Cursor::from_str(&cursor.to_string());
        assert_eq!(again.as_ref(), Ok(&cursor), "{text}");
    }
}

/// The settings of an integration, with the rules that protect people: checking twice changes
/// nothing, and what is kept is read again.
pub fn policy(bytes: &[u8]) {
    let Ok(policy) = serde_json::from_slice::<Policy>(bytes) else {
        return;
    };
    let Ok(checked) = policy.checked() else {
        return;
    };
    assert_eq!(checked.clone().checked().as_ref(), Ok(&checked));
    let kept = serde_json::to_vec(&checked).expect("a policy is JSON");
    let read: Policy = serde_json::from_slice(&kept).expect("what was kept is read");
    assert_eq!(read, checked);
}

/// A certificate and its private key in PEM, one after the other, with an empty line between them.
pub fn certificate(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    let (certificate, key) = text.split_once("\n\n").unwrap_or((text, ""));
    let _ = graph::Certificate::parse(certificate, &SecretString::from(key));
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    #[test]
    fn every_seed_is_read_without_a_panic() {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds");
        for (name, target) in TARGETS {
            let mut replayed = 0;
            for entry in fs::read_dir(seeds.join(name)).expect(name) {
                let path = entry.unwrap().path();
                println!("{}", path.display());
                target(&fs::read(path).unwrap());
                replayed += 1;
            }
            assert!(replayed > 0, "{name} has no seed");
        }
    }

    #[test]
    fn every_target_has_a_program() {
        let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz_targets");
        let programs: BTreeSet<_> = fs::read_dir(programs)
            .unwrap()
            .map(|entry| {
                let path = entry.unwrap().path();
                path.file_stem().unwrap().to_str().unwrap().to_owned()
            })
            .collect();
        let targets: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(programs, targets);
    }
}
