//! After-reports that are owed, as reminders ask for them.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Result, params};

use super::index_of;
use super::reads::Reads;
use crate::domain::account::{AccountId, OrganisationId};
use crate::domain::emergency::{AfterReport, AfterReportId};
use crate::domain::ports::Unavailable;

/// Reports that one look gives at most; the next look gives the others.
const AT_ONCE: u32 = 100;

impl Reads {
    /// Reports that are owed and due within `ahead`, each with the last reminder that was given; the earliest due first.
    /// Those that were reminded of `last` times are left out.
    pub fn owed_within(
        &self,
        now: Timestamp,
        ahead: SignedDuration,
        last: u8,
    ) -> std::result::Result<Vec<(AfterReport, u8)>, Unavailable> {
        let conn = self.conn()?;
        let until = now.checked_add(ahead).unwrap_or(now).as_microsecond();
        let sql = "SELECT id, organisation, account, exemption, entry, due, reminded FROM after_report
            WHERE reported IS NULL AND due <= ?1 AND reminded < ?2 ORDER BY due, id LIMIT ?3";
        let mut statement = conn.prepare_cached(sql)?;
        let found = statement.query_map(params![until, last, AT_ONCE], |row| {
            let due = Timestamp::from_microsecond(row.get(5)?).map_err(|error| {
                rusqlite::Error::FromSqlConversionFailure(5, rusqlite::types::Type::Integer, error.into())
            })?;
            let report = AfterReport {
                id: AfterReportId::new(row.get::<_, String>(0)?),
                organisation: OrganisationId::new(row.get::<_, String>(1)?),
                account: AccountId::new(row.get::<_, String>(2)?),
                exemption: row.get(3)?,
                entry: index_of(row.get(4)?),
                due,
                reported: None,
            };
            Ok((report, row.get(6)?))
        })?;
        let owed = found.collect::<Result<_>>();
        Ok(owed?)
    }
}
