//! The files of a SQLite database, looked at with the same eyes as `start` does: whose they are, and what this user may do with them.

use supertokens_store::{DatabaseOptions, Examined, SqliteOptions, SqlitePlace, examine};

use super::{Finding, report};

/// Nothing where there are no files.
pub(super) fn files(options: &DatabaseOptions) -> Option<Examined> {
    let DatabaseOptions::Sqlite(SqliteOptions { place: SqlitePlace::File(path), .. }) = options else { return None };
    Some(examine(path))
}

/// A file that is not there is no fault if it can be made.
pub(super) fn report_files(files: &Examined) -> bool {
    if files.problems.is_empty() {
        let path = files.path.display();
        return match files.exists {
            true => report("files", &Finding::Ok(format!("{path} and what lies beside it can be read and written"))),
            false => report("files", &Finding::Ok(format!("{path} is not there yet; `supertokens start` makes it"))),
        };
    }
    for problem in &files.problems {
        report("files", &Finding::Wrong(problem.text.clone()));
    }
    false
}

/// Is there something to look into?
pub(super) fn may_be_opened(files: &Examined) -> bool {
    files.exists && !files.problems.iter().any(|problem| problem.grave)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_can_be_made_is_no_fault() {
        let folder = tempfile::tempdir().unwrap();
        let there = |path: &str| files(&DatabaseOptions::file(folder.path().join(path))).unwrap();
        let new = there("new.db");
        assert!(report_files(&new) && !may_be_opened(&new));
        let nowhere = there("no/such/folder/new.db");
        assert!(!report_files(&nowhere) && !may_be_opened(&nowhere));
        assert!(files(&DatabaseOptions::memory()).is_none());
    }
}
