//! Who is meant: by object id, user name, mail address or display name, kept here or in the source.

use domain::{
    id::ExternalId,
    integration::Integration,
    policy::ObjectType,
    user::DirectoryStatus,
    why::{WhyAnswer, WhyFound, WhyObject},
};
use graph::Client;
use planner::{read::SourceObject, why::explain};
use sqlx::FromRow;
use uuid::Uuid;

use super::{asked, kept, live};
use crate::{Backend, Error, Result, Scope, Tx, db::contains_pattern, fetch_all};

/// Candidates that are offered; more are no choice.
const CANDIDATES_MAX: usize = 25;

/// An object of which something is kept.
#[derive(Debug, Clone, FromRow)]
pub(super) struct Kept {
    pub object_type: ObjectType,
    pub external_id: ExternalId,
    presence: String,
    pub display_name: String,
    name_folded: String,
    user_principal_name: Option<String>,
    user_name_folded: Option<String>,
    mail: Option<String>,
    directory_id: Option<Uuid>,
    status: Option<DirectoryStatus>,
}

impl Kept {
    fn is_present(&self) -> bool {
        self.presence == "present"
    }

    /// Whether its user name is exactly what was asked: nobody else can be meant.
    fn is_named(&self, folded: &str) -> bool {
        self.user_name_folded.as_deref() == Some(folded)
    }

    fn fits(&self, folded: &str) -> bool {
        let mail = self.mail.as_deref().map(planner::fold);
        self.is_named(folded) || self.name_folded == folded || mail.as_deref() == Some(folded)
    }

    fn object(&self) -> WhyObject {
        WhyObject {
            object_type: self.object_type,
            external_id: Some(self.external_id),
            display_name: self.display_name.clone(),
            user_principal_name: self.user_principal_name.clone(),
            mail: self.mail.clone(),
            directory_id: self.directory_id,
            status: self.status,
            kept: true,
        }
    }
}

/// Who fits what was asked.
pub(super) enum Fits {
    /// One of whom something is kept.
    Kept(Kept),
    /// One whom the source has alone.
    Live(Client, Box<SourceObject>),
    /// Several to choose from, or none.
    Choice(Vec<WhyObject>),
}

/// What was asked, what is kept that fits it, and what the source said.
pub(super) struct Search<'a> {
    b: &'a Backend,
    integration: &'a Integration,
    /// What was looked through, in words.
    pub asked: Vec<String>,
}

/// Finds and explains.
pub(super) async fn find(
    b: &Backend,
    scope: &Scope,
    integration: &Integration,
    object: &str,
) -> Result<WhyAnswer> {
    let (search, fits) = who(b, scope, integration, object).await?;
    match fits {
        Fits::Kept(one) => search.kept(&one).await,
        Fits::Live(client, object) => {
            let subject = live::subject(b, &client, integration, *object).await?;
            Ok(search.answer(WhyFound::One, Some(explain(&subject)), Vec::new()))
        }
        Fits::Choice(candidates) if candidates.is_empty() => {
            Ok(search.answer(WhyFound::Nothing, None, candidates))
        }
        Fits::Choice(candidates) => Ok(search.answer(WhyFound::Several, None, candidates)),
    }
}

/// Finds who is meant.
pub(super) async fn who<'a>(
    b: &'a Backend,
    scope: &Scope,
    integration: &'a Integration,
    object: &str,
) -> Result<(Search<'a>, Fits)> {
    let object = asked(object)?;
    let search = Search {
        b,
        integration,
        asked: vec![format!("what is kept here of {}", integration.name)],
    };
    let mut tx = b.db.read().await?;
    let id = Uuid::try_parse(object).ok();
    let mut kept = match id {
        Some(id) => by_id(&mut tx, integration, ExternalId(id)).await?,
        None => by_text(&mut tx, integration, object).await?,
    };
    drop(tx);
    let folded = planner::key(object);
    let certain = |one: &&Kept| id.is_some() || (one.is_named(&folded) && one.is_present());
    let mut sure = kept.iter().filter(certain);
    if let (Some(one), None) = (sure.next(), sure.next()) {
        let one = one.clone();
        return Ok((search, Fits::Kept(one)));
    }
    if kept.iter().any(|one| one.fits(&folded)) {
        kept.retain(|one| one.fits(&folded));
    }
    search.further(scope, object, kept).await
}

