use std::path::Path;

use domain::{
    credential_profile::{CredentialKind, NewSecondCredential},
    id::{CredentialProfileId, NotificationRecipientId},
    notification::{NewNotificationRecipient, NotificationRecipientChange, RecipientKind},
};
use secrecy::SecretString;

use super::{
    keys::{KeyCommand, MasterKeySource},
    places::COLUMNS,
    rotation::{self, Rotated, To},
    *,
};
use crate::{
    Backend, Scope,
    db::crash::crash_at,
    db_test, execute, fetch_scalar, installation,
    store::{credential_profiles, imports, notification_recipients, sample},
    testing::TestBackend,
};

/// More moments than any rotation of these tests has.
const MOMENTS_MAX: usize = 100;
/// Fewer than any of them has: two for each commit.
const MOMENTS_MIN: usize = 12;

/// What is sealed in a test, and by whom it is opened.
struct World {
    t: TestBackend,
    source: MasterKeySource,
    owner: Scope,
    profiles: Vec<CredentialProfileId>,
    hook: NotificationRecipientId,
}

impl World {
    /// An installation with its key in a file, and secrets in every column.
    async fn new(mut t: TestBackend) -> Self {
        let source = MasterKeySource::from(t.folder.path().join("master.key").as_path());
        t.backend.sealer = start(&t, &source).await.unwrap();
        let owner = t.owner().await;
        let mut profiles = Vec::new();
        for at in 0..7 {
            let profile = sample::profile(&t, &owner, None, &format!("P{at}")).await;
            if at % 2 == 0 {
                credential_profiles::put_second(&t, &owner, profile.id, second())
                    .await
                    .unwrap();
            }
            profiles.push(profile.id);
        }
        let hook = NewNotificationRecipient {
            kind: RecipientKind::Webhook,
            address: "https://example.com/hook".to_owned(),
            causes: None,
        };
        let hook = notification_recipients::create(&t, &owner, None, hook)
            .await
            .unwrap();
        let hook = hook.recipient.id;
        let rotate = NotificationRecipientChange {
            rotate_secret: true,
            ..NotificationRecipientChange::default()
        };
        notification_recipients::change(&t, &owner, hook, rotate)
            .await
            .unwrap();
        sample::mail_with_link(&t, owner.operator_id().unwrap(), "link").await;
        sample::mail_with_link_to_user(&t, "link").await;
        sample::authenticator(&t, &owner).await;
        let customer = t.customer("Imported").await;
        let file = b"upn,name\nada@x.example,Ada\n".to_vec();
        imports::from_file(&t, &owner, customer, "users.csv", file, None)
            .await
            .unwrap();
        Self {
            t,
            source,
            owner,
            profiles,
            hook,
        }
    }

    /// A process that begins now.
    async fn process(&self) -> Backend {
        Backend {
            sealer: start(&self.t, &self.source).await.unwrap(),
            ..self.t.backend.clone()
        }
    }

    async fn rotate(&self, b: &Backend) -> Result<Rotated> {
        rotation::rotate(b, &self.source, To::File, false, |_, _| {}).await
    }

    /// Opens everything, as the worker does.
    async fn opens_all(&self, b: &Backend, when: &str) {
        let mut tx = b.db.read().await.unwrap();
        for id in &self.profiles {
            let opened = credential_profiles::credential(b, &mut tx, *id).await;
            assert!(opened.is_ok(), "{when}: {opened:?}");
        }
        let target = notification_recipients::target(b, &mut tx, self.hook).await;
        assert_eq!(target.unwrap().unwrap().secrets.len(), 2, "{when}");
    }

    /// How many secrets are sealed with this key, of how many.
    async fn sealed_with(&self, key: KeyId) -> (usize, usize) {
        let mut tx = self.t.db.read().await.unwrap();
        let (mut of_key, mut all) = (0, 0);
        for column in COLUMNS {
            let rows = column.all(&mut tx).await.unwrap();
            assert!(!rows.is_empty(), "{} is tried too", column.full_name());
            all += rows.len();
            of_key += rows.iter().filter(|row| key_of(row) == Some(key)).count();
        }
        (of_key, all)
    }

    async fn file_key(&self) -> KeyId {
        self.source.find().await.unwrap().file.unwrap().id()
    }

    fn files(&self) -> Vec<String> {
        let mut files: Vec<_> = std::fs::read_dir(self.t.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.starts_with("master.key"))
            .collect();
        files.sort();
        files
    }
}

async fn start(t: &TestBackend, source: &MasterKeySource) -> Result<Sealer> {
    installation::sealer(&t.db, &t.clock, &t.ids, source.clone()).await
}

