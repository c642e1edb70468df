//! Files and folders for the server's own user alone: made so, and looked at whether they are.

use std::{
    fs,
    io::{self, ErrorKind},
    os::unix::fs::{
        DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
    },
    path::Path,
};

/// What its owner may do with a file.
const OWN_FILE: u32 = 0o600;
/// What its owner may do with a folder.
const OWN_FOLDER: u32 = 0o700;
/// Every bit of the group and of everybody else.
const OTHERS: u32 = 0o077;
/// The same without that the group may read.
const OTHERS_BUT_READING_GROUP: u32 = 0o037;

/// Makes a new, empty file of mode 0600. [`ErrorKind::AlreadyExists`] where there is one.
pub(crate) fn make(file: &Path) -> io::Result<fs::File> {
    fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(OWN_FILE)
        .open(file)
}

/// Makes a folder of mode 0700, and those above it. One that is there keeps its mode.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(OWN_FOLDER)
        .create(folder)
}

/// Takes from others than its owner whatever they may do with a file; nothing where there is no such
/// file. Answers whether there was something to take.
pub(crate) fn close(file: &Path) -> io::Result<bool> {
    match others_may(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Ok(None) => Ok(false),
        Ok(Some(_)) => {
            fs::set_permissions(file, fs::Permissions::from_mode(OWN_FILE)).map(|()| true)
        }
        Err(error) => Err(error),
    }
}

/// The mode of a file or folder with which others than its owner may do something; none where they
/// may do nothing.
pub(crate) fn others_may(path: &Path) -> io::Result<Option<u32>> {
    let mode = fs::metadata(path)?.mode() & 0o7777;
    Ok((mode & OTHERS != 0).then_some(mode))
}

/// The same for a file with a key that is open. That of root may be readable by a group: packages and
/// orchestrators hand keys over so, and PostgreSQL takes its own like that (its documentation,
/// `ssl_key_file`).
pub(crate) fn others_may_use_key(file: &fs::File) -> io::Result<Option<u32>> {
    let data = file.metadata()?;
    Ok(exposed(data.mode(), data.uid()))
}

fn exposed(mode: u32, owner: u32) -> Option<u32> {
    let too_much = if owner == 0 {
        OTHERS_BUT_READING_GROUP
    } else {
        OTHERS
    };
    (mode & too_much != 0).then_some(mode & 0o7777)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    #[test]
    fn what_is_made_is_for_its_owner_alone_and_takes_the_place_of_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        make(&file).unwrap();
        assert_eq!(mode(&file), 0o600);
        assert_eq!(make(&file).unwrap_err().kind(), ErrorKind::AlreadyExists);
        let deep = folder.path().join("a/b");
        make_folder(&deep).unwrap();
        assert_eq!((mode(&deep), others_may(&deep).unwrap()), (0o700, None));
        fs::set_permissions(&deep, fs::Permissions::from_mode(0o750)).unwrap();
        make_folder(&deep).unwrap();
        assert_eq!(others_may(&deep).unwrap(), Some(0o750));
    }

    #[test]
    fn others_are_kept_from_a_file_that_was_there() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        assert!(!close(&file).unwrap(), "there is none");
        make(&file).unwrap();
        assert!(!close(&file).unwrap());
        for open in [0o644, 0o640, 0o606, 0o666] {
            fs::set_permissions(&file, fs::Permissions::from_mode(open)).unwrap();
            assert!(close(&file).unwrap(), "{open:o}");
            assert_eq!(mode(&file), 0o600);
        }
    }

    #[test]
    fn a_key_is_for_its_owner_or_of_root_for_a_group() {
        for (mode, owner, found) in [
            (0o100_600, 1000, None),
            (0o100_400, 1000, None),
            (0o100_640, 1000, Some(0o640)),
            (0o100_604, 1000, Some(0o604)),
            (0o100_644, 0, Some(0o644)),
            (0o100_660, 0, Some(0o660)),
            (0o100_640, 0, None),
            (0o100_440, 0, None),
            (0o100_600, 0, None),
        ] {
            assert_eq!(exposed(mode, owner), found, "{mode:o} of {owner}");
        }
    }
}
