//! Whether the mail server would take a mail: the worker looks once an hour, and whoever asks for it
//! from a page. A warning that can't leave is found before there is one.

use domain::{DateTime, notification::MailServerCheck, permission::Permission, run::RunError};

use crate::{
    Backend, Result, Scope, Tx, execute, fetch_optional,
    limits::Limited,
    store::{read_json, write_json},
};

/// Connects to the mail server as before a mail, and keeps what came of it. None while mail isn't set
/// up.
pub(crate) async fn look(b: &Backend) -> Result<Option<MailServerCheck>> {
    let Some(smtp) = &b.settings.smtp else {
        return Ok(None);
    };
    let found = smtp.probe(&b.settings.public_url).await;
    let check = MailServerCheck {
        checked_at: b.clock.now(),
        error: found.err().map(|undelivered| undelivered.error),
    };
    if let Some(error) = &check.error {
        tracing::warn!(code = error.code, "the mail server would take no mail");
    }
    let mut tx = b.db.write().await?;
    execute!(
        &mut tx,
        "INSERT INTO mail_server_check (id, checked_at, error) VALUES (1, $1, $2)
         ON CONFLICT (id) DO UPDATE SET checked_at = $1, error = $2",
        check.checked_at,
        check.error.as_ref().map(write_json).transpose()?
    )?;
    tx.commit().await?;
    Ok(Some(check))
}

/// The same for somebody who waits for it.
pub async fn check_mail_server(b: &Backend, scope: &Scope) -> Result<Option<MailServerCheck>> {
    scope.require(Permission::NotificationsWrite)?;
    b.limits.take(Limited::ConnectionTest, scope)?;
    look(b).await
}

/// What came of the last look, for those who may know of recipients. None before the first one, and
/// while mail isn't set up.
pub async fn mail_server(b: &Backend, scope: &Scope) -> Result<Option<MailServerCheck>> {
    scope.require(Permission::NotificationsRead)?;
    last(b, &mut b.db.read().await?).await
}

pub(crate) async fn last(b: &Backend, tx: &mut Tx) -> Result<Option<MailServerCheck>> {
    if b.settings.smtp.is_none() {
        return Ok(None);
    }
    let row = fetch_optional!(
        tx,
        (DateTime, Option<String>),
        "SELECT checked_at, error FROM mail_server_check WHERE id = 1"
    )?;
    row.map(|(checked_at, error)| {
        let error: Option<RunError> = error
            .map(|json| read_json("mail_server_check.error", &json))
            .transpose()?;
        Ok(MailServerCheck { checked_at, error })
    })
    .transpose()
}
