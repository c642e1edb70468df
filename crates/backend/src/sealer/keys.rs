//! Where master keys come from: a file, and during a rotation the file beside it; or a command.

use std::{
    io::{ErrorKind, Read as _, Write as _},
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use chacha20poly1305::{Key, KeyInit as _, XChaCha20Poly1305};
use sha2::{Digest as _, Sha256};
use tokio::{io::AsyncReadExt as _, process::Command};
use zeroize::Zeroizing;

use crate::{Error, Result, ids::Ids, private_files};

/// The length of a key.
pub const KEY_BYTES: usize = 32;
/// How long a command may take to give the key.
const COMMAND_TIMEOUT: Duration = Duration::from_secs(30);
/// The most that is read of what a command prints.
const OUTPUT_BYTES_MAX: u64 = 16 * 1024;
/// The most that is repeated of what a command complains of, in characters.
const COMPLAINT_CHARS_MAX: usize = 500;

/// Names a key in a sealed value: the first bytes of its fingerprint.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyId([u8; 8]);

impl KeyId {
    /// The name of the key with this fingerprint.
    pub(super) fn of(fingerprint: &[u8]) -> Self {
        let mut id = [0; 8];
        for (to, from) in id.iter_mut().zip(fingerprint) {
            *to = *from;
        }
        Self(id)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Display for KeyId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&short(&self.0))
    }
}

impl std::fmt::Debug for KeyId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// As people read it: eight digits are enough to tell two keys apart.
pub(super) fn short(fingerprint: &[u8]) -> String {
    hex::encode(&fingerprint[..fingerprint.len().min(4)])
}

/// A key, ready to seal with.
pub struct MasterKey {
    cipher: XChaCha20Poly1305,
    fingerprint: [u8; 32],
}

impl MasterKey {
    /// A key of these bytes.
    pub fn new(key: &[u8; KEY_BYTES]) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"rollcall master key fingerprint v1");
        hash.update(key);
        Self {
            cipher: XChaCha20Poly1305::new(Key::from_slice(key)),
            fingerprint: hash.finalize().into(),
        }
    }

    /// Names the key without telling it.
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    /// The key’s name in sealed values.
    pub fn id(&self) -> KeyId {
        KeyId::of(&self.fingerprint)
    }

    pub(super) fn cipher(&self) -> &XChaCha20Poly1305 {
        &self.cipher
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MasterKey({})", self.id())
    }
}

/// A program that prints the key, such as a client of a key store: run as it stands, without a
/// shell.
#[derive(Clone)]
pub struct KeyCommand {
    program: String,
    arguments: Vec<String>,
}

impl KeyCommand {
    /// The command with these parts, the program first.
    pub fn parse(parts: Vec<String>) -> Result<Self> {
        let mut parts = parts.into_iter();
        match parts.next().filter(|program| !program.trim().is_empty()) {
            Some(program) => Ok(Self {
                program,
                arguments: parts.collect(),
            }),
            None => Err(Error::configuration(
                "master_key_command",
                "it has no program; give a list such as [\"vault\", \"kv\", \"get\", \"-field=key\", \"secret/rollcall\"]",
            )),
        }
    }

    /// Runs it. It prints the key, or during a rotation both keys, each as 64 hexadecimal digits
    /// on a line of its own. What it prints is never repeated.
    async fn keys(&self) -> Result<Vec<Arc<MasterKey>>> {
        let refused = |problem: String| {
            Error::configuration("master_key_command", &format!("{} {problem}", self.program))
        };
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| refused(format!("can’t be run: {error}")))?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let mut printed = Zeroizing::new(Vec::with_capacity(1024));
        let mut complaint = Vec::new();
        let run = async {
            let (out, err) = tokio::join!(
                read_some(stdout, &mut printed),
                read_some(stderr, &mut complaint)
            );
            out.and(err)?;
            child.wait().await
        };
        let status = tokio::time::timeout(COMMAND_TIMEOUT, run)
            .await
            .map_err(|_| {
                refused(format!(
                    "gave no key within {} s",
                    COMMAND_TIMEOUT.as_secs()
                ))
            })?
            .map_err(|error| refused(format!("can’t be read: {error}")))?;
        if !status.success() {
            return Err(refused(format!("failed ({status}){}", said(&complaint))));
        }
        let text = std::str::from_utf8(&printed).unwrap_or("?");
        let keys: Option<Vec<_>> = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(parse)
            .collect();
        match keys {
            Some(keys) if !keys.is_empty() => Ok(keys),
            _ => Err(refused(format!(
                "has to print the key as 64 hexadecimal digits, during a rotation both keys on a line each, and nothing else{}",
                said(&complaint)
            ))),
        }
    }
}

