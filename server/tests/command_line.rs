//! The binary itself: what it refuses, with which status, in one line.

use std::{
    io::Write,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::{Command, Output, Stdio},
};

/// Runs `rollcall` in a folder with nothing of this test's own environment that concerns it.
fn rollcall(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_rollcall"))
        .args(arguments)
        .current_dir(folder)
        .env_remove("RUST_LOG")
        .env("RUST_LOG", "off")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that reads no password may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

#[track_caller]
fn done(output: &Output) -> String {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{error}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Asserts the status and answers the one line.
#[track_caller]
fn refused(output: &Output, status: i32) -> String {
    let line = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(status), "{line}");
    assert_eq!(line.trim_end().lines().count(), 1, "{line}");
    assert!(output.stdout.is_empty());
    line.trim_end().to_owned()
}

#[test]
fn it_tells_its_version() {
    let folder = tempfile::tempdir().unwrap();
    let version = done(&rollcall(folder.path(), &["--version"], ""));
    assert_eq!(version, format!("rollcall {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn wrong_usage_and_wrong_configuration_are_status_2() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    for (arguments, part) in [
        (&["sevre"][..], "unrecognized subcommand 'sevre'"),
        (
            &["serve", "--no-wroker"][..],
            "unexpected argument '--no-wroker'",
        ),
        (
            &["migrate", "--listen", "3000"][..],
            "listen: “3000” is not an address and port",
        ),
        (
            &["migrate", "--config", "no.toml"][..],
            "no.toml: not found",
        ),
        (
            &[
                "operator",
                "add",
                "--email",
                "a@b.example",
                "--name",
                "A",
                "--role",
                "king",
                "--password-stdin",
            ][..],
            "“king” is not one of owner, administrator",
        ),
        (
            &[
                "operator",
                "add",
                "--email",
                "mina",
                "--name",
                "A",
                "--role",
                "owner",
                "--password-stdin",
            ][..],
            "--email: Enter an e-mail address",
        ),
    ] {
        let line = refused(&rollcall(here, arguments, "a long pass phrase\n"), 2);
        assert!(line.contains(part), "{line}");
    }
    std::fs::write(here.join("rollcall.toml"), "lisen = \"127.0.0.1:1\"").unwrap();
    assert_eq!(
        refused(&rollcall(here, &["migrate"], ""), 2),
        "rollcall: configuration: unknown key “lisen” in rollcall.toml; did you mean “listen”?"
    );
}

#[test]
fn another_master_key_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    done(&rollcall(here, &["migrate"], ""));
    let key = here.join("data/master.key");
    std::fs::write(&key, "11".repeat(32)).unwrap();
    let line = refused(
        &rollcall(here, &["serve", "--listen", "127.0.0.1:0"], ""),
        2,
    );
    assert!(
        line.contains("master_key_file") && line.contains("another key"),
        "{line}"
    );
    std::fs::remove_file(&key).unwrap();
    let line = refused(
        &rollcall(here, &["serve", "--listen", "127.0.0.1:0"], ""),
        2,
    );
    assert!(line.contains("master_key_file"), "{line}");
    assert!(!key.exists());
}

/// Runs `rollcall` as a service with the widest umask does, in a folder that was there.
fn rollcall_with_umask_0(folder: &Path, arguments: &str) -> Output {
    let program = env!("CARGO_BIN_EXE_rollcall");
    Command::new("sh")
        .args(["-c", &format!("umask 0; exec {program} {arguments}")])
        .current_dir(folder)
        .env("RUST_LOG", "warn")
        .output()
        .unwrap()
}

#[test]
fn what_it_writes_is_its_owners_alone_whatever_the_umask() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let data = here.join("data");
    let allow = |path: &Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    std::fs::create_dir(&data).unwrap();
    allow(&data, 0o755);
    let output = rollcall_with_umask_0(here, "backup copy.db");
    done(&output);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(
        told.contains("has mode 0755") && told.contains("`chmod 700 ./data`"),
        "{told}"
    );
    let mut files = vec![here.join("copy.db")];
    files.extend(
        std::fs::read_dir(&data)
            .unwrap()
            .map(|file| file.unwrap().path()),
    );
    assert!(files.len() >= 3, "{files:?}");
    for file in &files {
        let mode = std::fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }

    allow(&data, 0o700);
    let output = rollcall_with_umask_0(here, "migrate");
    done(&output);
    assert!(output.stderr.is_empty(), "nothing is open any more");
    allow(&data.join("master.key"), 0o644);
    let line = refused(&rollcall(here, &["migrate"], ""), 2);
    assert_eq!(
        line,
        "rollcall: configuration: master_key_file: others may use ./data/master.key, which has mode 0644: make it its owner’s alone with `chmod 600 ./data/master.key`, and if somebody may have read it, go over to a new key with `rollcall secrets rotate`"
    );
}

