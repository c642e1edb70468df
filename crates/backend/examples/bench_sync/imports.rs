//! What importing a file takes: the dry run, applying it, and both once more with nothing to change.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use backend::{Backend, auth::command_line_scope, store};
use domain::{
    id::CustomerId,
    import::{ApplyImport, ApplyRows, Import, ROWS_MAX},
    run::RunTrigger,
};

use crate::{Asked, Result, measure, part};

/// The most that an import without passwords may take, from the file to the people.
pub const AIM: Duration = Duration::from_secs(5);

/// What came out.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// From the bytes of the file to its dry run.
    pub looking: Duration,
    /// From the press of the button to the end.
    pub applying: Duration,
    /// The same file, looked at again: nothing differs.
    pub looking_again: Duration,
}

impl Measured {
    /// The whole import.
    pub fn whole(&self) -> Duration {
        self.looking + self.applying
    }
}

/// Measures it on SQLite, or on a new database of the server.
pub async fn measure(postgres: Option<&String>) -> Result<Measured> {
    let folder = tempfile::tempdir()?;
    // Nothing is asked of it.
    let b = measure::open(folder.path(), postgres, "http://127.0.0.1:9").await?;
    let measured = one(&b).await;
    part::remove(b, postgres).await?;
    measured
}

async fn one(b: &Backend) -> Result<Measured> {
    let scope = command_line_scope();
    let customer = store::customers::create(b, &scope, "Contoso").await?.id;
    let file = file();
    let (import, looking) = look(b, customer, file.clone()).await?;
    let how = ApplyImport {
        rows: ApplyRows::All,
        plan: import.plan.ok_or("there is no dry run")?,
    };
    let begun = Instant::now();
    store::imports::apply(b, &scope, import.id, &how, RunTrigger::Operator).await?;
    let applying = begun.elapsed();
    let (again, looking_again) = look(b, customer, file).await?;
    let unchanged = again.counts.map(|counts| counts.unchanged);
    if unchanged != i64::try_from(ROWS_MAX).ok() {
        return Err(format!("not everybody was imported: {:?}", again.counts).into());
    }
    Ok(Measured {
        looking,
        applying,
        looking_again,
    })
}

async fn look(b: &Backend, customer: CustomerId, file: Vec<u8>) -> Result<(Import, Duration)> {
    let begun = Instant::now();
    let scope = command_line_scope();
    let import = store::imports::from_file(b, &scope, customer, "users.csv", file, None).await?;
    Ok((import, begun.elapsed()))
}

/// As many people as a file may have, with what people have.
fn file() -> Vec<u8> {
    let mut text =
        "User name;Given name;Surname;Display name;Mail;Job title;Department;City\r\n".to_owned();
    for at in 0..ROWS_MAX {
        let written = write!(
            text,
            "zoe.muller{at}@contoso.example;Zoë;Müller {at};Zoë Müller {at};zoe{at}@mail.example;\
             Systems engineer;Engineering {};’s-Hertogenbosch\r\n",
            at % 50
        );
        debug_assert!(written.is_ok(), "a text takes whatever is written");
    }
    text.into_bytes()
}

/// Prints it.
pub async fn print(asked: &Asked) -> Result<()> {
    let mut columns = vec![("SQLite", measure(None).await?)];
    if let Some(server) = &asked.postgres {
        columns.push(("PostgreSQL", measure(Some(server)).await?));
    }
    for (name, measured) in columns {
        println!(
            "{name:<12} whole {:.2} s (aim: {} s): looking {:.2} s, applying {:.2} s; looking again {:.2} s",
            measured.whole().as_secs_f64(),
            AIM.as_secs(),
            measured.looking.as_secs_f64(),
            measured.applying.as_secs_f64(),
            measured.looking_again.as_secs_f64()
        );
    }
    Ok(())
}