impl std::fmt::Debug for KeyCommand {
    /// The program alone: an argument may be a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyCommand({} …)", self.program)
    }
}

async fn read_some(
    from: Option<impl tokio::io::AsyncRead + Unpin>,
    to: &mut Vec<u8>,
) -> std::io::Result<()> {
    if let Some(from) = from {
        from.take(OUTPUT_BYTES_MAX).read_to_end(to).await?;
    }
    Ok(())
}

/// What a command complained of, in one line, without anything that could be a key.
fn said(complaint: &[u8]) -> String {
    let text = String::from_utf8_lossy(complaint);
    let words: Vec<&str> = text
        .split_whitespace()
        .map(|word| {
            let digits = word.bytes().filter(u8::is_ascii_hexdigit).count();
            if digits >= KEY_BYTES { "…" } else { word }
        })
        .collect();
    let line: String = words.join(" ").chars().take(COMPLAINT_CHARS_MAX).collect();
    if line.is_empty() {
        String::new()
    } else {
        format!(": {line}")
    }
}

fn parse(text: &str) -> Option<Arc<MasterKey>> {
    let mut key = Zeroizing::new([0_u8; KEY_BYTES]);
    hex::decode_to_slice(text, key.as_mut_slice()).ok()?;
    Some(Arc::new(MasterKey::new(&key)))
}

/// Where this installation’s keys come from.
#[derive(Debug, Clone)]
pub struct MasterKeySource {
    pub(super) file: PathBuf,
    pub(super) command: Option<KeyCommand>,
}

impl From<&Path> for MasterKeySource {
    fn from(file: &Path) -> Self {
        Self::new(file.to_owned(), None)
    }
}

impl From<&PathBuf> for MasterKeySource {
    fn from(file: &PathBuf) -> Self {
        Self::new(file.clone(), None)
    }
}

/// The keys that are at the source now.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// What the command prints.
    pub command: Vec<Arc<MasterKey>>,
    /// The one in the file beside, which a rotation made.
    pub next: Option<Arc<MasterKey>>,
    /// The one in the file.
    pub file: Option<Arc<MasterKey>>,
}

impl Found {
    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Arc<MasterKey>> {
        self.command.iter().chain(&self.next).chain(&self.file)
    }

    /// The one with this fingerprint.
    pub fn with(&self, fingerprint: &[u8]) -> Option<&Arc<MasterKey>> {
        self.all().find(|key| key.fingerprint() == fingerprint)
    }
}

impl MasterKeySource {
    /// The file, and the command where there is one.
    pub fn new(file: PathBuf, command: Option<KeyCommand>) -> Self {
        Self { file, command }
    }

    /// The file with the next key, beside the file with the present one.
    pub(crate) fn next_file(&self) -> PathBuf {
        beside(&self.file, "new")
    }

    /// The file that a key which was rotated away is kept in.
    pub(super) fn old_file(&self, key: KeyId) -> PathBuf {
        beside(&self.file, &format!("old-{key}"))
    }

