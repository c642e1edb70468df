//! Many ids in one value: a row a piece costs more than the id in it.

use uuid::Uuid;

use super::Tx;

impl Tx {
    /// The aggregate that packs an id column's values of a group into one text, which
    /// [`packed_ids`] takes apart. In no order; null where there are none.
    pub(crate) const fn pack_ids(&self) -> (&'static str, &'static str) {
        match self {
            Self::Sqlite(_) => ("group_concat(hex(", "), '')"),
            Self::Postgres(_) => ("encode(string_agg(uuid_send(", "), ''), 'hex')"),
        }
    }

    /// Inserts memberships of the directory that aren't there yet.
    pub(crate) async fn insert_memberships(
        &mut self,
        rows: &[Membership],
    ) -> Result<(), crate::Error> {
        match self {
            Self::Sqlite(_) => {
                crate::insert_many!(
                    self,
                    "INSERT INTO directory_membership (group_id, member_id, member_type)",
                    columns: 3, rows_max: 2_000, rows,
                    |bind, row| {
                        bind.push_bind(row.group_id)
                            .push_bind(row.member_id)
                            .push_bind(row.member_type);
                    },
                    "ON CONFLICT (group_id, member_id) DO NOTHING"
                )?;
            }
            Self::Postgres(tx) => {
                let groups: Vec<Uuid> = rows.iter().map(|row| row.group_id).collect();
                let members: Vec<Uuid> = rows.iter().map(|row| row.member_id).collect();
                let types: Vec<&str> = rows.iter().map(|row| row.member_type.as_str()).collect();
                sqlx::query(
                    "INSERT INTO directory_membership (group_id, member_id, member_type)
                     SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[])
                     ON CONFLICT (group_id, member_id) DO NOTHING",
                )
                .bind(groups)
                .bind(members)
                .bind(types)
                .execute(&mut **tx)
                .await?;
            }
        }
        Ok(())
    }
}

/// A row of `directory_membership`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Membership {
    /// The group's id in the directory.
    pub group_id: Uuid,
    /// The member's.
    pub member_id: Uuid,
    /// What the member is.
    pub member_type: domain::policy::ObjectType,
}

/// The ids that [`Tx::pack_ids`] packed.
pub(crate) fn packed_ids(text: &str) -> impl Iterator<Item = Uuid> {
    text.as_bytes().chunks_exact(32).filter_map(|digits| {
        let digits = std::str::from_utf8(digits).ok()?;
        u128::from_str_radix(digits, 16).ok().map(Uuid::from_u128)
    })
}
