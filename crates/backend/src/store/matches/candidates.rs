//! Who is here that somebody of a source may be: looked up by the indexes over what people are found
//! by, for many at once. What that means says `planner::matching`.

use std::collections::{HashMap, HashSet};

use domain::{
    id::{CustomerId, ExternalId, IntegrationId},
    user::DirectoryStatus,
};
use planner::{
    matching::{Brought, Candidate, Here, compare, other_addresses, weigh},
    read::Content,
};
use sqlx::FromRow;
use uuid::Uuid;

use crate::{
    Result, Tx,
    db::rows::{IDS_MAX, fetch_built, push_ids, push_texts},
    fetch_all,
    store::read_json,
};

/// The most that are looked at of those who fit one person: a mailbox may be shared by hundreds.
const CANDIDATES_MAX: usize = 20;

/// Who fits whom, by the source's ids. Who isn't named fits nobody.
pub(crate) type Found = HashMap<ExternalId, Vec<Candidate>>;

#[derive(Debug, Clone, FromRow)]
struct HereRow {
    id: Uuid,
    user_name: Option<String>,
    mail: Option<String>,
    employee_id: Option<String>,
    given_name: Option<String>,
    surname: Option<String>,
    status: DirectoryStatus,
    other_source: bool,
    administrator: bool,
    protected: bool,
    alias: Option<String>,
}

#[derive(Debug, FromRow)]
struct Row {
    external_id: ExternalId,
    brought_user_name: Option<String>,
    brought_mail: Option<String>,
    brought_employee_id: Option<String>,
    brought_given_name: Option<String>,
    brought_surname: Option<String>,
    sign_in_blocked: bool,
    #[sqlx(flatten)]
    here: HereRow,
}

impl Row {
    fn split(self) -> (ExternalId, Brought, HereRow) {
        let brought = Brought {
            user_name: self.brought_user_name,
            mail: self.brought_mail,
            employee_id: self.brought_employee_id,
            given_name: self.brought_given_name,
            surname: self.brought_surname,
            sign_in_blocked: self.sign_in_blocked,
            aliases: Vec::new(),
        };
        (self.external_id, brought, self.here)
    }
}

impl From<HereRow> for Here {
    fn from(row: HereRow) -> Self {
        Self {
            id: row.id,
            user_name: row.user_name,
            mail: row.mail,
            employee_id: row.employee_id,
            aliases: row.alias.into_iter().collect(),
            given_name: row.given_name,
            surname: row.surname,
            status: row.status,
            other_source: row.other_source,
            administrator: row.administrator,
            protected: row.protected,
        }
    }
}

/// What is read of who is here, beside `d`.
const HERE: &str = "d.id, d.user_name_folded AS user_name, d.mail_folded AS mail,
    d.employee_id_folded AS employee_id, d.given_name, d.surname, d.status,
    (d.integration_id IS NOT NULL) AS other_source,
    (d.administrator_at IS NOT NULL) AS administrator, (d.protected_at IS NOT NULL) AS protected";

/// Who counts: people of the customer `$2` who aren't from the integration `$1`.
const COUNTS: &str = "d.customer_id = $2 AND d.status <> 'deleted'
    AND (d.integration_id IS NULL OR d.integration_id <> $1)";

/// One query for each way to be found: by user name, mail address, employee id and alias. A query
/// over all of them at once would use no index.
fn found_by(columns: &str, from: &str, which: &str, who: [&str; 3]) -> String {
    let [name, mail, employee_id] = who;
    let direct = |condition: String| {
        format!(
            "SELECT {columns}{HERE}, NULL AS alias FROM {from} directory_user d
              WHERE {which} {COUNTS} AND {condition}"
        )
    };
    let by_alias = format!(
        "SELECT {columns}{HERE}, a.address_folded AS alias
           FROM {from} directory_user_alias a CROSS JOIN directory_user d
          WHERE {which} {COUNTS} AND a.customer_id = $2 AND d.id = a.user_id
            AND a.address_folded IN ({name}, {mail})"
    );
    [
        direct(format!("d.user_name_folded IN ({name}, {mail})")),
        direct(format!("d.mail_folded IN ({name}, {mail})")),
        direct(format!("d.employee_id_folded = {employee_id}")),
        by_alias,
    ]
    .join(" UNION ALL ")
}

/// Pairs of somebody brought and somebody here.
type Both = HashMap<(ExternalId, Uuid), (Brought, Here)>;