fn second() -> NewSecondCredential {
    NewSecondCredential {
        kind: CredentialKind::ClientSecret,
        client_secret: Some("the second value".to_owned()),
        certificate_pem: None,
        private_key_pem: None,
        certificate_years: None,
        expires_at: None,
    }
}

db_test!(everything_is_sealed_anew_while_other_processes_go_on, |t| {
    let w = World::new(t).await;
    let old = w.file_key().await;
    let (serving, rotating) = (w.process().await, w.process().await);
    let all = w.sealed_with(old).await.1;
    let mut told = Vec::new();
    let progress = |done, of| told.push((done, of));
    let rotated = rotation::rotate(&rotating, &w.source, To::File, false, progress).await;
    let rotated = rotated.unwrap();
    let all_64 = u64::try_from(all).unwrap();
    assert_eq!(rotated.resealed, all_64);
    assert_eq!(told.last(), Some(&(all_64, all_64)));
    assert!(told.len() > 4, "in several transactions: {told:?}");

    let new = w.file_key().await;
    assert_ne!(new, old);
    assert_eq!(
        (rotated.key.as_str(), w.sealed_with(new).await),
        (new.to_string().as_str(), (all, all))
    );
    let kept = format!("master.key.old-{old}");
    assert_eq!(w.files(), ["master.key", &kept]);
    assert_eq!(rotated.old_key_file, Some(w.t.folder.path().join(&kept)));

    // A process that began before it opens everything, and seals with the new key.
    w.opens_all(&serving, "a process from before").await;
    let later = sample::new_profile(None, "Later");
    credential_profiles::create(&serving, &w.owner, later)
        .await
        .unwrap();
    let checked = rotation::check(&serving).await.unwrap();
    assert_eq!((checked.good, checked.key), (all_64 + 1, new.to_string()));
    w.opens_all(&w.process().await, "a process from after")
        .await;
    // The old key opens nothing any more.
    let old_file = MasterKeySource::from(w.t.folder.path().join(&kept).as_path());
    let refused = start(&w.t, &old_file).await.unwrap_err().to_string();
    assert!(
        refused.contains("another key") && refused.contains(&new.to_string()),
        "{refused}"
    );
    assert_eq!(
        sample::audit_log(&w.t).await[14..16],
        [
            format!("Command line installation.rotate_master_key : {old} to {new}: begun"),
            format!("Command line installation.rotate_master_key : {old} to {new}: done"),
        ]
    );
    // The next one begins with what the last one left.
    w.rotate(&w.process().await).await.unwrap();
    w.opens_all(&serving, "after a second rotation").await;
    assert_eq!(w.files().len(), 3);
});

db_test!(killed_before_or_after_any_commit_it_goes_on, |t| {
    let w = World::new(t).await;
    let all = w.sealed_with(w.file_key().await).await.1;
    let serving = w.process().await;
    for moment in 0..MOMENTS_MAX {
        let when = format!("killed at moment {moment}");
        let before = w.file_key().await;
        let rotating = w.process().await;
        let done = crash_at(moment, w.rotate(&rotating)).await;
        // Who runs opens everything, who starts too, and what is stored meanwhile is not lost.
        w.opens_all(&serving, &when).await;
        w.opens_all(&w.process().await, &when).await;
        let id = w.profiles[moment % w.profiles.len()];
        let put = credential_profiles::put_second(&serving, &w.owner, id, second()).await;
        put.unwrap();
        w.rotate(&w.process().await).await.unwrap();
        let after = w.file_key().await;
        assert_ne!(before, after, "{when}");
        let (of_new, now) = w.sealed_with(after).await;
        assert!(of_new == now && now >= all, "{when}: {of_new} of {now}");
        rotation::check(&serving).await.unwrap();
        w.opens_all(&serving, &when).await;
        assert!(!w.source.next_file().exists(), "{when}");
        if let Some(done) = done {
            done.unwrap();
            assert!(moment > MOMENTS_MIN, "{moment}");
            return;
        }
    }
    panic!("no rotation came to its end");
});

db_test!(
    what_is_being_stored_when_it_begins_is_sealed_anew_too,
    |t| {
        let w = World::new(t).await;
        let serving = w.process().await;
        let id = w.profiles[1];
        let place = Place::new(places::CREDENTIAL_SECRET, id.0);
        let mut tx = serving.db.write().await.unwrap();
        let secret = SecretString::from("stored meanwhile");
        let sealed = serving.sealer.seal(&mut tx, place, &secret).await.unwrap();
        let rotating = tokio::spawn({
            let (b, source) = (w.process_without_database().await, w.source.clone());
            async move { rotation::rotate(&b, &source, To::File, false, |_, _| {}).await }
        });
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        execute!(
            &mut tx,
            "UPDATE credential_profile SET secret_sealed = $1 WHERE id = $2",
            sealed,
            id
        )
        .unwrap();
        tx.commit().await.unwrap();
        rotating.await.unwrap().unwrap();
        rotation::check(&serving).await.unwrap();
        w.opens_all(&serving, "afterwards").await;
    }
);