    /// Everything that is there. The file beside comes before the file: a rotation renames the
    /// one to the other, so that whoever doesn’t find it there any more finds it here.
    pub(crate) async fn find(&self) -> Result<Found> {
        Ok(Found {
            command: match &self.command {
                Some(command) => command.keys().await?,
                None => Vec::new(),
            },
            next: read_file(&self.next_file())?,
            file: read_file(&self.file)?,
        })
    }

    /// Makes the first key of an installation, in its file.
    pub(crate) fn make(&self, ids: &Ids) -> Result<Arc<MasterKey>> {
        make_or_read(&self.file, ids)
    }

    /// Who is to blame where a key is missing, as “… not give”.
    pub(super) fn does(&self) -> String {
        match &self.command {
            Some(command) => format!("the command {} does", command.program),
            None => format!(
                "the files {} and {} do",
                self.file.display(),
                self.next_file().display()
            ),
        }
    }

    /// The setting that says where the keys are.
    pub(crate) fn setting(&self) -> &'static str {
        match self.command {
            Some(_) => "master_key_command",
            None => "master_key_file",
        }
    }

    /// The file, or the command’s program.
    pub(crate) fn name(&self) -> String {
        match &self.command {
            Some(command) => command.program.clone(),
            None => self.file.display().to_string(),
        }
    }
}

fn beside(file: &Path, ending: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(format!(".{ending}"));
    name.into()
}

/// The key in a file; none where there is no such file.
fn read_file(file: &Path) -> Result<Option<Arc<MasterKey>>> {
    let unread = |error| Error::file("read the master key in", file, &error);
    let mut open = match std::fs::File::open(file) {
        Ok(open) => open,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unread(error)),
    };
    if let Some(mode) = private_files::others_may_use_key(&open).map_err(unread)? {
        let name = file.display();
        return Err(Error::configuration(
            "master_key_file",
            &format!(
                "others may use {name}, which has mode {mode:04o}: make it its owner’s alone with `chmod 600 {name}`, and if somebody may have read it, go over to a new key with `rollcall secrets rotate`"
            ),
        ));
    }
    let mut text = Zeroizing::new(String::with_capacity(2 * KEY_BYTES + 2));
    open.read_to_string(&mut text).map_err(unread)?;
    let key = parse(text.trim()).ok_or_else(|| {
        Error::configuration(
            "master_key_file",
            &format!(
                "{} has to hold 64 hexadecimal digits and nothing else",
                file.display()
            ),
        )
    })?;
    Ok(Some(key))
}

/// Makes a new master key in a file that only its owner can read (mode 0600). The file is there
/// whole or not at all, and an existing one is never overwritten: [`ErrorKind::AlreadyExists`].
fn make_file(file: &Path, ids: &Ids) -> std::io::Result<()> {
    let mut key = Zeroizing::new([0_u8; KEY_BYTES]);
    ids.fill(key.as_mut_slice());
    let text = Zeroizing::new(format!("{}\n", hex::encode(key.as_slice())));
    let draft = beside(file, &format!("draft-{}", ids.uuid().simple()));
    let made = write_new(&draft, text.as_bytes())
        // Unlike a rename, a link takes the place of nothing.
        .and_then(|()| std::fs::hard_link(&draft, file));
    // What is left of a draft is no key of anything.
    let _ = std::fs::remove_file(&draft);
    made?;
    sync_folder(file)
}

pub(super) fn write_new(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut open = private_files::make(file)?;
    open.write_all(bytes)?;
    open.sync_all()
}

/// Makes the names in a file’s folder last.
pub(super) fn sync_folder(file: &Path) -> std::io::Result<()> {
    let folder = file
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    std::fs::File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
}

/// Makes a new key in a file, or reads the one that somebody else made there meanwhile.
pub(crate) fn make_or_read(file: &Path, ids: &Ids) -> Result<Arc<MasterKey>> {
    match make_file(file, ids) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(Error::file("write the master key to", file, &error));
        }
        _ => {}
    }
    read_file(file)?.ok_or_else(|| {
        Error::Unavailable(format!("the master key in {} went away", file.display()))
    })
}