/// Who fits these people of the integration's source. Not weighed yet: that takes all of them.
pub(crate) async fn of_people(
    tx: &mut Tx,
    integration: IntegrationId,
    customer: CustomerId,
    ids: &[Uuid],
) -> Result<Found> {
    let mut both = Both::new();
    for ids in ids.chunks(IDS_MAX) {
        let which = format!(
            "s.integration_id = $1 AND s.object_type = 'user' AND s.external_id {} AND",
            tx.one_of(ids)
        );
        let columns = "s.external_id, s.user_name_folded AS brought_user_name,
            s.mail_folded AS brought_mail, s.employee_id_folded AS brought_employee_id,
            s.given_name AS brought_given_name, s.surname AS brought_surname, s.sign_in_blocked, ";
        let who = [
            "s.user_name_folded",
            "s.mail_folded",
            "s.employee_id_folded",
        ];
        let sql = found_by(columns, "source_object s CROSS JOIN", &which, who);
        let rows = fetch_all!(
            &mut *tx,
            Row,
            sqlx::AssertSqlSafe(sql),
            integration,
            customer
        )?;
        for row in rows {
            let (id, brought, here) = row.split();
            let alias = here.alias.clone();
            let (_, known) = both
                .entry((id, here.id))
                .or_insert_with(|| (brought, here.into()));
            known.aliases.extend(alias);
        }
    }
    by_mailbox(tx, integration, customer, ids, &mut both).await?;
    let mut found = Found::new();
    for ((id, _), (brought, here)) in both {
        let fitting = compare(&brought, &here);
        found.entry(id).or_default().extend(fitting);
    }
    Ok(found)
}

#[derive(Debug, FromRow)]
struct MailboxRow {
    external_id: ExternalId,
    user_principal_name: Option<String>,
    mail: Option<String>,
    employee_id_folded: Option<String>,
    given_name: Option<String>,
    surname: Option<String>,
    sign_in_blocked: bool,
    attributes: String,
}

impl MailboxRow {
    /// As somebody is compared, with all addresses of the mailbox.
    fn brought(self) -> Result<(ExternalId, Brought)> {
        let content = Content {
            user_principal_name: self.user_principal_name,
            mail: self.mail,
            attributes: read_json("source_object.attributes", &self.attributes)?,
            ..Content::default()
        };
        let brought = Brought {
            user_name: content.user_name_folded(),
            mail: content.mail_folded(),
            employee_id: self.employee_id_folded,
            aliases: other_addresses(&content),
            given_name: self.given_name,
            surname: self.surname,
            sign_in_blocked: self.sign_in_blocked,
        };
        Ok((self.external_id, brought))
    }
}

/// Adds who has an address that these people's mailboxes have besides their own. No column holds those.
async fn by_mailbox(
    tx: &mut Tx,
    integration: IntegrationId,
    customer: CustomerId,
    ids: &[Uuid],
    both: &mut Both,
) -> Result<()> {
    for ids in ids.chunks(IDS_MAX) {
        let rows = fetch_built!(&mut *tx, MailboxRow, |query| {
            query.push("SELECT external_id, user_principal_name, mail, employee_id_folded, ");
            query.push("given_name, surname, sign_in_blocked, attributes FROM source_object ");
            query.push("WHERE object_type = 'user' AND integration_id = ");
            query.push_bind(integration).push(" AND external_id");
            push_ids!(query, ids);
        })?;
        let brought: Vec<(ExternalId, Brought)> = rows
            .into_iter()
            .map(MailboxRow::brought)
            .collect::<Result<_>>()?;
        let mut owners: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, (_, one)) in brought.iter().enumerate() {
            for address in &one.aliases {
                owners.entry(address).or_default().push(at);
            }
        }
        for (address, row) in having(tx, integration, customer, owners.keys().copied()).await? {
            for at in owners.get(address.as_str()).into_iter().flatten() {
                let (id, one) = &brought[*at];
                let key = (*id, row.id);
                let alias = row.alias.clone();
                let (known, here) = both
                    .entry(key)
                    .or_insert_with(|| (one.clone(), row.clone().into()));
                known.aliases.clone_from(&one.aliases);
                here.aliases.extend(alias);
            }
        }
    }
    Ok(())
}

