//! Time: where "now" comes from, and the forms in which the documents print it.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};

use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

/// A moment, in milliseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The moment `seconds` after this one.
    pub fn plus_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds.saturating_mul(1000)))
    }

    /// Whole seconds since 1970, the unit of DynamoDB's time to live.
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The moment that a client names: milliseconds since 1970, `2016-04-19 10:32:00` or
    /// `2016-04-19T10:32:00`, with or without fractions of a second, the day alone for its
    /// beginning, all in UTC; or with an offset as in RFC 3339. Nothing for any other text, and for
    /// what is before 1970 or after the year 2286.
    pub fn read(text: &str) -> Option<Self> {
        let text = text.trim();
        if text.len() > 40 {
            return None;
        }
        // Our own form with milliseconds behind a colon, as lists print it.
        let dotted = text.rsplit_once(':').filter(|(before, millis)| {
            before.matches(':').count() == 2 && millis.len() == 3 && !before.contains('+')
        });
        let dotted = dotted.map(|(before, millis)| format!("{before}.{millis}"));
        let text = dotted.as_deref().unwrap_or(text);
        let millis = if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
            text.parse().ok()?
        } else if let Ok(moment) = text.parse::<jiff::Timestamp>() {
            moment.as_millisecond()
        } else {
            text.parse::<jiff::civil::DateTime>()
                .ok()?
                .to_zoned(TimeZone::UTC)
                .ok()?
                .timestamp()
                .as_millisecond()
        };
        (0..=9_999_999_999_999)
            .contains(&millis)
            .then_some(Self(millis))
    }

    fn print(self, form: &str) -> String {
        let moment =
            jiff::Timestamp::from_millisecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        moment.to_zoned(TimeZone::UTC).strftime(form).to_string()
    }

    /// `Fri Nov 02 10:06:48 GMT 2012`, Java's `Date.toString` (003 2.6.5.1 `sysModified`).
    pub fn java(self) -> String {
        self.print("%a %b %d %H:%M:%S GMT %Y")
    }

    /// `Thu Dec 13 12:01:33 UTC 2012`, the same as a machine in UTC prints it (003 7.6
    /// `updatedWhen`).
    pub fn java_utc(self) -> String {
        self.print("%a %b %d %H:%M:%S UTC %Y")
    }

    /// `2012-12-04 12:00`, without the seconds (003 7.1 `updatedWhen`).
    pub fn minutes(self) -> String {
        self.print("%Y-%m-%d %H:%M")
    }

    /// `2017-07-07 10:03:28:117`, with the milliseconds after a colon (003 2.22 `sysCreated`, 003
    /// 1.3 `revoked`).
    pub fn colon_millis(self) -> String {
        format!(
            "{}:{:03}",
            self.print("%Y-%m-%d %H:%M:%S"),
            self.0.rem_euclid(1000)
        )
    }

    /// `2016-05-20 14:47:16.787`, the history's form (001a 5).
    pub fn dotted(self) -> String {
        format!(
            "{}.{:03}",
            self.print("%Y-%m-%d %H:%M:%S"),
            self.0.rem_euclid(1000)
        )
    }

    /// `2017-05-18 11:28:35` (a user's `lastLogin`).
    pub fn plain(self) -> String {
        self.print("%Y-%m-%d %H:%M:%S")
    }

    /// RFC 3339 in UTC with whole seconds, as our own additions print time.
    pub fn rfc3339(self) -> String {
        self.print("%Y-%m-%dT%H:%M:%SZ")
    }

    /// `2018-02-01T03:52:18.281815+00:00`, with microseconds and an offset (000 `created`).
    pub fn rfc3339_micros(self) -> String {
        format!(
            "{}.{:03}000+00:00",
            self.print("%Y-%m-%dT%H:%M:%S"),
            self.0.rem_euclid(1000)
        )
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.rfc3339())
    }
}

/// Where "now" comes from.
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp(jiff::Timestamp::now().as_millisecond())
    }
}

/// The machine's clock, shifted: a test moves it forward instead of waiting.
#[derive(Default)]
pub struct ShiftedClock {
    shift_millis: AtomicI64,
}

impl ShiftedClock {
    /// Moves this clock forward by `seconds`.
    pub fn advance_seconds(&self, seconds: i64) {
        self.shift_millis
            .fetch_add(seconds * 1000, Ordering::SeqCst);
    }
}

impl Clock for ShiftedClock {
    fn now(&self) -> Timestamp {
        Timestamp(SystemClock.now().0 + self.shift_millis.load(Ordering::SeqCst))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_form() {
        let moment = Timestamp(1_351_850_808_034);
        assert_eq!(moment.java(), "Fri Nov 02 10:06:48 GMT 2012");
        assert_eq!(moment.colon_millis(), "2012-11-02 10:06:48:034");
        assert_eq!(moment.dotted(), "2012-11-02 10:06:48.034");
        assert_eq!(moment.plain(), "2012-11-02 10:06:48");
        assert_eq!(moment.rfc3339(), "2012-11-02T10:06:48Z");
        assert_eq!(moment.rfc3339_micros(), "2012-11-02T10:06:48.034000+00:00");
        assert_eq!(moment.seconds(), 1_351_850_808);
    }

    #[test]
    fn moments_that_clients_name() {
        let moment = Some(Timestamp(1_461_061_920_000));
        for text in [
            "1461061920000",
            "2016-04-19 10:32:00",
            "2016-04-19 10:32:00.000",
            " 2016-04-19T10:32:00 ",
            "2016-04-19T10:32:00Z",
            "2016-04-19T12:32:00+02:00",
        ] {
            assert_eq!(Timestamp::read(text), moment, "{text}");
        }
        assert_eq!(
            Timestamp::read("2016-04-19 10:32:00.250"),
            Some(Timestamp(1_461_061_920_250))
        );
        assert_eq!(
            Timestamp::read("2016-04-19 10:32:00:250"),
            Some(Timestamp(1_461_061_920_250))
        );
        assert_eq!(
            Timestamp::read("2016-04-19"),
            Some(Timestamp(1_461_024_000_000))
        );
        for text in [
            "",
            "yesterday",
            "-1",
            "2016-02-30",
            "2016-04-19 25:00:00",
            "1960-01-01",
            "9999-01-01",
            "99999999999999999999",
            "10:32:00",
        ] {
            assert_eq!(Timestamp::read(text), None, "{text}");
        }
    }
}
