//! What this process uses, and what it runs on (proc(5), os-release(5)).

use backend::{Backend, Tx, db::fetch_scalar};
use sqlx::Connection;

use crate::Result;

/// A line of this process's status, kB.
pub fn memory(name: &str) -> Result<u64> {
    line("/proc/self/status", name)
}

/// Begins a new peak of this process's memory.
pub fn forget_peak() -> Result<()> {
    Ok(std::fs::write("/proc/self/clear_refs", "5")?)
}

/// Seconds of processor time that this process has had, in user and kernel mode, its threads
/// together. Other processes, such as the database server and the simulator, are not in it.
pub fn cpu_seconds() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The second field is a name in brackets, which may hold anything.
    let fields = stat.rsplit_once(')').ok_or("no such line")?.1;
    let ticks: Vec<u32> = fields
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse().ok())
        .collect();
    let [user, kernel] = ticks[..] else {
        return Err("no processor times".into());
    };
    Ok(f64::from(user + kernel) / TICKS_PER_SECOND)
}

/// `USER_HZ`, the same on every Linux that Rust runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// Transactions that changed something since the database was made.
pub async fn write_transactions(b: &Backend, folder: &std::path::Path) -> Result<i64> {
    let mut tx = b.db.read().await?;
    Ok(match &mut tx {
        // `iChange` of the WAL-index header: counts transactions (sqlite.org/walformat.html, 2.1).
        Tx::Sqlite(_) => {
            let index = std::fs::read(folder.join("rollcall.db-shm"))?;
            let bytes = index.get(8..12).ok_or("no WAL index")?.try_into()?;
            u32::from_ne_bytes(bytes).into()
        }
        // Only what writes is given an id. This one takes none.
        Tx::Postgres(_) => {
            let sql =
                "SELECT CAST(CAST(pg_snapshot_xmax(pg_current_snapshot()) AS TEXT) AS BIGINT)";
            fetch_scalar!(&mut tx, i64, sql)?
        }
    })
}

/// Cores, memory, system and databases, in a line.
pub async fn describe(postgres: Option<&String>) -> Result<String> {
    let cores = std::thread::available_parallelism()?;
    let memory_gb = line("/proc/meminfo", "MemTotal")?.div_ceil(1 << 20);
    let system = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let system = system
        .lines()
        .find_map(|line| line.strip_prefix("PRETTY_NAME="))
        .map_or("Linux", |name| name.trim_matches('"'));
    let mut words = vec![
        format!("{cores} cores"),
        format!("{memory_gb} GB"),
        system.to_owned(),
    ];
    if let Some(server) = postgres {
        let mut connection = sqlx::PgConnection::connect(server).await?;
        let mut show = async |sql: &'static str| -> Result<String> {
            Ok(sqlx::query_scalar(sql).fetch_one(&mut connection).await?)
        };
        // Debian adds its own in brackets.
        let version = show("SHOW server_version").await?;
        let version = version.split_whitespace().next().unwrap_or_default();
        let fsync = show("SHOW fsync").await?;
        words.push(format!("PostgreSQL {version} with fsync {fsync}"));
    }
    words.push("release build".to_owned());
    Ok(words.join(", "))
}

fn line(file: &str, name: &str) -> Result<u64> {
    let text = std::fs::read_to_string(file)?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
        .ok_or("no such line")?;
    Ok(line.trim().trim_end_matches(" kB").trim().parse()?)
}