/// Who has one of these addresses as user name, mail address or alias, each with the address.
async fn having<'a>(
    tx: &mut Tx,
    integration: IntegrationId,
    customer: CustomerId,
    addresses: impl Iterator<Item = &'a str>,
) -> Result<Vec<(String, HereRow)>> {
    #[derive(FromRow)]
    struct Having {
        address: String,
        #[sqlx(flatten)]
        here: HereRow,
    }
    const WAYS: [(&str, &str, &str); 3] = [
        ("d.user_name_folded", "NULL", "directory_user d WHERE"),
        ("d.mail_folded", "NULL", "directory_user d WHERE"),
        (
            "a.address_folded",
            "a.address_folded",
            "directory_user_alias a CROSS JOIN directory_user d
              WHERE d.id = a.user_id AND a.customer_id = d.customer_id AND",
        ),
    ];
    let addresses: Vec<String> = addresses.map(str::to_owned).collect();
    let mut found = Vec::new();
    for addresses in addresses.chunks(IDS_MAX) {
        for (column, alias, from) in WAYS {
            let rows = fetch_built!(&mut *tx, Having, |query| {
                query.push("SELECT ").push(column).push(" AS address, ");
                query
                    .push(HERE)
                    .push(", ")
                    .push(alias)
                    .push(" AS alias FROM ");
                query.push(from).push(" d.customer_id = ");
                query.push_bind(customer);
                query.push(" AND d.status <> 'deleted' AND (d.integration_id IS NULL");
                query
                    .push(" OR d.integration_id <> ")
                    .push_bind(integration);
                query.push(") AND ").push(column);
                push_texts!(query, addresses);
            })?;
            found.extend(rows.into_iter().map(|row| (row.address, row.here)));
        }
    }
    Ok(found)
}

/// Who fits somebody of whom nothing is kept.
pub(crate) async fn of_one(
    tx: &mut Tx,
    integration: IntegrationId,
    customer: CustomerId,
    brought: &Brought,
) -> Result<Vec<Candidate>> {
    let sql = found_by("", "", "", ["$3", "$4", "$5"]);
    let rows = fetch_all!(
        &mut *tx,
        HereRow,
        sqlx::AssertSqlSafe(sql),
        integration,
        customer,
        brought.user_name.as_deref(),
        brought.mail.as_deref(),
        brought.employee_id.as_deref()
    )?;
    let mut here: HashMap<Uuid, Here> = HashMap::new();
    for row in rows {
        let alias = row.alias.clone();
        let known = here.entry(row.id).or_insert_with(|| row.into());
        known.aliases.extend(alias);
    }
    let addresses = brought.aliases.iter().map(String::as_str);
    for (_, row) in having(tx, integration, customer, addresses).await? {
        let alias = row.alias.clone();
        let known = here.entry(row.id).or_insert_with(|| row.into());
        known.aliases.extend(alias);
    }
    let fitting = here.values().filter_map(|one| compare(brought, one));
    Ok(fitting.collect())
}

/// Weighs who fits one person, and leaves off all but the likeliest.
pub(crate) fn weighed(
    candidates: Vec<Candidate>,
    claimed: impl Fn(Uuid) -> bool,
) -> Vec<Candidate> {
    let mut weighed = weigh(candidates, claimed);
    weighed.truncate(CANDIDATES_MAX);
    weighed
}

/// Of these users those whom others of the integration's source fit, too, as far as the queue knows.
pub(crate) async fn claimed(
    tx: &mut Tx,
    integration: IntegrationId,
    found: &Found,
) -> Result<HashSet<Uuid>> {
    let mut fits: HashMap<Uuid, HashSet<ExternalId>> = HashMap::new();
    for (id, candidates) in found {
        for candidate in candidates {
            fits.entry(candidate.id).or_default().insert(*id);
        }
    }
    let users: Vec<Uuid> = fits.keys().copied().collect();
    for users in users.chunks(IDS_MAX) {
        let rows = fetch_built!(&mut *tx, (Uuid, ExternalId), |query| {
            query.push("SELECT user_id, external_id FROM user_match WHERE integration_id = ");
            query.push_bind(integration);
            query.push(" AND applied_at IS NULL AND (decision IS NULL OR decision = 'same')");
            query.push(" AND user_id");
            push_ids!(query, users);
        })?;
        for (user, id) in rows {
            fits.entry(user).or_default().insert(id);
        }
    }
    let several = fits.into_iter().filter(|(_, ids)| ids.len() > 1);
    Ok(several.map(|(user, _)| user).collect())
}
