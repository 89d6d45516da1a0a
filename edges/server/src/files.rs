//! How many files may this process have open, and how many connections follow from that? A process that runs out of them fails
//! those who are let in, by its database, and not those who only hold connections.

use crate::limits;

/// Raises the limit on open files as far as this user may, and gives back the number of connections that fits: at most `configured`,
/// beside so many to the database. Says so if it is less.
pub(crate) fn most_connections(configured: usize, to_database: usize) -> usize {
    let limit = raise();
    let most = fitting(configured, limit, to_database);
    if most < configured {
        tracing::warn!(
            "this process may have {} files open, so at most {most} connections are taken instead of {configured} \
             (max_connections); allow more files (ulimit -n, LimitNOFILE) or set max_connections to {most}",
            limit.unwrap_or_default()
        );
    }
    most
}

fn fitting(configured: usize, limit: Option<u64>, to_database: usize) -> usize {
    let Some(limit) = limit.and_then(|limit| usize::try_from(limit).ok()) else { return configured };
    configured.min(limit.saturating_sub(to_database).saturating_sub(limits::FILES_KEPT).max(1))
}

/// The limit after it was raised; nothing if there is none.
#[cfg(unix)]
fn raise() -> Option<u64> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    if now.current == now.maximum {
        return now.current;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: now.maximum, maximum: now.maximum }) {
        Ok(()) => now.maximum,
        Err(error) => {
            tracing::debug!(%error, "the limit on open files could not be raised");
            now.current
        }
    }
}

#[cfg(not(unix))]
fn raise() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_the_rest() {
        for (configured, limit, to_database, most) in [
            (10_000, None, 10, 10_000),
            (10_000, Some(1_048_576), 10, 10_000),
            (10_000, Some(1_024), 10, 950),
            (20, Some(1_024), 10, 20),
            (10_000, Some(50), 10, 1),
        ] {
            assert_eq!(fitting(configured, limit, to_database), most, "{limit:?}");
        }
    }
}