impl World {
    /// Another process, whose start asks the database nothing.
    async fn process_without_database(&self) -> Backend {
        let found = self.source.find().await.unwrap();
        let source = (self.source.clone(), self.t.clock.clone());
        let ids = self.t.ids.clone();
        Backend {
            sealer: Sealer::with(found.file.unwrap(), &[], Some(source), ids),
            ..self.t.backend.clone()
        }
    }
}

db_test!(
    a_secret_that_a_form_held_meanwhile_is_sealed_with_the_new_key,
    |t| {
        let w = World::new(t).await;
        let serving = w.process().await;
        let hook = || NewNotificationRecipient {
            kind: RecipientKind::Webhook,
            address: "https://example.com/other".to_owned(),
            causes: None,
        };
        let offered = notification_recipients::offer_secret(&serving, &w.owner, None, None)
            .await
            .unwrap();
        w.rotate(&w.process().await).await.unwrap();
        let (id, sealed) = (offered.id, offered.sealed.as_str());
        notification_recipients::create_with(&serving, &w.owner, None, hook(), id, sealed)
            .await
            .unwrap();
        rotation::check(&serving).await.unwrap();

        let again = notification_recipients::offer_secret(&serving, &w.owner, None, Some(id))
            .await
            .unwrap();
        w.rotate(&w.process().await).await.unwrap();
        let before = w.sealed_with(w.file_key().await).await.1;
        for _ in 0..2 {
            notification_recipients::rotate_to(&serving, &w.owner, id, &again.sealed)
                .await
                .unwrap();
        }
        rotation::check(&serving).await.unwrap();
        // Sent twice it is one rotation: the secret before is still the first one.
        assert_eq!(w.sealed_with(w.file_key().await).await.1, before + 1);
        let mut tx = serving.db.read().await.unwrap();
        let target = notification_recipients::target(&serving, &mut tx, id).await;
        let secrets: Vec<_> = target.unwrap().unwrap().secrets;
        let texts: Vec<_> = secrets.iter().map(ExposeSecret::expose_secret).collect();
        assert_eq!(
            texts,
            [again.secret.expose_secret(), offered.secret.expose_secret()]
        );
    }
);

db_test!(
    what_opens_with_no_key_keeps_it_from_its_end_and_is_named,
    |t| {
        let w = World::new(t).await;
        let broken = w.profiles[3];
        let mut tx = w.t.db.write().await.unwrap();
        execute!(
            &mut tx,
            "UPDATE credential_profile SET secret_sealed = $1 WHERE id = $2",
            b"nothing that opens, and long enough to look like it".to_vec(),
            broken
        )
        .unwrap();
        tx.commit().await.unwrap();
        let refused = w.rotate(&w.process().await).await.unwrap_err().to_string();
        assert!(
            refused.contains(&format!("credential_profile.secret_sealed of {broken}")),
            "{refused}"
        );
        let found = w.source.find().await.unwrap();
        let new = found.next.unwrap().id();
        let (of_new, all) = w.sealed_with(new).await;
        assert_eq!(of_new, all - 1, "everything else is done");
        assert!(
            found.file.unwrap().id() != new,
            "the old key is still there"
        );
        assert!(
            rotation::check(&w.t)
                .await
                .unwrap_err()
                .to_string()
                .contains("under way")
        );

        credential_profiles::delete(&w.t, &w.owner, broken)
            .await
            .unwrap();
        let rotated = w.rotate(&w.process().await).await.unwrap();
        assert_eq!((rotated.resealed, rotated.key), (0, new.to_string()));
        rotation::check(&w.process().await).await.unwrap();
    }
);

db_test!(a_file_made_before_is_used_and_the_old_key_can_go, |t| {
    let w = World::new(t).await;
    let b = w.process().await;
    let file = rotation::prepare(&b, &w.source).await.unwrap();
    assert_eq!(file, w.source.next_file());
    let next = w.source.find().await.unwrap().next.unwrap().id();
    assert_eq!(
        rotation::prepare(&b, &w.source).await.unwrap(),
        file,
        "it stays"
    );
    let gone = rotation::rotate(&b, &w.source, To::File, true, |_, _| {}).await;
    let gone = gone.unwrap();
    assert_eq!((gone.key, gone.old_key_file), (next.to_string(), None));
    assert_eq!(w.files(), ["master.key"]);
});

fn cat(file: &Path) -> KeyCommand {
    KeyCommand::parse(vec!["cat".to_owned(), file.display().to_string()]).unwrap()
}