impl Search<'_> {
    /// Asks the source too. Where it can't be asked, what is kept is the answer, if there is any.
    async fn further(
        mut self,
        scope: &Scope,
        object: &str,
        kept: Vec<Kept>,
    ) -> Result<(Self, Fits)> {
        let name = &self.integration.name;
        let found = async {
            let mapper = live::mapper(&self.integration.policy)?;
            let client = live::connect(self.b, scope, self.integration, &mapper).await?;
            let found = live::find(&client, &self.integration.policy, object).await?;
            Ok::<_, Error>((client, found))
        };
        let (client, mut found) = match found.await {
            Ok((client, found)) => (client, found),
            Err(Error::Source(error)) if !kept.is_empty() => {
                let why = error.title.trim_end_matches('.');
                self.asked
                    .push(format!("Entra ID of {name}, which didn’t answer: {why}"));
                return Ok((self, several(kept, Vec::new())));
            }
            Err(Error::Forbidden(_)) if !kept.is_empty() => {
                return Ok((self, several(kept, Vec::new())));
            }
            Err(error) => return Err(error),
        };
        let policy = &self.integration.policy;
        let kinds = match (
            policy.reads(ObjectType::Contact),
            policy.reads(ObjectType::Device),
        ) {
            (false, false) => "users and groups",
            (true, false) => "users, groups and contacts",
            (false, true) => "users, groups and devices",
            (true, true) => "users, groups, contacts and devices",
        };
        self.asked.push(format!("{kinds} in Entra ID of {name}"));
        // An address or an id that the source knows by another name than we do.
        let mut known = kept;
        let mut tx = self.b.db.read().await?;
        for object in &found {
            if known
                .iter()
                .all(|one| one.external_id != object.external_id)
            {
                known.extend(by_id(&mut tx, self.integration, object.external_id).await?);
            }
        }
        drop(tx);
        found.retain(|object| {
            known
                .iter()
                .all(|one| one.external_id != object.external_id)
        });
        let folded = planner::key(object);
        let exact = |object: &SourceObject| object.content.name_folded() == folded;
        let any_exact = known.iter().any(|one| one.fits(&folded)) || found.iter().any(exact);
        if any_exact && !object.contains('@') && Uuid::try_parse(object).is_err() {
            known.retain(|one| one.fits(&folded));
            found.retain(exact);
        }
        if known.is_empty() && found.len() == 1 {
            let object = Box::new(found.swap_remove(0));
            return Ok((self, Fits::Live(client, object)));
        }
        Ok((self, several(known, found)))
    }

    async fn kept(self, one: &Kept) -> Result<WhyAnswer> {
        let mut tx = self.b.db.read().await?;
        let (object_type, id) = (one.object_type, one.external_id);
        let subject = kept::subject(self.b, &mut tx, self.integration, object_type, id).await?;
        let why = subject.as_ref().map(explain);
        let found = if why.is_some() {
            WhyFound::One
        } else {
            WhyFound::Nothing
        };
        Ok(self.answer(found, why, Vec::new()))
    }

    fn answer(
        self,
        found: WhyFound,
        why: Option<domain::why::Why>,
        candidates: Vec<WhyObject>,
    ) -> WhyAnswer {
        WhyAnswer {
            found,
            why,
            candidates,
            asked: self.asked,
        }
    }
}

/// One or several to choose from: what is kept first, each by name.
fn several(kept: Vec<Kept>, found: Vec<SourceObject>) -> Fits {
    if let ([one], true) = (kept.as_slice(), found.is_empty()) {
        return Fits::Kept(one.clone());
    }
    let mut candidates: Vec<WhyObject> = kept.iter().map(Kept::object).collect();
    candidates.extend(found.into_iter().map(|object| WhyObject {
        object_type: object.object_type,
        external_id: Some(object.external_id),
        display_name: object.content.display_name,
        user_principal_name: object.content.user_principal_name,
        mail: object.content.mail,
        directory_id: None,
        status: None,
        kept: false,
    }));
    candidates.sort_by_cached_key(|object| {
        let name = planner::key(&object.display_name);
        (!object.kept, name, object.external_id)
    });
    candidates.truncate(CANDIDATES_MAX);
    Fits::Choice(candidates)
}

const KEPT: &str = "SELECT s.object_type, s.external_id, s.presence, s.display_name, s.name_folded,
        s.user_principal_name, s.user_name_folded, s.mail, COALESCE(u.id, g.id, o.id, v.id)
            AS directory_id,
        COALESCE(u.status, g.status, o.status, v.status) AS status
   FROM source_object s
   LEFT JOIN directory_user u ON s.object_type = 'user' AND u.integration_id = s.integration_id
        AND u.external_id = s.external_id
   LEFT JOIN directory_group g ON s.object_type = 'group' AND g.integration_id = s.integration_id
        AND g.external_id = s.external_id
   LEFT JOIN directory_contact o ON s.object_type = 'contact'
        AND o.integration_id = s.integration_id AND o.external_id = s.external_id
   LEFT JOIN directory_device v ON s.object_type = 'device'
        AND v.integration_id = s.integration_id AND v.external_id = s.external_id
  WHERE s.integration_id = $1";

async fn by_id(tx: &mut Tx, integration: &Integration, id: ExternalId) -> Result<Vec<Kept>> {
    let mut found = Vec::new();
    // One look by the whole key for each type: the key begins with it.
    for object_type in ObjectType::ALL {
        found.extend(fetch_all!(
            &mut *tx,
            Kept,
            sqlx::AssertSqlSafe(format!(
                "{KEPT} AND s.object_type = $2 AND s.external_id = $3"
            )),
            integration.id,
            *object_type,
            id
        )?);
    }
    Ok(found)
}

/// Objects whose names or addresses hold the text; those with exactly that name come first, so
/// that none of them is cut off.
async fn by_text(tx: &mut Tx, integration: &Integration, text: &str) -> Result<Vec<Kept>> {
    let folded = planner::key(text);
    fetch_all!(
        tx,
        Kept,
        sqlx::AssertSqlSafe(format!(
            r"{KEPT} AND s.search_text LIKE $2 ESCAPE '\'
              ORDER BY CASE WHEN s.user_name_folded = $3 THEN 0 WHEN s.name_folded = $3 THEN 1
                       ELSE 2 END, s.name_folded, s.external_id
              LIMIT $4"
        )),
        integration.id,
        contains_pattern(text),
        folded,
        i64::try_from(CANDIDATES_MAX).unwrap_or(i64::MAX)
    )
}