#[tokio::test]
async fn a_database_that_a_newer_version_changed_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    done(&rollcall(here, &["migrate"], ""));
    let url = format!("sqlite://{}", here.join("data/rollcall.db").display());
    let db = backend::Db::open(&url).await.unwrap();
    backend::testing::migrate_beyond(&db, 9999).await;
    db.close().await;
    for arguments in [&["migrate"][..], &["serve", "--listen", "127.0.0.1:0"]] {
        let line = refused(&rollcall(here, arguments, ""), 1);
        assert!(line.contains("newer") && line.contains("9999"), "{line}");
    }
}

#[test]
fn a_port_in_use_is_refused_before_anything_is_touched() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let line = refused(&rollcall(here, &["serve", "--listen", &address], ""), 1);
    assert!(
        line.contains(&address) && line.contains("choose another port with listen"),
        "{line}"
    );
    assert!(!here.join("data").exists());
}

#[test]
fn tokens_come_alone_on_standard_output_and_operators_quietly() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let add = [
        "operator",
        "add",
        "--email",
        "mina@example.com",
        "--name",
        "Mina",
        "--role",
        "owner",
        "--password-stdin",
    ];
    assert_eq!(done(&rollcall(here, &add, "a long pass phrase\n")), "");
    let line = refused(&rollcall(here, &add, "a long pass phrase\n"), 2);
    assert!(line.contains("--email"), "{line}");
    let line = refused(&rollcall(here, &add, "\n"), 2);
    assert!(line.contains("password"), "{line}");

    let token = done(&rollcall(
        here,
        &[
            "token",
            "create",
            "--name",
            "n8n",
            "--role",
            "administrator",
        ],
        "",
    ));
    assert!(token.starts_with("rc_") && token.lines().count() == 1 && token.ends_with('\n'));
    let nobody = crate::support::NOBODY;
    let create = [
        "token",
        "create",
        "--name",
        "n8n",
        "--role",
        "administrator",
        "--customer",
        nobody,
    ];
    refused(&rollcall(here, &create, ""), 2);
}

/// A folder with a log of yesterday and today that was made with a clock of its own.
async fn with_audit_log() -> tempfile::TempDir {
    use backend::{
        auth::add_operator,
        testing::{Kind, TestBackend},
    };
    let t = TestBackend::new(Kind::Sqlite).await.unwrap();
    for email in ["a@x.example", "b@x.example"] {
        let role = domain::permission::Role::Owner;
        let made = add_operator(&t, email, "A", role, "a long pass phrase".into());
        made.await.unwrap();
        t.clock.advance(chrono::Duration::days(1));
    }
    t.db.close().await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("data")).unwrap();
    let database = t.folder.path().join("rollcall.db");
    std::fs::copy(database, folder.path().join("data/rollcall.db")).unwrap();
    folder
}

#[tokio::test]
async fn the_audit_log_is_verified_with_a_head_that_was_kept() {
    let folder = with_audit_log().await;
    let here = folder.path();
    let head = done(&rollcall(here, &["audit", "head"], ""));
    assert!(
        head.starts_with("2026-03-01:") && head.len() == 76,
        "{head}"
    );
    let head = head.trim_end();
    let said = done(&rollcall(here, &["audit", "verify"], ""));
    assert_eq!(
        said,
        format!("The audit log holds: 2 entries of 2 days.\nHead: {head}\n")
    );
    let said = done(&rollcall(here, &["audit", "verify", "--expect", head], ""));
    assert!(said.contains("It has the expected head"), "{said}");

    let other = head.replace(
        &head[11..15],
        if &head[11..15] == "0000" {
            "1111"
        } else {
            "0000"
        },
    );
    let output = rollcall(here, &["audit", "verify", "--expect", &other], "");
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(
        told.starts_with("2026-03-01: its head is not the expected one"),
        "{told}"
    );
    let line = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        line,
        "rollcall: the audit log is not as it was written, in one place\n"
    );

    let line = refused(
        &rollcall(here, &["audit", "verify", "--expect", "x"], ""),
        2,
    );
    assert!(line.contains("64 hexadecimal digits"), "{line}");
}