db_test!(the_key_may_come_from_a_command_and_go_back_to_a_file, |t| {
    let mut w = World::new(t).await;
    let keys = w.t.folder.path().join("keys");
    let serving_from_file = w.process().await;
    let file = w.t.folder.path().join("master.key");
    w.source = MasterKeySource::new(file, Some(cat(&keys)));
    let old = std::fs::read_to_string(&w.source.file).unwrap();
    std::fs::write(&keys, &old).unwrap();
    let to = |to| {
        let source = w.source.clone();
        let w = &w;
        async move {
            let b = w.process().await;
            rotation::rotate(&b, &source, to, false, |_, _| {}).await
        }
    };
    let refused = to(To::Command).await.unwrap_err().to_string();
    assert!(
        refused.contains("prints no key but the present one"),
        "{refused}"
    );
    std::fs::write(&keys, format!("{old}\n{}\n", "ab".repeat(32))).unwrap();
    let rotated = to(To::Command).await.unwrap();
    assert!(rotated.resealed > 0);
    assert!(
        !w.source.file.exists(),
        "the old key is in no file that counts"
    );
    std::fs::write(&keys, "ab".repeat(32)).unwrap();
    w.opens_all(&w.process().await, "with the command alone")
        .await;
    let lost = credential_profiles::credential(
        &serving_from_file,
        &mut w.t.db.read().await.unwrap(),
        w.profiles[0],
    )
    .await
    .unwrap_err()
    .to_string();
    assert!(
        lost.contains(&rotated.key) && lost.contains("nothing has to be started again"),
        "{lost}"
    );

    let back = to(To::File).await.unwrap();
    assert_ne!(back.key, rotated.key);
    assert_eq!(w.file_key().await.to_string(), back.key);
    let from_file = MasterKeySource::from(w.source.file.as_path());
    assert!(start(&w.t, &from_file).await.is_ok());
    w.t.clock.advance(chrono::Duration::seconds(LOOKED_AGAIN_S));
    w.opens_all(&serving_from_file, "once the key is in the file again")
        .await;
});

#[tokio::test]
async fn a_command_that_gives_no_key_is_named_with_what_it_complains_of() {
    let key = "cd".repeat(32);
    let shell = |script: &str| vec!["sh".to_owned(), "-c".to_owned(), script.to_owned()];
    let folder = tempfile::tempdir().unwrap();
    let tried = async |parts: Vec<String>| {
        let command = KeyCommand::parse(parts).unwrap();
        assert!(
            !format!("{command:?}").contains("exit"),
            "arguments may be passwords"
        );
        let source = MasterKeySource::new(folder.path().join("master.key"), Some(command));
        source
            .find()
            .await
            .map(drop)
            .map_err(|error| error.to_string())
    };
    let complains = format!("echo 'no such\nentry {key}' >&2; exit 3");
    let said = tried(shell(&complains)).await.unwrap_err();
    assert!(
        said.starts_with("master_key_command: sh failed (exit status: 3): no such entry …"),
        "{said}"
    );
    for printed in [
        "echo hunter2; exit 0",
        "exit 0",
        &format!("echo {key}{key}; exit 0"),
    ] {
        let said = tried(shell(printed)).await.unwrap_err();
        assert!(
            said.contains("64 hexadecimal digits")
                && !said.contains("hunter2")
                && !said.contains(&key),
            "{said}"
        );
    }
    let said = tried(vec!["no-such-program".to_owned()]).await.unwrap_err();
    assert!(said.contains("no-such-program can’t be run"), "{said}");
    assert!(tried(shell(&format!("echo {key}; exit 0"))).await.is_ok());
    assert!(KeyCommand::parse(Vec::new()).is_err());
}

db_test!(every_place_is_looked_at_by_the_count_that_ends_it, |t| {
    // A value of another form counts as sealed with another key, whatever its length.
    let w = World::new(t).await;
    w.rotate(&w.process().await).await.unwrap();
    for column in COLUMNS {
        let mut tx = w.t.db.write().await.unwrap();
        let sql = format!(
            "UPDATE {0} SET {1} = $1 WHERE {1} IS NOT NULL",
            column.table, column.name
        );
        execute!(&mut tx, sqlx::AssertSqlSafe(sql), vec![1_u8]).unwrap();
        tx.commit().await.unwrap();
        let refused = rotation::check(&w.process().await)
            .await
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains(&column.full_name()) || refused.contains(" more"),
            "{refused}"
        );
    }
    let installed = "SELECT COUNT(*) FROM installation WHERE master_key_rotated_at IS NOT NULL";
    let mut tx = w.t.db.read().await.unwrap();
    assert_eq!(fetch_scalar!(&mut tx, i64, installed).unwrap(), 1);
});
