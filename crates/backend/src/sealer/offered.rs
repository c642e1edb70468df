//! A secret that a form shows before anything is kept. It goes back with the form, sealed, so that it
//! was made here for sure, for whom it is accepted from, and is told this once.

use secrecy::{ExposeSecret, SecretString};
use uuid::Uuid;

use super::{Place, Sealer, places::InForm};
use crate::{Db, Error, Result, Scope};

/// What a form shows, and what it has to give back to have it kept.
#[derive(Debug)]
pub struct Offered {
    text: SecretString,
    /// The secret in it, sealed.
    pub sealed: String,
}

impl Offered {
    /// Offers a secret, in the text that holds it, to the one who asks alone: so that nobody has
    /// another's accepted.
    pub(crate) async fn to(
        b: &crate::Backend,
        scope: &Scope,
        form: &'static InForm,
        secret: &SecretString,
        text: SecretString,
    ) -> Result<Self> {
        let sealed = b.sealer.offer(&b.db, form, asking(scope), secret).await?;
        Ok(Self { text, sealed })
    }

    /// The text, to be shown once.
    pub fn shown(&self) -> String {
        self.text.expose_secret().to_owned()
    }
}

/// Whom an offer is for. Those who have no forms open, such as programs, are nobody apart.
fn asking(scope: &Scope) -> Uuid {
    scope.operator_id().map_or_else(Uuid::nil, |id| id.0)
}

impl Sealer {
    /// Seals a secret for a form, for this row alone.
    pub(crate) async fn offer(
        &self,
        db: &Db,
        form: &'static InForm,
        row: Uuid,
        secret: &SecretString,
    ) -> Result<String> {
        let mut tx = db.read().await?;
        let place = Place::in_a_form(form, row);
        Ok(hex::encode(self.seal(&mut tx, place, secret).await?))
    }

    /// The secret that was offered with [`Sealer::offer`]; the form's field is to blame where it
    /// isn't one, or another's. It is sealed anew where it is kept sealed: the master key may have
    /// been rotated meanwhile.
    pub(crate) async fn take_back(
        &self,
        form: &'static InForm,
        row: Uuid,
        sealed: &str,
    ) -> Result<SecretString> {
        let stale = || Error::invalid(form.field, form.stale);
        let sealed = hex::decode(sealed).map_err(|_| stale())?;
        let opened = self.open(Place::in_a_form(form, row), &sealed).await;
        opened.map_err(|_| stale())
    }

    /// The secret that was offered [`Offered::to`] the one who asks.
    pub(crate) async fn take_back_from(
        &self,
        scope: &Scope,
        form: &'static InForm,
        sealed: &str,
    ) -> Result<SecretString> {
        self.take_back(form, asking(scope), sealed).await
    }
}
