//! `supertokens migrate`: brings the tables up to date without serving, or prints what that would run.

use supertokens_store::{DatabaseOptions, Db, SqlitePlace};

use crate::config::Config;
use crate::{Place, Settings, Stop, say};

pub(crate) async fn run(settings: &Settings, plan: bool) -> Result<(), Stop> {
    let config = Config::load(settings, &Place::default())?;
    let place = config.database.redacted();
    let database = if plan { readable(config.database) } else { config.database };
    let db = Db::open(database).await.map_err(|e| Stop::caused(&place, &e))?;
    if plan {
        let planned = db.plan().await.map_err(|e| Stop::caused(&place, &e))?;
        for step in &planned {
            say(&format!("-- {} {}\n{}\n", step.number, step.name, step.sql.trim()));
        }
        if planned.is_empty() {
            say(&format!("-- {place} is up to date"));
        }
        return Ok(());
    }
    let applied = db.migrate().await.map_err(|e| Stop::caused(&place, &e))?;
    // So that a role that makes no tables finds the coming months' partitions.
    db.ensure_activity_partitions(crate::doctor::now()).await.map_err(|e| Stop::caused(&place, &e))?;
    for step in &applied {
        say(&format!("{} {}", step.number, step.name));
    }
    say(&format!("{place} is up to date"));
    Ok(())
}

/// A plan makes no file: one that is not there yet is planned for in memory, where everything is to be made, too.
fn readable(mut database: DatabaseOptions) -> DatabaseOptions {
    if let DatabaseOptions::Sqlite(options) = &mut database
        && matches!(&options.place, SqlitePlace::File(path) if !path.exists())
    {
        options.place = SqlitePlace::Memory;
    }
    database
}
