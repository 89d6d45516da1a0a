//! Requests per second of the last day, in memory and for each app (core-server.md 7.12). Only minutes with traffic take room.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use supertokens_domain::ids::{AppId, AppIdentifier};
use supertokens_domain::time::{MINUTE, Millis, SECOND};

const MINUTES: i64 = 24 * 60;

#[derive(Debug, Default)]
struct Counted {
    minutes: VecDeque<Minute>,
    first_minute: Option<i64>,
}

#[derive(Debug)]
struct Minute {
    minute: i64,
    total: u32,
    peak: u32,
    second: i64,
    in_second: u32,
}

/// Counters of every app that was asked something.
#[derive(Debug, Default)]
pub(crate) struct Stats(Mutex<HashMap<AppIdentifier, Counted>>);

/// A day of one app: index 0 is 24 hours ago, the last one is the minute before this one; -1 where nothing is known.
#[derive(Debug, PartialEq)]
pub(crate) struct Day {
    pub(crate) at_minute: i64,
    pub(crate) averages: Vec<f64>,
    pub(crate) peaks: Vec<i64>,
}

impl Stats {
    pub(crate) fn count(&self, app: &AppIdentifier, now: Millis) {
        let (minute, second) = (now.div_euclid(MINUTE), now.div_euclid(SECOND));
        let mut apps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !apps.contains_key(app) {
            apps.insert(app.clone(), Counted::default());
        }
        let Some(counted) = apps.get_mut(app) else { return };
        counted.first_minute.get_or_insert(minute);
        if counted.minutes.back().is_none_or(|last| last.minute < minute) {
            counted.minutes.push_back(Minute { minute, total: 0, peak: 0, second, in_second: 0 });
            while counted.minutes.front().is_some_and(|first| first.minute < minute - MINUTES) {
                counted.minutes.pop_front();
            }
        }
        let Some(current) = counted.minutes.back_mut() else { return };
        if current.second != second {
            (current.second, current.in_second) = (second, 0);
        }
        current.total += 1;
        current.in_second += 1;
        current.peak = current.peak.max(current.in_second);
    }

    pub(crate) fn forget(&self, app: &AppId) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|of, _| of.app != *app);
    }

    pub(crate) fn day(&self, app: &AppIdentifier, now: Millis) -> Day {
        let at_minute = now.div_euclid(MINUTE);
        let apps = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counted = apps.get(app);
        let since = counted.and_then(|counted| counted.first_minute);
        let by_minute: HashMap<i64, &Minute> = counted.iter().flat_map(|c| &c.minutes).map(|m| (m.minute, m)).collect();
        let (mut averages, mut peaks) = (Vec::new(), Vec::new());
        for minute in at_minute - MINUTES..at_minute {
            let (average, peak) = match by_minute.get(&minute) {
                Some(m) => (f64::from(m.total) / 60.0, i64::from(m.peak)),
                None if since.is_some_and(|since| since < minute) => (0.0, 0),
                None => (-1.0, -1),
            };
            averages.push(average);
            peaks.push(peak);
        }
        Day { at_minute, averages, peaks }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_1440_minutes_and_knows_silence_from_ignorance() {
        let (stats, app) = (Stats::default(), AppIdentifier::default());
        let start = 1_700_000_040_000; // the begin of a minute
        for second in [0, 0, 0, 1] {
            stats.count(&app, start + second * SECOND);
        }
        let day = stats.day(&app, start + 2 * MINUTE);
        assert_eq!((day.averages.len(), day.peaks.len()), (1440, 1440));
        assert_eq!(day.peaks[1438..], [3, 0]);
        assert_eq!(day.averages[1438..], [4.0 / 60.0, 0.0]);
        assert_eq!((day.peaks[1437], day.averages[1437]), (-1, -1.0));
        assert_eq!(stats.day(&app, start + 3 * 1440 * MINUTE).peaks[0], 0);
    }
}