#[test]
fn a_new_audit_log_holds_and_has_no_head_yet() {
    let folder = tempfile::tempdir().unwrap();
    let said = done(&rollcall(folder.path(), &["audit", "verify"], ""));
    assert!(
        said.contains("0 entries of 0 days") && said.contains("no head"),
        "{said}"
    );
    let line = refused(&rollcall(folder.path(), &["audit", "head"], ""), 1);
    assert!(line.contains("tomorrow"), "{line}");
}

#[test]
fn the_key_is_rotated_and_checked_and_may_come_from_a_command() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    done(&rollcall(here, &["migrate"], ""));
    let key = here.join("data/master.key");
    let old = std::fs::read_to_string(&key).unwrap();
    let said = done(&rollcall(here, &["secrets", "rotate", "--prepare"], ""));
    assert!(said.contains("master.key.new"), "{said}");
    let said = done(&rollcall(here, &["secrets", "rotate"], ""));
    assert!(said.contains("The old key is kept in"), "{said}");
    assert_ne!(std::fs::read_to_string(&key).unwrap(), old);
    assert!(!here.join("data/master.key.new").exists());
    let said = done(&rollcall(
        here,
        &["secrets", "rotate", "--delete-old-key"],
        "",
    ));
    assert!(!said.contains("kept"), "{said}");
    let said = done(&rollcall(here, &["secrets", "check"], ""));
    assert!(said.contains("0 secrets open"), "{said}");
    let line = refused(
        &rollcall(here, &["secrets", "rotate", "--to", "command"], ""),
        2,
    );
    assert!(line.contains("--to command"), "{line}");

    std::fs::rename(&key, here.join("kept")).unwrap();
    let command = "master_key_command = [\"cat\", \"kept\"]";
    std::fs::write(here.join("rollcall.toml"), command).unwrap();
    done(&rollcall(here, &["secrets", "check"], ""));
    std::fs::write(here.join("kept"), "not a key").unwrap();
    let line = refused(&rollcall(here, &["migrate"], ""), 2);
    assert!(
        line.contains("master_key_command: cat has to print the key"),
        "{line}"
    );
    assert!(!line.contains("not a key"), "{line}");
}

#[test]
fn operators_are_listed_and_helped_on_the_machine_itself() {
    let folder = tempfile::tempdir().unwrap();
    let here = folder.path();
    let operator = |arguments: &[&str], input: &str| {
        let arguments: Vec<&str> = ["operator"].iter().chain(arguments).copied().collect();
        rollcall(here, &arguments, input)
    };
    assert_eq!(done(&operator(&["list"], "")), "");
    for (email, name, role) in [
        ("mina@example.com", "Mina", "owner"),
        ("ada@example.com", "Ada", "help_desk"),
    ] {
        let add = [
            "add",
            "--email",
            email,
            "--name",
            name,
            "--role",
            role,
            "--password-stdin",
        ];
        done(&operator(&add, "a long pass phrase\n"));
    }
    let list = "ada@example.com\tAda\thelp_desk\tAll customers\tactive\tnever\n\
                mina@example.com\tMina\towner\tAll customers\tactive\tnever\n";
    assert_eq!(done(&operator(&["list"], "")), list);

    let disable = |email| operator(&["disable", "--email", email], "");
    done(&disable("ADA@example.com"));
    let listed = done(&operator(&["list"], ""));
    assert!(listed.starts_with("ada@example.com\tAda\thelp_desk\tAll customers\tdisabled\t"));
    let line = refused(&disable("mina@example.com"), 1);
    assert!(line.contains("last owner"), "{line}");
    done(&operator(&["enable", "--email", "ada@example.com"], ""));
    assert_eq!(done(&operator(&["list"], "")), list);

    let reset = |email, password| {
        operator(
            &["reset-password", "--email", email, "--password-stdin"],
            password,
        )
    };
    assert_eq!(done(&reset("mina@example.com", "another long one\n")), "");
    let line = refused(&reset("mina@example.com", "short\n"), 2);
    assert!(line.contains("--password-stdin: Use at least 12"), "{line}");
    let line = refused(&reset("nobody@example.com", "another long one\n"), 2);
    assert!(line.contains("--email: There is no operator"), "{line}");
    let reset = |email| operator(&["reset-second-factor", "--email", email], "");
    let line = refused(&reset("nobody@example.com"), 2);
    assert!(line.contains("--email: There is no operator"), "{line}");
    let line = refused(&reset("mina@example.com"), 1);
    assert!(line.contains("no second factor"), "{line}");
}
